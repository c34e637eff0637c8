"""Two ways from one sample rate to another, each where GPT-SoVITS has it: they differ near half the lower rate.

What HuBERT hears comes from librosa and so from soxr. What the reference encoder and the speaker-verification network
hear comes from torchaudio, whose filter is short: it reaches over six zero crossings of its sinc. From 22.05 kHz to
32 kHz the two differ by 36 to 46 dB below the signal, all of it above 9 kHz; so soxr can't stand in for it.
"""

from __future__ import annotations

import math

import numpy as np
import soxr
from numpy.typing import NDArray

__all__ = ["resample", "sinc_resample"]

_ZERO_CROSSINGS = 6
_ROLL_OFF = 0.99
_BLOCK = 1 << 15


def resample(audio: NDArray[np.float32], rate: int, target: int) -> NDArray[np.float32]:
    """Mono [N] at `rate` to [ceil(N * target / rate)] at `target`, by soxr's high quality, as librosa.load does it."""
    if rate == target:
        return audio
    length = -(-len(audio) * target // rate)
    found: NDArray[np.float32] = soxr.resample(audio, rate, target, quality="HQ").astype(np.float32)[:length]
    return np.pad(found, (0, length - len(found)))


def sinc_resample(audio: NDArray[np.float32], rate: int, target: int) -> NDArray[np.float32]:
    """The same sizes by a sinc under a squared cosine, as torchaudio.transforms.Resample does it by default.

    Every output sample is a weighted sum of the input around its place in time. There are only `target` / gcd
    different places between input samples, so as many sets of weights (Smith, Digital Audio Resampling).
    """
    if rate == target:
        return audio
    divisor = math.gcd(rate, target)
    step, places = rate // divisor, target // divisor
    cutoff = min(step, places) * _ROLL_OFF
    reach = math.ceil(_ZERO_CROSSINGS * step / cutoff)
    distance = np.arange(-reach, reach + step) / step - np.arange(places)[:, None] / places
    phase = np.clip(distance * cutoff, -_ZERO_CROSSINGS, _ZERO_CROSSINGS)
    window = np.cos(phase * np.pi / _ZERO_CROSSINGS / 2) ** 2
    weights = (np.sinc(phase) * window * cutoff / step).astype(np.float32).T
    padded = np.pad(audio, (reach, reach + step))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + step)[::step]
    made = [pieces[first : first + _BLOCK] @ weights for first in range(0, len(pieces), _BLOCK)]
    return np.concatenate(made).reshape(-1)[: -(-len(audio) * target // rate)].astype(np.float32)
