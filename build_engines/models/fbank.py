"""Kaldi's log-mel filter bank, as speaker-verification networks were trained on it (compute-fbank-feats of Kaldi).

16 kHz, frames of 25 ms every 10 ms that lie wholly inside the audio, 80 mel bins from 20 Hz to 8 kHz, no dither.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["MEL_BINS", "SAMPLE_RATE", "fbank", "frame_count"]

SAMPLE_RATE = 16_000
"""Hertz."""

MEL_BINS = 80
"""Columns of the filter bank."""

_FRAME = SAMPLE_RATE * 25 // 1000
_HOP = SAMPLE_RATE * 10 // 1000
_N_FFT = 512
_LOW_HZ = 20.0
_HIGH_HZ = SAMPLE_RATE / 2
_PREEMPHASIS = 0.97
_FLOOR = float(np.finfo(np.float32).eps)


def frame_count(samples: int) -> int:
    """How many frames `fbank` makes of that many samples."""
    return max(0, 1 + (samples - _FRAME) // _HOP)


def fbank(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log energies [frames, 80] of mono audio [samples] in -1..1 at 16 kHz; no mean is taken off.

    Computed in double precision, so that only the floor, the smallest step of a float32 above 1, cuts quiet bins off.
    """
    frames = frame_count(len(audio))
    if not frames:
        return np.zeros((0, MEL_BINS), np.float32)
    pieces = np.lib.stride_tricks.sliding_window_view(audio.astype(np.float64), _FRAME)[::_HOP]
    pieces = pieces - pieces.mean(1, keepdims=True)
    before = np.concatenate([pieces[:, :1], pieces[:, :-1]], 1)  # the first sample stands before itself
    spectrum = np.fft.rfft((pieces - _PREEMPHASIS * before) * _window(), _N_FFT)
    energies = np.abs(spectrum) ** 2 @ _filters()
    return np.log(np.maximum(energies, _FLOOR)).astype(np.float32)


@lru_cache(maxsize=1)
def _window() -> NDArray[np.float64]:
    """Povey's window: a Hann window that is made less peaked by a power."""
    window: NDArray[np.float64] = np.hanning(_FRAME) ** 0.85
    return window


@lru_cache(maxsize=1)
def _filters() -> NDArray[np.float64]:
    """Triangles [n_fft/2+1, 80] of equal width in mel, with straight sides in mel, each with a peak of 1."""
    edges = np.linspace(_mel(_LOW_HZ), _mel(_HIGH_HZ), MEL_BINS + 2)
    bins = _mel(np.arange(_N_FFT // 2 + 1) * SAMPLE_RATE / _N_FFT)[:, None]
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    weights: NDArray[np.float64] = np.maximum(0, np.minimum(rise, fall))
    return weights


def _mel(hertz: NDArray[np.float64] | float) -> NDArray[np.float64]:
    return 1127 * np.log1p(np.asarray(hertz, np.float64) / 700)
