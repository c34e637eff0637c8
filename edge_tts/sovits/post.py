"""The last touches on a sentence's sound, none of which looks ahead: peaks, fades, the silence after it.

GPT-SoVITS divides a whole utterance by its peak when that is over 1, which a stream can't do: it would have to know the
peak before the first sample leaves. Here a fixed curve bends only what is louder than the knee, sample by sample.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fader", "limit", "pause_seconds"]

KNEE = 0.85
FADE_SECONDS = 0.005
SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？")
SENTENCE_PAUSE_SECONDS = 0.25
CLAUSE_PAUSE_SECONDS = 0.08


def limit(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Leaves |x| ≤ 0.85 as it is and bends what is louder smoothly toward 1, which it never passes."""
    loud = np.abs(samples) > KNEE
    if not loud.any():
        return samples
    bent: NDArray[np.float32] = samples.copy()
    excess = (np.abs(samples[loud]) - KNEE) / (1 - KNEE)
    bent[loud] = np.sign(samples[loud]) * (KNEE + (1 - KNEE) * np.tanh(excess))
    return bent


def pause_seconds(written: str) -> float:
    """Silence after a sentence that is followed by another: short where a long sentence was cut inside."""
    ending = written.rstrip(" \t\r\n\"'”’»)]}*_」』）】")
    return SENTENCE_PAUSE_SECONDS if ending.endswith(SENTENCE_ENDS) else CLAUSE_PAUSE_SECONDS


class Fader:
    """Fades a sentence in and out over a few milliseconds, so that it neither begins nor ends with a click."""

    def __init__(self, sample_rate: int) -> None:
        self._length = max(1, round(FADE_SECONDS * sample_rate))
        self._position = 0

    def apply(self, samples: NDArray[np.float32], final: bool) -> NDArray[np.float32]:
        """The next samples [n] of the sentence; `final` says that they are its last."""
        faded: NDArray[np.float32] = samples.copy()
        rising = max(0, min(len(faded), self._length - self._position))
        ramp = (np.arange(self._position, self._position + rising, dtype=np.float32) + 0.5) / self._length
        faded[:rising] *= ramp
        if final:
            falling = min(len(faded), self._length)
            faded[len(faded) - falling :] *= (np.arange(falling, 0, -1, dtype=np.float32) - 0.5) / self._length
        self._position += len(faded)
        return faded
