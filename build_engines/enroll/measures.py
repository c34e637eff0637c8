"""What can be measured of a recording before anybody decides whether it will do. Pure functions of the samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from build_engines.enroll.audio import Recording
from build_engines.enroll.segments import Activity, Noise, detect, frame_levels, measure_noise, runs, without_rumble

__all__ = ["Clipping", "Measures", "bandwidth_hz", "find_clipping", "measure"]

_FULL_SCALE = 0.999
_FLAT_SAMPLES = 3
_FLAT_STEP = 2.0**-15
_QUIET_PEAK = 0.05
_BAND_RANGE_DB = 62.0


@dataclass(frozen=True)
class Clipping:
    """Samples that were cut off: their share of all, the longest run, and each run as (first, one past the last)."""

    share: float
    longest: int
    runs: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Measures:
    """Figures of one recording. Levels are dB of full scale, `peak` and `offset` shares of it."""

    recording: Recording
    activity: Activity
    noise: Noise | None
    clipping: Clipping
    peak: float
    offset: float
    bandwidth_hz: float

    @property
    def seconds(self) -> float:
        """Length of the file."""
        return self.recording.seconds

    @property
    def samples_16k(self) -> int:
        """Samples that GPT-SoVITS would count: its limits are stated at 16 kHz, and a fraction counts as one."""
        return -(-self.recording.frames * 16_000 // self.recording.rate)

    @cached_property
    def speech_seconds(self) -> float:
        """Speech, without pauses."""
        return sum(end - start for start, end in self.activity.segments)

    @property
    def leading_seconds(self) -> float:
        """Silence before the first speech; all of the recording where nobody speaks."""
        segments = self.activity.segments
        return segments[0][0] if segments else self.seconds

    @property
    def trailing_seconds(self) -> float:
        """Silence after the last speech."""
        segments = self.activity.segments
        return max(0.0, self.seconds - segments[-1][1]) if segments else self.seconds

    @property
    def cancelled_db(self) -> float:
        """By how much the mean of the channels is weaker than they are; 3 dB where they have nothing in common."""
        mono = float(np.mean(self.recording.mono.astype(np.float64) ** 2))
        return 10 * float(np.log10((self.recording.channels_power + 1e-12) / (mono + 1e-12)))


def measure(recording: Recording) -> Measures:
    """Measures a recording: tens of milliseconds for ten seconds of sound."""
    mono, rate = recording.mono, recording.rate
    heard = without_rumble(mono, rate)
    activity = detect(frame_levels(heard, rate))
    return Measures(
        recording=recording,
        activity=activity,
        noise=measure_noise(activity),
        clipping=find_clipping(mono),
        peak=float(np.abs(mono).max()),
        offset=float(mono.mean(dtype=np.float64)),
        bandwidth_hz=bandwidth_hz(heard, rate),
    )


def find_clipping(mono: NDArray[np.float32]) -> Clipping:
    """Flat tops: three samples or more in a row at the recording's own highest or lowest value, or at full scale.

    Its own, since a clipped recording may have been turned down later.
    """
    high, low = float(mono.max()), float(mono.min())
    at_top = (mono >= high - _FLAT_STEP) & (high >= _QUIET_PEAK) | (mono >= _FULL_SCALE)
    at_bottom = (mono <= low + _FLAT_STEP) & (low <= -_QUIET_PEAK) | (mono <= -_FULL_SCALE)
    found = [run for flags in (at_top, at_bottom) for run in runs(flags) if run[1] - run[0] >= _FLAT_SAMPLES]
    lengths = [past - first for first, past in found]
    return Clipping(sum(lengths) / len(mono), max(lengths, default=0), tuple(sorted(found)))


def bandwidth_hz(samples: NDArray[np.float64], rate: int) -> float:
    """The frequency above which there is next to nothing: half the rate, or less where it was converted upwards.

    The loudest frames of each band of 50 Hz are compared: sibilants fill the upper ones only now and then.
    """
    size = max(64, 2 * round(rate * 0.01))
    if len(samples) < size:
        return rate / 2
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[:: size // 2]
    power = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2
    loud = 10 * np.log10(np.percentile(power, 98, axis=0) + 1e-20)
    bands = np.fft.rfftfreq(size, 1 / rate)
    present = np.flatnonzero(loud > loud.max() - _BAND_RANGE_DB)
    edge = float(bands[present[-1]] + bands[1])
    return min(edge, rate / 2)
