"""How far apart two signals of the same tokens are. Pure functions; the first argument is the float voice's.

What is not finite counts as silence, which every judge puts at the bottom of its scale. A judge that can't even compare
the float signal with itself (too short, nothing that it takes for speech) gives `UnjudgedError`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from build_engines.errors import BuildError

__all__ = [
    "UnjudgedError", "agreement", "cosine", "kl_divergence", "log_spectral_distance", "loudness_difference",
    "pesq_score", "power_db", "snr_db", "stoi_score",
]  # fmt: skip

Audio = NDArray[np.float32]

_JUDGED_HZ = 16_000
_WORST_PESQ, _WORST_KL = 1.0, 99.0
_HIGHEST_SNR_DB = 120.0
_QUIETEST_LUFS = -70.0  # where BS.1770's absolute gate lies
_WINDOW_SECONDS, _HOP_SECONDS = 0.04, 0.01
_HIGHEST_HZ, _SPEECH_RANGE_DB, _FLOOR_DB = 8_000.0, 40.0, 60.0


class UnjudgedError(BuildError):
    """A judge can make nothing of the float signal; the message says why."""


def agreement(logits: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Where both expect the same token most, of logits [rows, vocab]; never where one is not finite."""
    sound = np.isfinite(logits).all(1) & np.isfinite(other).all(1)
    same: NDArray[np.bool_] = sound & (logits.argmax(1) == other.argmax(1))
    return same


def kl_divergence(logits: NDArray[Any], other: NDArray[Any]) -> NDArray[np.float64]:
    """KL(float ‖ other) of the softmax of each row of logits [rows, vocab], in nats."""
    p, q = _log_softmax(logits), _log_softmax(other)
    with np.errstate(invalid="ignore"):
        found = (np.exp(p) * (p - q)).sum(1)
    return np.where(np.isfinite(found), np.clip(found, 0, _WORST_KL), _WORST_KL)


def snr_db(signal: NDArray[Any], other: NDArray[Any]) -> float:
    """The signal's power over that of the difference, in dB, 120 at most."""
    if signal.shape != other.shape or not np.isfinite(other).all():
        return 0.0
    power = float(np.square(signal, dtype=np.float64).sum())
    noise = float(np.square(signal.astype(np.float64) - other).sum())
    if noise == 0 or power == 0:
        return _HIGHEST_SNR_DB if noise == 0 else 0.0
    return min(_HIGHEST_SNR_DB, float(10 * np.log10(power / noise)))


def log_spectral_distance(signal: Audio, other: Audio, rate: int) -> float:
    """RMS difference of the power spectra in dB up to 8 kHz, averaged over the frames that speak.

    These are the frames within 40 dB of the float signal's loudest; what lies 60 dB below its highest bin is floor.
    """
    signal, other = _pair(signal, other)
    left, right = power_db(signal, rate), power_db(other, rate)
    floor = float(left.max()) - _FLOOR_DB
    loudest = left.max(1)
    bins = int(_HIGHEST_HZ * _WINDOW_SECONDS)
    difference = np.maximum(left, floor) - np.maximum(right, floor)
    spoken = difference[loudest > loudest.max() - _SPEECH_RANGE_DB, 1:bins]
    return float(np.sqrt(np.square(spoken).mean(1)).mean())


def pesq_score(signal: Audio, other: Audio, rate: int) -> float:
    """Wideband PESQ (ITU-T P.862.2, MOS-LQO 1.04 … 4.64) at 16 kHz. Raises UnjudgedError."""
    from pesq import PesqError, pesq

    signal, other = (_at_16k(audio, rate) for audio in _pair(signal, other))
    with np.errstate(invalid="ignore", divide="ignore"):  # it divides by the louder one's peak
        try:
            return float(pesq(_JUDGED_HZ, signal, other, "wb"))
        except (PesqError, ValueError):  # ValueError: silence makes not-a-numbers in it
            try:
                pesq(_JUDGED_HZ, signal, signal, "wb")
            except (PesqError, ValueError) as error:
                raise UnjudgedError(f"PESQ can't judge the float voice: {_reason(error)}") from None
            return _WORST_PESQ


def stoi_score(signal: Audio, other: Audio, rate: int) -> float:
    """Short-time objective intelligibility (Taal et al. 2011), 0 … 1.

    Raises UnjudgedError: less than 0.4 s of speech.
    """
    from pystoi import stoi

    signal, other = _pair(signal, other)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = float(stoi(signal, other, rate))
    if any("Not enough STFT frames" in str(one.message) for one in caught):
        raise UnjudgedError("STOI can't judge the float voice: less than 0.4 s of speech")
    return found if np.isfinite(found) else 0.0


def loudness_difference(signal: Audio, other: Audio, rate: int) -> float:
    """Integrated loudness (ITU-R BS.1770-4) of the other over the float signal's, in LU.

    Raises UnjudgedError: less than 0.4 s.
    """
    from pyloudnorm import Meter

    signal, other = _pair(signal, other)
    meter = Meter(rate)
    if len(signal) <= meter.block_size * rate:
        raise UnjudgedError("loudness needs more than 0.4 s of sound")
    with np.errstate(divide="ignore"):
        before, after = (float(meter.integrated_loudness(audio)) for audio in (signal, other))
    if not np.isfinite(before):
        raise UnjudgedError("the float voice is silent")
    return max(after, _QUIETEST_LUFS) - before


def cosine(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Of the angle between two vectors; 0 where one has no direction."""
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if np.isfinite(length) and length > 0 else 0.0


def _pair(signal: Audio, other: Audio) -> tuple[Audio, Audio]:
    """Both at the length of the shorter. Raises BuildError: the float signal is nothing to compare with."""
    count = min(len(signal), len(other))
    if not np.isfinite(signal).all() or count == 0:
        raise BuildError("the float voice gives no sound, or one that is not finite: nothing can be compared with it")
    return signal[:count], np.where(np.isfinite(other[:count]), other[:count], 0).astype(np.float32)


def _log_softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    shifted = logits.astype(np.float64)
    with np.errstate(invalid="ignore"):
        shifted = shifted - shifted.max(1, keepdims=True)
        rows: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return rows


def power_db(audio: Audio, rate: int, window_seconds: float = _WINDOW_SECONDS) -> NDArray[np.float64]:
    """The power spectrum in dB, [frames, bins]: windows that are 10 ms apart, by default of 40 ms (25 Hz per bin)."""
    size, hop = round(rate * window_seconds), round(rate * _HOP_SECONDS)
    padded = np.pad(audio, (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * np.hanning(size)
    power: NDArray[np.float64] = 10 * np.log10(np.abs(np.fft.rfft(frames)) ** 2 + 1e-12)
    return power


def _at_16k(audio: Audio, rate: int) -> Audio:
    low: Audio = soxr.resample(audio, rate, _JUDGED_HZ)
    return low


def _reason(error: Exception) -> str:
    said = error.args[0] if error.args else error
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else str(said)
    return text.strip().rstrip(".") or type(error).__name__
