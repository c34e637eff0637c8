"""Judges from outside: pocketsphinx for words, resemblyzer for speakers. No stage of training may call them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

__all__ = ["edit_distance", "heard", "normalized_words", "speaker_embedding", "word_errors"]

_RATE = 16_000


@cache
def _decoder() -> Any:
    from pocketsphinx import Decoder

    return Decoder(samprate=_RATE, loglevel="FATAL")


def heard(audio: NDArray[np.float32], sample_rate: int) -> list[str]:
    """What pocketsphinx, with its own US English acoustic and 3-gram language model, hears."""
    low = soxr.resample(audio, sample_rate, _RATE)
    low = np.pad(low * (0.5 / max(0.01, float(np.abs(low).max()))), (_RATE // 4, _RATE // 4))
    decoder = _decoder()
    decoder.start_utt()
    decoder.process_raw((low * 32767).astype("<i2").tobytes(), no_search=False, full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return normalized_words(hypothesis.hypstr if hypothesis else "")


def normalized_words(text: str) -> list[str]:
    """Lower-case words without punctuation; hyphens separate, apostrophes stay."""
    words = re.findall(r"[a-z']+", text.lower().replace("-", " "))
    return [word.strip("'") for word in words if word.strip("'")]


def edit_distance(a: Sequence[str], b: Sequence[str]) -> int:
    """Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


def word_errors(text: str, audio: NDArray[np.float32], sample_rate: int) -> tuple[int, int]:
    """(word errors, words) of one utterance."""
    reference = normalized_words(text)
    return edit_distance(reference, heard(audio, sample_rate)), len(reference)


@cache
def _speaker_encoder() -> Any:
    from resemblyzer import VoiceEncoder

    return VoiceEncoder("cpu", verbose=False)


def speaker_embedding(utterances: Sequence[tuple[NDArray[np.float32], int]]) -> NDArray[np.float32]:
    """Unit-length resemblyzer embedding [256] of several (audio, sample rate)."""
    from resemblyzer import preprocess_wav

    wavs = [preprocess_wav(audio, source_sr=rate) for audio, rate in utterances]
    return np.asarray(_speaker_encoder().embed_speaker(wavs), dtype=np.float32)
