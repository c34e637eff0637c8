"""Random crops and whole utterances out of packed corpora, as tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from build_engines.training.align import PUNCTUATION
from build_engines.training.corpus import HOP, Corpus, Utterance

__all__ = ["PHONE_CLASSES", "Crop", "CropSampler", "Shelf", "fill_f0", "phone_class"]

PHONE_CLASSES = tuple(
    "PAU AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()
)
_CLASS_OF = {name: i for i, name in enumerate(PHONE_CLASSES)}


def phone_class(phone: str) -> int:
    """The class of a phone without its stress; punctuation is a pause."""
    return 0 if phone in PUNCTUATION else _CLASS_OF[phone.rstrip("012")]


def fill_f0(f0_hz: NDArray[np.float32]) -> NDArray[np.float32]:
    """F0 [frames] with unvoiced stretches interpolated in log; 120 Hz where nothing is voiced."""
    voiced = np.flatnonzero(f0_hz > 0)
    if len(voiced) == 0:
        return np.full(len(f0_hz), 120.0, np.float32)
    filled: NDArray[np.float64] = np.exp(np.interp(np.arange(len(f0_hz)), voiced, np.log(f0_hz[voiced])))
    return filled.astype(np.float32)


class Shelf:
    """Several corpora as one, every utterance by number, with a sampling weight each."""

    def __init__(self, folders: Sequence[Path], weights: Sequence[float]) -> None:
        self.corpora = [Corpus(folder) for folder in folders]
        self.items = [(c, i) for c, corpus in enumerate(self.corpora) for i in range(len(corpus))]
        frames = np.concatenate([corpus.frames for corpus in self.corpora]).astype(np.float64)
        share = []
        for corpus, weight in zip(self.corpora, weights, strict=True):
            share.append(np.full(len(corpus), weight / corpus.frames.sum()) * corpus.frames)
        self.frames = frames
        self.probability = np.concatenate(share) / np.concatenate(share).sum()
        self.speaker_names = sorted({s for corpus in self.corpora for s in corpus.speakers})
        self._number = {name: i for i, name in enumerate(self.speaker_names)}
        self.speakers = np.array([self._number[s] for corpus in self.corpora for s in corpus.speakers])
        self.by_speaker = [np.flatnonzero(self.speakers == i) for i in range(len(self.speaker_names))]

    def registers(self) -> NDArray[np.float32]:
        """Mean natural logarithm of each speaker's F0 in hertz, [speakers]; 120 Hz where nothing is voiced."""
        total, count = np.zeros(len(self.speaker_names)), np.zeros(len(self.speaker_names))
        for number, (corpus, i) in enumerate(self.items):
            source = self.corpora[corpus]
            f0 = source.f0[int(source.frame_starts[i]) : int(source.frame_starts[i + 1])].astype(np.float64)
            total[self.speakers[number]] += np.log(f0[f0 > 0]).sum()
            count[self.speakers[number]] += (f0 > 0).sum()
        mean: NDArray[np.float32] = np.where(count > 0, total / np.maximum(count, 1), np.log(120.0)).astype(np.float32)
        return mean

    def utterance(self, number: int) -> Utterance:
        """Utterance by its number on the shelf."""
        corpus, i = self.items[number]
        return self.corpora[corpus].utterance(i)


@dataclass
class Crop:
    """A batch of crops.

    audio [B, N], reference [B, M] of the same speakers, f0_hz [B, T] (0 unvoiced), f0_filled [B, T+1], phone classes
    [B, T] (-100 unknown), speaker numbers [B], bandwidth in hertz [B], utterance numbers and first tokens.
    """

    audio: Tensor
    reference: Tensor
    f0_hz: Tensor
    f0_filled: Tensor
    classes: Tensor
    speakers: Tensor
    bandwidth: Tensor
    numbers: list[int]
    first_tokens: list[int]


class CropSampler:
    """Endless random crops of ``tokens`` tokens (40 ms each) with a reference crop of the same speaker."""

    def __init__(self, shelf: Shelf, batch: int, tokens: int, reference_tokens: int, seed: int) -> None:
        self.shelf, self.batch, self.tokens, self.reference_tokens = shelf, batch, tokens, reference_tokens
        self.rng = np.random.default_rng(seed)

    def _piece(self, utterance: Utterance, tokens: int) -> tuple[int, slice]:
        total = len(utterance.f0_hz) // 4
        first = int(self.rng.integers(0, max(1, total - tokens + 1)))
        return first, slice(first * 4, first * 4 + tokens * 4)

    def _audio(self, utterance: Utterance, frames: slice) -> NDArray[np.float32]:
        wanted = (frames.stop - frames.start) * HOP
        piece = utterance.audio[frames.start * HOP : frames.stop * HOP]
        return np.pad(piece, (0, wanted - len(piece)))

    def __iter__(self) -> Iterator[Crop]:
        shelf = self.shelf
        while True:
            numbers = self.rng.choice(len(shelf.items), self.batch, p=shelf.probability)
            rows: list[tuple[NDArray[Any], ...]] = []
            firsts, bandwidth = [], []
            for number in numbers:
                u = shelf.utterance(int(number))
                first, frames = self._piece(u, self.tokens)
                count = self.tokens * 4
                f0 = u.f0_hz[frames]
                filled = fill_f0(u.f0_hz)[frames]
                filled = np.concatenate([filled, filled[-1:]])
                known = u.align[frames]
                table = np.array([phone_class(p) for p in u.phones] or [0])
                classes = np.where(known >= 0, table[np.maximum(known, 0)], -100)
                other = shelf.utterance(int(self.rng.choice(shelf.by_speaker[shelf.speakers[number]])))
                _, reference = self._piece(other, self.reference_tokens)
                missing = count - len(f0)
                rows.append(
                    (
                        self._audio(u, frames),
                        self._audio(other, reference),
                        np.pad(f0, (0, missing)),
                        np.pad(filled, (0, missing), mode="edge"),
                        np.pad(classes, (0, missing), constant_values=-100),
                    )
                )
                firsts.append(first)
                bandwidth.append(u.bandwidth_hz)
            audio, ref, f0s, filleds, labels = (np.stack(column) for column in zip(*rows, strict=True))
            yield Crop(
                torch.from_numpy(audio),
                torch.from_numpy(ref),
                torch.from_numpy(f0s).float(),
                torch.from_numpy(filleds).float(),
                torch.from_numpy(labels).long(),
                torch.from_numpy(shelf.speakers[numbers]).long(),
                torch.tensor(bandwidth),
                [int(n) for n in numbers],
                firsts,
            )
