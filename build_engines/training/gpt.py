"""Stage 2b: the GPT, on the tokens of everything whose phones are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from build_engines.models.gpt import GPT, GPTConfig
from build_engines.training.corpus import Corpus
from build_engines.training.loop import Budget, autocast, device, train
from edge_tts.text.symbols import phone_ids

__all__ = ["Spoken", "pointers", "read_spoken", "train_gpt"]

_RANDOM_TOKENS = 0.06
_JITTER = 0.10


@dataclass(frozen=True)
class Spoken:
    """One utterance as the GPT sees it: phone ids [P], tokens [T], pointer [T] (each token's phone), ge [G]."""

    phones: NDArray[np.int64]
    tokens: NDArray[np.int64]
    pointer: NDArray[np.int64]
    ge: NDArray[np.float32]
    weight: float


def pointers(align: NDArray[np.int16]) -> NDArray[np.int64]:
    """The phone that each 40 ms token speaks, from the phone of each 10 ms frame: the one at its centre."""
    return align[2::4].astype(np.int64)


def read_spoken(corpus: Corpus, tokens_file: Path, weight: float = 1.0, max_tokens: int = 300) -> list[Spoken]:
    """All utterances of a corpus whose phones are known; ``ge`` is the speaker's mean embedding."""
    with np.load(tokens_file, allow_pickle=False) as data:
        tokens, counts, ge = data["tokens"].astype(np.int64), data["counts"], data["ge"]
    starts = np.concatenate([[0], np.cumsum(counts)])
    mean = ge.mean(0).astype(np.float32)
    found = []
    for i in range(len(corpus)):
        u = corpus.utterance(i)
        if not u.phones or counts[i] > max_tokens:
            continue
        pointer = pointers(u.align)
        if pointer.min() < 0:
            continue
        found.append(Spoken(np.array(phone_ids(u.phones)), tokens[starts[i] : starts[i + 1]], pointer, mean, weight))
    return found


def _batches(items: Sequence[Spoken], budget: int, seed: int) -> Iterator[list[Spoken]]:
    """Endless batches of similar length whose padded audio rows stay within ``budget``."""
    rng = np.random.default_rng(seed)
    weights = np.array([item.weight for item in items])
    weights /= weights.sum()
    while True:
        order = rng.choice(len(items), 2048, p=weights)
        order = order[np.argsort([len(items[i].tokens) + rng.uniform(0, 8) for i in order])]
        groups: list[list[Spoken]] = []
        group: list[Spoken] = []
        longest = 0
        for i in order:
            longest = max(longest, len(items[i].tokens) + 1)
            if group and longest * (len(group) + 1) > budget:
                groups.append(group)
                group, longest = [], len(items[i].tokens) + 1
            group.append(items[i])
        groups.append(group)
        for k in rng.permutation(len(groups)):
            yield groups[k]


def _collate(group: list[Spoken], config: GPTConfig, rng: np.random.Generator) -> dict[str, Tensor]:
    phones_max = max(len(s.phones) for s in group)
    rows_max = max(len(s.tokens) for s in group) + 1
    b = len(group)
    phones = np.zeros((b, phones_max), np.int64)
    mask = np.zeros((b, phones_max), bool)
    inputs = np.zeros((b, rows_max), np.int64)
    targets = np.full((b, rows_max), -100, np.int64)
    spoken = np.zeros((b, rows_max), np.int64)
    offset = np.full((b, rows_max), -100, np.int64)
    for row, s in enumerate(group):
        p, t = len(s.phones), len(s.tokens)
        phones[row, :p], mask[row, :p] = s.phones, True
        noisy = s.tokens.copy()
        swap = rng.random(t) < _RANDOM_TOKENS
        noisy[swap] = rng.integers(0, config.eos, int(swap.sum()))
        inputs[row, : t + 1] = np.concatenate([[config.eos], noisy])
        targets[row, : t + 1] = np.concatenate([s.tokens, [config.eos]])
        previous = np.concatenate([[0], s.pointer])
        following = np.concatenate([s.pointer, [p - 1]])
        jitter = np.where(rng.random(t + 1) < _JITTER, rng.integers(-1, 1, t + 1), 0)
        previous = np.clip(previous + jitter, 0, p - 1)
        spoken[row, : t + 1] = previous
        step = following - previous
        offset[row, : t + 1] = np.where((step >= 0) & (step < config.pointer_window), step, -100)
    ge = np.stack([s.ge for s in group])
    arrays = {"phones": phones, "mask": mask, "inputs": inputs, "targets": targets, "spoken": spoken, "offset": offset}
    tensors = {k: torch.from_numpy(v).to(device()) for k, v in arrays.items()}
    features = torch.from_numpy(ge)[:, None, :].expand(-1, phones_max, -1).to(device())
    return {**tensors, "features": features}


def train_gpt(items: Sequence[Spoken], folder: Path, minutes: float, rows: int = 2400, seed: int = 0) -> None:
    """Train into ``folder/gpt.pt``; ``rows`` is a batch's padded number of audio rows."""
    config = GPTConfig()
    torch.manual_seed(seed)
    model = GPT(config).to(device())
    batches = _batches(items, rows, seed)
    rng = np.random.default_rng(seed + 1)

    def losses() -> dict[str, Tensor]:
        batch = _collate(next(batches), config, rng)
        with autocast():
            logits, log_weights = model(
                batch["phones"], batch["features"], batch["mask"], batch["inputs"], batch["spoken"]
            )
        targets, offset = batch["targets"], batch["offset"]
        logits = logits.float()
        token = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)
        pointer = F.nll_loss(log_weights.float().flatten(0, 1), offset.flatten(), ignore_index=-100)
        known = offset >= 0
        with torch.no_grad():
            pointed = ((log_weights.argmax(-1) == offset) & known).sum() / known.sum()
            right = (logits.argmax(-1) == targets).sum() / (targets >= 0).sum()
        return {"token": token, "pointer": 0.5 * pointer, "_pointed": pointed, "_right": right}

    train("gpt", model, losses, folder, Budget(minutes), 1e-3, warmup=400, average=0.999)
