"""The picture of a recording: waveform, spectrogram and levels over one axis of time, and how the levels are spread."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from build_engines.enroll.measures import Measures
from build_engines.enroll.segments import DEAD_DB, FRAME_SECONDS, without_rumble
from build_engines.evaluate.pictures import decibels

__all__ = ["draw"]

_SPEECH, _SPOKEN, _PAUSE, _WAVE, _BAD = "#cfe6d4", "#1e7a3c", "#8a8f98", "#2b4a6f", "#c0392b"
_RANGE_DB = 80.0
_COLUMNS = 1600


def draw(m: Measures) -> bytes:
    """PNG of about 1300 x 900 pixels."""
    figure = Figure(figsize=(12, 8.2), dpi=110, layout="constrained")
    grid = figure.add_gridspec(3, 2, width_ratios=(5, 1.25), height_ratios=(1, 1.25, 1))
    wave = figure.add_subplot(grid[0, 0])
    spectrum = figure.add_subplot(grid[1, 0], sharex=wave)
    level = figure.add_subplot(grid[2, 0], sharex=wave)
    spread = figure.add_subplot(grid[2, 1], sharey=level)
    _waveform(wave, m)
    image = _spectrogram(spectrum, m)
    _levels(level, m)
    _histogram(spread, m)
    beside = figure.add_subplot(grid[1, 1])
    beside.axis("off")
    figure.colorbar(image, cax=beside.inset_axes((0.0, 0.0, 0.07, 1.0)), label="dB, the loudest is 0")
    _legend(figure.add_subplot(grid[0, 1]), m)
    for axis in (wave, spectrum):
        axis.tick_params(labelbottom=False)
    wave.set_xlim(0, len(m.recording.mono) / m.recording.rate)
    level.set_xlabel("seconds")
    FigureCanvasAgg(figure)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _waveform(axis: Axes, m: Measures) -> None:
    mono, rate = m.recording.mono, m.recording.rate
    for start, end in m.activity.segments:
        axis.axvspan(start, end, color=_SPEECH, linewidth=0)
    size = max(1, len(mono) // _COLUMNS)
    blocks = mono[: len(mono) // size * size].reshape(-1, size)
    time = np.arange(len(blocks)) * size / rate
    axis.fill_between(time, blocks.min(1), blocks.max(1), color=_WAVE, linewidth=0.4)
    places = np.array([(first + past) // 2 for first, past in m.clipping.runs], np.int64)
    for marker, chosen in (("v", places[mono[places] > 0]), ("^", places[mono[places] <= 0])):
        axis.plot(chosen / rate, mono[chosen], marker, color=_BAD, markersize=5)
    highest = max(1.0, m.peak) * 1.05
    axis.set_ylim(-highest, highest)
    for full in (-1, 1):
        axis.axhline(full, color=_PAUSE, linewidth=0.6, linestyle=":")
    axis.set_ylabel("share of full scale")
    axis.set_title("Waveform", fontsize=10, loc="left")


def _spectrogram(axis: Axes, m: Measures) -> AxesImage:
    rate = m.recording.rate
    heard = without_rumble(m.recording.mono, rate).astype(np.float32)
    extent = (0.0, len(heard) / rate, 0.0, rate / 2000)
    image = axis.imshow(
        decibels(heard, rate), origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=-_RANGE_DB, vmax=0
    )
    if m.bandwidth_hz < 0.95 * rate / 2:
        _mark_edge(axis, m.bandwidth_hz / 1000)
    axis.set_ylabel("kHz")
    axis.set_title("Spectrogram", fontsize=10, loc="left")
    return image


def _mark_edge(axis: Axes, khz: float) -> None:
    axis.axhline(khz, color="white", linewidth=1, linestyle="--")
    axis.annotate(
        f"nothing above {khz:.1f} kHz", (1, khz), xycoords=axis.get_yaxis_transform(), xytext=(-6, 5),
        textcoords="offset points", ha="right", va="bottom", fontsize=8, color="white",
        bbox={"facecolor": "black", "alpha": 0.6, "linewidth": 0, "pad": 2},
    )  # fmt: skip


def _levels(axis: Axes, m: Measures) -> None:
    levels = np.maximum(m.activity.levels, DEAD_DB)
    for start, end in m.activity.segments:
        axis.axvspan(start, end, color=_SPEECH, linewidth=0)
    axis.plot((np.arange(len(levels)) + 0.5) * FRAME_SECONDS, levels, color=_WAVE, linewidth=0.9)
    axis.set_ylim(max(DEAD_DB, min(-70.0, float(levels.min(initial=0)) - 4)), 0)
    axis.set_ylabel("dB of full scale")
    axis.set_title("Level of each 10 ms", fontsize=10, loc="left")
    axis.grid(alpha=0.3, axis="y")
    if m.noise is not None:
        for name, height, colour in (("speech", m.noise.speech_db, _SPOKEN), ("noise", m.noise.noise_db, _BAD)):
            axis.axhline(height, color=colour, linewidth=1.2)
            axis.annotate(
                f"{name} {height:.0f} dB", (1, height), xycoords=axis.get_yaxis_transform(), xytext=(-4, 3),
                textcoords="offset points", ha="right", fontsize=8, color=colour,
                bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1},
            )  # fmt: skip


def _histogram(axis: Axes, m: Measures) -> None:
    levels, speech = np.maximum(m.activity.levels, DEAD_DB), m.activity.speech
    bins = np.arange(DEAD_DB, 1, 2.0).tolist()
    axis.hist(
        [levels[speech], levels[~speech]], bins=bins, orientation="horizontal", stacked=True, color=["#7cba8b", _PAUSE]
    )
    axis.set_xlabel("frames")
    axis.set_title("Spread", fontsize=10, loc="left")
    axis.tick_params(labelleft=False)
    axis.grid(alpha=0.3)
    if m.noise is None:
        return
    top, bottom = m.noise.speech_db, m.noise.noise_db
    place = axis.get_xlim()[1] * 0.8
    for height, colour in ((top, _SPOKEN), (bottom, _BAD)):
        axis.axhline(height, color=colour, linewidth=1.2)
    axis.annotate("", (place, top), (place, bottom), arrowprops={"arrowstyle": "<->", "linewidth": 1.2})
    axis.text(place, (top + bottom) / 2, f"{m.noise.snr_db:.0f} dB ", fontsize=9, ha="right", va="center")


def _legend(axis: Axes, m: Measures) -> None:
    axis.axis("off")
    axis.fill_between([], [], [], color=_SPEECH, label=f"speech ({m.speech_seconds:.1f} s)")
    axis.fill_between([], [], [], color=_PAUSE, label="pauses (spread)")
    if m.clipping.runs:
        axis.plot([], [], "v", color=_BAD, label=f"clipped ({len(m.clipping.runs)} places)")
    axis.legend(loc="upper left", frameon=False, fontsize=9)
