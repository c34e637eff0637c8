"""Trains the unknown-word model of `edge_tts.text.letter_to_sound` on CMUdict.

Letters are aligned to chunks of zero, one or two phones by hard EM (Viterbi over chunk counts per letter), so that
reading a word becomes tagging its letters; a small residual convolution network learns the tags. Words that appear in
the held-out 5 % (chosen by a hash of the word, so the split never moves) are not trained on. One core, under ten
minutes.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge_tts.text.letter_to_sound import LAYERS, LetterToSound

Pronunciation = tuple[str, ...]
Chunks = list[Pronunciation]

CHANNELS = 160
RARE_CHUNK = 8
"""A chunk seen fewer times than this is an oddity of one word; such words are left out of training."""


@dataclass(frozen=True)
class Score:
    """Share of held-out words read right, with and without stress, and phone errors per reference phone."""

    words: float
    words_without_stress: float
    phone_error_rate: float
    count: int


def is_held_out(word: str) -> bool:
    """True for a fixed 5 % of all words."""
    return hashlib.sha256(word.encode()).digest()[0] < 13


def align(words: Mapping[str, Pronunciation], rounds: int = 4) -> dict[str, Chunks]:
    """One chunk of 0..2 phones per letter for each word; words that can't be covered so are dropped."""
    bare = {word: tuple(phone.rstrip("012") for phone in phones) for word, phones in words.items()}
    costs = _first_costs(bare)
    for _ in range(rounds):
        counts: Counter[tuple[str, Pronunciation]] = Counter()
        for word, phones in bare.items():
            cuts = _best_cuts(word, phones, costs)
            if cuts:
                counts.update((letter, phones[a:b]) for letter, (a, b) in zip(word, pairwise(cuts), strict=True))
        costs = _costs(counts)
    aligned = {}
    for word, phones in words.items():
        cuts = _best_cuts(word, bare[word], costs)
        if cuts:
            aligned[word] = [phones[a:b] for a, b in pairwise(cuts)]
    return aligned


def _first_costs(words: Mapping[str, Pronunciation]) -> dict[tuple[str, Pronunciation], float]:
    """Letters and phones that stand at about the same place of their words belong together."""
    counts: Counter[tuple[str, Pronunciation]] = Counter()
    for word, phones in words.items():
        for index, letter in enumerate(word):
            place = index * len(phones) / len(word)
            for other in range(max(0, int(place) - 1), min(len(phones), int(place) + 3)):
                weight = math.exp(-abs(place - other))
                counts[letter, phones[other : other + 1]] += weight  # type: ignore[assignment]
                counts[letter, phones[other : other + 2]] += 0.05 * weight  # type: ignore[assignment]
            counts[letter, ()] += 0.2  # type: ignore[assignment]
    return _costs(counts)


def _costs(counts: Counter[tuple[str, Pronunciation]]) -> dict[tuple[str, Pronunciation], float]:
    totals: Counter[str] = Counter()
    for (letter, _), count in counts.items():
        totals[letter] += count
    return {(letter, chunk): math.log(totals[letter] / count) for (letter, chunk), count in counts.items() if count}


def _best_cuts(word: str, phones: Pronunciation, costs: Mapping[tuple[str, Pronunciation], float]) -> list[int]:
    """Phone index at which each letter's chunk begins, and the end; empty if no cover exists."""
    total = len(phones)
    row: dict[int, float] = {0: 0.0}
    back: list[dict[int, int]] = []
    for index, letter in enumerate(word):
        left = 2 * (len(word) - index - 1)
        new: dict[int, float] = {}
        came: dict[int, int] = {}
        for start, cost in row.items():
            for end in range(max(start, total - left), min(start + 2, total) + 1):
                here = cost + costs.get((letter, phones[start:end]), 20.0)
                if here < new.get(end, math.inf):
                    new[end] = here
                    came[end] = start
        row = new
        back.append(came)
    if total not in row:
        return []
    cuts = [total]
    for came in reversed(back):
        cuts.append(came[cuts[-1]])
    return cuts[::-1]


class Tagger(nn.Module):
    """Letters [batch, length] (0 = edge, 1..26) to chunk scores [batch, length, chunks]."""

    def __init__(self, chunks: int) -> None:
        super().__init__()
        self.letters = nn.Embedding(27, CHANNELS)
        self.layers = nn.ModuleList(
            nn.Conv1d(CHANNELS, CHANNELS, width, dilation=step, padding=step * (width // 2)) for width, step in LAYERS
        )
        self.scores = nn.Linear(CHANNELS, chunks)
        self.dropout = nn.Dropout(0.1)

    def forward(self, letters: Tensor) -> Tensor:
        x = self.letters(letters).transpose(1, 2)
        for layer in self.layers:
            x = x + self.dropout(torch.relu(layer(x)))
        scores: Tensor = self.scores(x.transpose(1, 2))
        return scores


def train(words: Mapping[str, Pronunciation], *, epochs: int = 10, batch: int = 128, seed: int = 1) -> LetterToSound:
    """A trained model for `words` (letters a–z only) without the held-out ones; weights already rounded as stored."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    aligned = align({word: phones for word, phones in words.items() if not is_held_out(word)})
    counts = Counter(chunk for chunks in aligned.values() for chunk in chunks)
    kept = sorted(chunk for chunk, count in counts.items() if count >= RARE_CHUNK)
    index = {chunk: number for number, chunk in enumerate(kept)}
    by_length: dict[int, list[tuple[str, Chunks]]] = {}
    for word, chunks in aligned.items():
        if all(chunk in index for chunk in chunks):
            by_length.setdefault(len(word), []).append((word, chunks))
    batches = [
        _tensors(group[start : start + batch], index)
        for group in by_length.values()
        for start in range(0, len(group), batch)
    ]
    model = Tagger(len(kept))
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=epochs * len(batches), pct_start=0.1)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.02)
    for _ in range(epochs):
        for number in torch.randperm(len(batches)).tolist():
            letters, targets = batches[number]
            loss = loss_of(model(letters)[:, 1:-1].flatten(0, 1), targets.flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return LetterToSound(_stored(model), tuple(kept))


def _tensors(group: Sequence[tuple[str, Chunks]], index: Mapping[Pronunciation, int]) -> tuple[Tensor, Tensor]:
    letters = torch.tensor([[0, *(ord(letter) - 96 for letter in word), 0] for word, _ in group])
    return letters, torch.tensor([[index[chunk] for chunk in chunks] for _, chunks in group])


def _stored(model: Tagger) -> dict[str, NDArray[np.generic]]:
    """Weights by their file names: matrices [in, out] as int8 with one float32 scale per output."""
    arrays: dict[str, NDArray[np.generic]] = {}
    matrices: dict[str, torch.Tensor] = {"letters": model.letters.weight, "scores": model.scores.weight.T}
    biases: dict[str, torch.Tensor] = {"scores": model.scores.bias}
    for number, layer in enumerate(model.layers):
        assert isinstance(layer, nn.Conv1d) and layer.bias is not None
        matrices[f"layer{number}"] = layer.weight.permute(2, 1, 0).flatten(0, 1)  # [width * in, out]
        biases[f"layer{number}"] = layer.bias
    for name, matrix in matrices.items():
        weights = matrix.detach().numpy().astype(np.float32)
        scale = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127
        arrays[name] = np.rint(weights / scale).astype(np.int8)
        arrays[name + "_scale"] = scale.astype(np.float32)
    for name, bias in biases.items():
        arrays[name + "_bias"] = bias.detach().numpy().astype(np.float32)
    return arrays


def evaluate(model: LetterToSound, words: Mapping[str, Sequence[Pronunciation]]) -> Score:
    """Scores on the held-out words of `words`; a word is right if it equals any of its variants."""
    right = right_bare = errors = phones = count = 0
    for word, variants in words.items():
        if not is_held_out(word):
            continue
        guess = model.phones(word)
        bare = _bare(guess)
        count += 1
        right += guess in variants
        right_bare += any(bare == _bare(variant) for variant in variants)
        distance, reference = min((_distance(guess, variant), len(variant)) for variant in variants)
        errors += distance
        phones += reference
    return Score(right / count, right_bare / count, errors / phones, count)


def _bare(phones: Pronunciation) -> Pronunciation:
    return tuple(phone.rstrip("012") for phone in phones)


def _distance(left: Pronunciation, right: Pronunciation) -> int:
    """Levenshtein distance in phones."""
    row = list(range(len(right) + 1))
    for number, phone in enumerate(left, 1):
        previous, row[0] = row[0], number
        for place, other in enumerate(right, 1):
            previous, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, previous + (phone != other))
    return row[-1]


def trainable(words: Mapping[str, Sequence[Pronunciation]]) -> dict[str, list[Pronunciation]]:
    """The entries that are read letter by letter: at least three letters, no apostrophe, not spelled (`gdp`)."""
    return {
        word: list(variants)
        for word, variants in words.items()
        if word.isalpha() and word.isascii() and 3 <= len(word) <= 24 and len(variants[0]) <= 1.5 * len(word)
    }


def save(model: LetterToSound, path: Path) -> None:
    """Writes the model file that the package carries."""
    path.write_bytes(model.to_bytes())
