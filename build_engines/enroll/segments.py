"""Where somebody speaks and where nobody does, and how far the speech stands above the noise.

Energy alone, on frames of 10 ms: a frame begins speech when it stands well above the floor of the recording, and ends
it when it is near the floor again (hysteresis). The noise is what the pauses hold. Pure functions of the samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DEAD_DB", "FRAME_SECONDS", "Activity", "Noise", "detect", "frame_levels", "measure_noise", "runs",
    "without_rumble",
]  # fmt: skip

FRAME_SECONDS = 0.01
DEAD_DB = -100.0
"""Below this a frame holds digital silence: padding, or the work of a noise gate."""

_RUMBLE_HZ = (20.0, 40.0)
_MIN_SPAN_DB = 5.0
_SHORTEST_SPEECH = 5  # frames
_SHORTEST_PAUSE = 8
_GUARD = 3
_ENOUGH_NOISE = 12
_STEADY_DB = 4.0


@dataclass(frozen=True)
class Activity:
    """Levels float64 [frames] in dB of full scale, and whether each frame belongs to speech (bool [frames])."""

    levels: NDArray[np.float64]
    speech: NDArray[np.bool_]

    @property
    def segments(self) -> tuple[tuple[float, float], ...]:
        """Stretches of speech as (start, end) in seconds."""
        return tuple((start * FRAME_SECONDS, end * FRAME_SECONDS) for start, end in runs(self.speech))


@dataclass(frozen=True)
class Noise:
    """Levels of speech and noise in dB of full scale; `snr_db` is their distance, the speech freed of the noise.

    `from_pauses` is False where there is no pause to listen to, or where pauses hold more than an even noise (breath,
    weak speech): then the noise is the quietest of all, and the true distance may be greater.
    """

    speech_db: float
    noise_db: float
    snr_db: float
    from_pauses: bool


def without_rumble(mono: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """The samples without what lies below hearing and speech: offset and rumble (nothing below 20 Hz, all above 40)."""
    size = 1 << len(mono).bit_length()  # other sizes can take a hundred times as long
    spectrum = np.fft.rfft(mono - mono.mean(dtype=np.float64), size)
    low, high = _RUMBLE_HZ
    ramp = np.clip((np.fft.rfftfreq(size, 1 / rate) - low) / (high - low), 0, 1)
    return np.fft.irfft(spectrum * np.sin(ramp * np.pi / 2) ** 2, size)[: len(mono)]


def frame_levels(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Level of each whole frame in dB of full scale (0 dB: a square wave at full scale); a floor of -120 dB."""
    size = round(rate * FRAME_SECONDS)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    levels: NDArray[np.float64] = 10 * np.log10(np.mean(frames**2, axis=1) + 1e-12)
    return levels


def detect(levels: NDArray[np.float64]) -> Activity:
    """Speech among frames. Without contrast (hiss, a tone, silence) nothing is speech."""
    if not len(levels):
        return Activity(levels, np.zeros(0, np.bool_))
    smooth = _smooth(levels)
    live = smooth[smooth > DEAD_DB]
    speech = np.zeros(len(levels), np.bool_)
    if len(live):
        floor, top = np.percentile(live, 10), np.percentile(live, 95)
        dead = len(live) < len(smooth) * 0.9
        span = top - floor
        if span >= _MIN_SPAN_DB or dead:
            begin = floor + np.clip(0.35 * span, 4, 15)
            end = floor + np.clip(0.2 * span, 2.5, 9)
            speech = _hysteresis(smooth, begin, end)
    speech = _fill(speech, _SHORTEST_PAUSE)
    return Activity(levels, ~_fill(~speech, _SHORTEST_SPEECH))


def measure_noise(activity: Activity) -> Noise | None:
    """Levels of speech and noise; None where nobody speaks."""
    levels, speech = activity.levels, activity.speech
    if not speech.any():
        return None
    live = levels > DEAD_DB
    pauses = levels[live & ~_widen(speech, _GUARD)]
    # Even noise spreads so little that its quieter third is 0.3 dB below its mean, and its fiftieth part 0.8 dB.
    noise_db = float(np.percentile(levels[live], 2)) + 0.8
    from_pauses = len(pauses) >= _ENOUGH_NOISE
    if from_pauses:
        lowest, third = np.percentile(pauses, (5, 30)).tolist()
        from_pauses = third < min(lowest, noise_db) + _STEADY_DB
        noise_db = third + 0.3 if from_pauses else noise_db
    noise = 10 ** (noise_db / 10)
    both = float(np.mean(10 ** (levels[speech] / 10)))
    speech_db = 10 * np.log10(max(both - noise, noise * 1e-2))
    return Noise(float(speech_db), noise_db, float(speech_db - noise_db), from_pauses)


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of True as (first, one past the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _smooth(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean power over three frames, in dB."""
    power = 10 ** (np.pad(levels, 1, mode="edge") / 10)
    return 10 * np.log10((power[:-2] + power[1:-1] + power[2:]) / 3)


def _hysteresis(levels: NDArray[np.float64], begin: float, end: float) -> NDArray[np.bool_]:
    """Stretches above `end` that somewhere reach `begin`."""
    found = np.zeros(len(levels), np.bool_)
    for first, past in runs(levels > end):
        found[first:past] = levels[first:past].max() > begin
    return found


def _fill(flags: NDArray[np.bool_], shortest: int) -> NDArray[np.bool_]:
    """Gaps shorter than `shortest` between two stretches are closed."""
    filled: NDArray[np.bool_] = flags.copy()
    stretches = runs(flags)
    for (_, before), (after, _) in pairwise(stretches):
        filled[before:after] |= after - before < shortest
    return filled


def _widen(flags: NDArray[np.bool_], frames: int) -> NDArray[np.bool_]:
    """Each stretch grows by `frames` on both sides: where speech fades it is not yet noise."""
    grown: NDArray[np.bool_] = flags.copy()
    for first, past in runs(flags):
        grown[max(0, first - frames) : past + frames] = True
    return grown
