"""Recordings in the form that training reads: one packed corpus per speaker or collection.

A corpus folder holds ``audio.i16`` (24 kHz mono, all utterances end to end) and ``index.npz``: per utterance its name,
speaker, first sample, frame count and bandwidth; per 10 ms frame the fundamental frequency (0 = unvoiced) and the
phone spoken (-1 = unknown); and the phones of every utterance.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from tqdm import tqdm

from build_engines.training.align import align, frames_of, words_of
from build_engines.training.teacher import read_segments
from build_engines.training.texts import Text
from edge_tts.text.cmudict import pronunciations

__all__ = [
    "HOP", "SAMPLE_RATE", "Corpus", "Utterance", "fundamental_hz", "load_audio", "pack", "pack_teacher",
    "read_recording", "read_teacher",
]  # fmt: skip

SAMPLE_RATE = 24_000
HOP = 240  # 10 ms
TOKEN_FRAMES = 4  # 25 Hz
_RMS = 0.09
_MAX_ALIGNMENT_COST = 0.06
_LEAD_SECONDS = 0.03
_TAIL_SECONDS = 0.20


@dataclass(frozen=True)
class Utterance:
    """audio [samples] at 24 kHz; f0_hz [frames]; align [frames]; phones: the front end's symbols, or empty."""

    name: str
    speaker: str
    audio: NDArray[np.float32]
    f0_hz: NDArray[np.float32]
    align: NDArray[np.int16]
    phones: tuple[str, ...]
    bandwidth_hz: float


def load_audio(path: Path) -> tuple[NDArray[np.float32], float]:
    """Mono audio at 24 kHz with a common active level, and the bandwidth of the recording in hertz."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = audio.mean(axis=1)
    resampled = soxr.resample(mono, rate, SAMPLE_RATE, quality="HQ").astype(np.float32)
    blocks = resampled[: len(resampled) // HOP * HOP].reshape(-1, HOP)
    energy = np.sqrt(np.mean(blocks**2, axis=1) + 1e-12)
    active = energy[energy > 0.1 * np.percentile(energy, 95)]
    gain = _RMS / float(np.sqrt(np.mean(active**2)))
    peak = float(np.abs(resampled).max())
    gain = min(gain, 0.95 / max(peak, 1e-6))
    return resampled * np.float32(gain), min(rate, SAMPLE_RATE) / 2


def fundamental_hz(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """F0 at the centre of each 10 ms frame, hertz, 0 where unvoiced, by DIO and StoneMask (WORLD)."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "pkg_resources is deprecated")  # pyworld 0.3.5 asks it for a version
        import pyworld

    low: NDArray[np.float64] = soxr.resample(audio, SAMPLE_RATE, 16_000).astype(np.float64)
    raw, times = pyworld.dio(low, 16_000, f0_floor=65.0, f0_ceil=420.0, frame_period=10.0)
    fine = pyworld.stonemask(low, raw, times, 16_000)
    frames = len(audio) // HOP
    fine = np.pad(fine, (0, max(0, frames + 1 - len(fine))))
    left, right = fine[:frames], fine[1 : frames + 1]
    both = (left > 0) & (right > 0)
    mean: NDArray[np.float64] = np.where(both, (left + right) / 2, np.maximum(left, right))
    return mean.astype(np.float32)


def _cut(audio: NDArray[np.float32], start: float, end: float) -> NDArray[np.float32]:
    """Cut to whole tokens; beyond the recording's end there is silence."""
    token = HOP * TOKEN_FRAMES
    first = max(0, round(start * SAMPLE_RATE))
    tokens = max(1, round((end - start) * SAMPLE_RATE / token))
    piece = audio[first : first + tokens * token]
    return np.pad(piece, (0, tokens * token - len(piece)))


def read_teacher(text: Text, folder: Path, speaker: str) -> Utterance | None:
    """One teacher utterance with its alignment; None where text and speech don't fit together."""
    wav = folder / f"{text.name}.wav"
    if not wav.exists():
        return None
    found = align(words_of(text.text), read_segments(wav.with_suffix(".seg")), pronunciations)
    if found is None or found.cost > _MAX_ALIGNMENT_COST or len(found.phones) < 2:
        return None
    audio, bandwidth = load_audio(wav)
    speech_end = float(found.ends[-2]) if len(found.ends) > 1 else float(found.ends[-1])
    start = max(0.0, found.start - _LEAD_SECONDS)
    piece = _cut(audio, start, speech_end + _TAIL_SECONDS)
    frames = len(piece) // HOP
    spoken = frames_of(found, start, frames)
    return Utterance(text.name, speaker, piece, fundamental_hz(piece), spoken, found.phones, bandwidth)


def read_recording(path: Path, speaker: str) -> Utterance:
    """A recording without text."""
    audio, bandwidth = load_audio(path)
    piece = _cut(audio, 0.0, len(audio) / SAMPLE_RATE)
    frames = len(piece) // HOP
    unknown = np.full(frames, -1, dtype=np.int16)
    return Utterance(path.stem, speaker, piece, fundamental_hz(piece), unknown, (), bandwidth)


def pack(utterances: Iterable[Utterance | None], folder: Path) -> None:
    """Write a corpus; the index comes last, so a folder with an index is whole."""
    folder.mkdir(parents=True, exist_ok=True)
    kept: list[Utterance] = []
    with (folder / "audio.i16").open("wb") as file:
        for utterance in utterances:
            if utterance is not None:
                file.write((utterance.audio * 32767).astype("<i2").tobytes())
                kept.append(utterance)
    part = folder / "index.part.npz"
    np.savez(
        part,
        names=np.array([u.name for u in kept]),
        speakers=np.array([u.speaker for u in kept]),
        frames=np.array([len(u.f0_hz) for u in kept], dtype=np.int64),
        bandwidth=np.array([u.bandwidth_hz for u in kept], dtype=np.float32),
        f0=np.concatenate([u.f0_hz for u in kept]).astype(np.float16),
        align=np.concatenate([u.align for u in kept]),
        phone_counts=np.array([len(u.phones) for u in kept], dtype=np.int64),
        phones=np.array([phone for u in kept for phone in u.phones], dtype="U4"),
    )
    part.replace(folder / "index.npz")


def pack_teacher(texts: Sequence[Text], source: Path, speaker: str, folder: Path, workers: int) -> None:
    """Read, align and pack all that one teacher said."""
    read = partial(read_teacher, folder=source, speaker=speaker)
    with ProcessPoolExecutor(workers) as pool:
        pack(tqdm(pool.map(read, texts, chunksize=32), total=len(texts), desc=f"packing {speaker}"), folder)


class Corpus:
    """A packed corpus, audio memory-mapped."""

    def __init__(self, folder: Path) -> None:
        with np.load(folder / "index.npz", allow_pickle=False) as index:
            self.names: list[str] = [str(n) for n in index["names"]]
            self.speakers: list[str] = [str(s) for s in index["speakers"]]
            self.frames: NDArray[np.int64] = index["frames"]
            self.bandwidth: NDArray[np.float32] = index["bandwidth"]
            self.f0: NDArray[np.float16] = index["f0"]
            self.align: NDArray[np.int16] = index["align"]
            self.phones: list[str] = [str(p) for p in index["phones"]]
            phone_counts = index["phone_counts"]
        self.frame_starts = np.concatenate([[0], np.cumsum(self.frames)])
        self.phone_starts = np.concatenate([[0], np.cumsum(phone_counts)])
        self.audio = np.memmap(folder / "audio.i16", dtype="<i2", mode="r")

    def __len__(self) -> int:
        return len(self.names)

    def utterance(self, i: int) -> Utterance:
        """Utterance ``i``, whole."""
        a, b = int(self.frame_starts[i]), int(self.frame_starts[i + 1])
        p, q = int(self.phone_starts[i]), int(self.phone_starts[i + 1])
        audio = self.audio[a * HOP : b * HOP].astype(np.float32) / np.float32(32767)
        return Utterance(
            self.names[i],
            self.speakers[i],
            audio,
            self.f0[a:b].astype(np.float32),
            self.align[a:b],
            tuple(self.phones[p:q]),
            float(self.bandwidth[i]),
        )
