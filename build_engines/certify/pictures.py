"""The pictures of a certification's report, as PNG: spectrograms and their difference, distributions, speed, layers."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from build_engines.certify.figures import LENGTH_RATIOS, SLACK_SECONDS
from build_engines.certify.rows import Example, ForcedRow, FreeRow, Speed
from build_engines.certify.signals import power_db

__all__ = ["draw_distributions", "draw_example", "draw_layers", "draw_speed"]

_FLOAT, _INT8, _KEPT, _BAD, _GRID = "#8a8f98", "#2b4a6f", "#d99a3e", "#c0392b", 0.3
_STAGES = {"text": "#b9bec6", "prefill": "#7cba8b", "decode": "#2b4a6f", "latents": "#d99a3e", "vocoder": "#9b6aa6"}
_RANGE_DB, _DIFFERENCE_DB, _AUDIBLE_DB = 80.0, 20.0, 60.0
_WINDOW_SECONDS = 0.025
_LONGEST_SECONDS = 10.0
_HIGHEST_SNR_DB, _LOWEST_SNR_DB = 80.0, 0.0


def draw_example(example: Example) -> bytes:
    """Float, INT8, and INT8 over float in dB, on one scale of time, pitch and level."""
    rate, longest = example.rate, int(_LONGEST_SECONDS * example.rate)
    before, after = (
        power_db(np.nan_to_num(sound[:longest]), rate, _WINDOW_SECONDS) for sound in (example.before, example.after)
    )
    count, top = min(len(before), len(after)), float(before.max())
    before, after = before[:count] - top, after[:count] - top
    floor = -_AUDIBLE_DB
    difference = np.maximum(after, floor) - np.maximum(before, floor)
    figure = Figure(figsize=(12, 2.9), dpi=110, layout="constrained")
    axes = figure.subplots(1, 3, sharex=True, sharey=True)
    extent = (0.0, count / 100, 0.0, rate / 2000)
    levels = {"cmap": "magma", "vmin": -_RANGE_DB, "vmax": 0.0}
    apart = {"cmap": "RdBu_r", "vmin": -_DIFFERENCE_DB, "vmax": _DIFFERENCE_DB}
    shown: list[tuple[str, NDArray[np.float64], Mapping[str, Any]]] = [
        ("float", before, levels), ("INT8", after, levels), ("difference", difference, apart)
    ]  # fmt: skip
    images = []
    for axis, (title, picture, look) in zip(axes, shown, strict=True):
        images.append(axis.imshow(picture.T, origin="lower", aspect="auto", extent=extent, **look))
        axis.set_title(title, fontsize=10, loc="left")
        axis.set_xlabel("seconds")
    axes[0].set_ylabel("kHz")
    figure.colorbar(images[1], ax=axes[1], label="dB, the loudest is 0", pad=0.02)
    figure.colorbar(images[2], ax=axes[2], label="dB: red is louder in INT8", pad=0.02)
    return _png(figure)


def draw_distributions(forced: Sequence[ForcedRow], free: Sequence[FreeRow], kl_bar: float, pesq_bar: float) -> bytes:
    """KL of every token, PESQ of every sentence, and the lengths of free speech beside each other."""
    figure = Figure(figsize=(12, 3.4), dpi=110, layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _kl(left, forced, kl_bar)
    _pesq(middle, forced, pesq_bar)
    _lengths(right, free)
    return _png(figure)


def draw_speed(speed: Speed) -> bytes:
    """Seconds of work per second of sound, by stage, and megabytes of graphs; float above, INT8 below."""
    figure = Figure(figsize=(12, 1.9), dpi=110, layout="constrained")
    time, size = figure.subplots(1, 2, width_ratios=(2.4, 1))
    names = ("float", "INT8")
    for row, side in enumerate((speed.before, speed.after)):
        start = 0.0
        for stage, seconds in side.items():
            time.barh(row, seconds, left=start, color=_STAGES.get(stage, _FLOAT), label=stage if row == 0 else None)
            start += seconds
        time.annotate(f" {start:.3f}", (start, row), va="center", fontsize=9)
    time.set_title("Seconds of work per second of sound", fontsize=10, loc="left")
    most = max(sum(side.values()) for side in (speed.before, speed.after))
    time.set_xlim(0, 1.1 * max(most, 1e-6))
    figure.legend(*time.get_legend_handles_labels(), loc="outside lower left", ncols=5, fontsize=9, frameon=False)
    megabytes = [speed.before_bytes / 1e6, speed.after_bytes / 1e6]
    size.barh(range(2), megabytes, color=[_FLOAT, _INT8])
    for row, value in enumerate(megabytes):
        size.annotate(f" {value:.1f}", (value, row), va="center", fontsize=9)
    size.set_xlim(0, 1.2 * max(*megabytes, 1e-6))
    size.set_title("MB of graphs and weights", fontsize=10, loc="left")
    for axis in (time, size):
        axis.set_yticks(range(2), names)
        axis.invert_yaxis()
        axis.spines[["top", "right"]].set_visible(False)
    return _png(figure)


def draw_layers(snr_db: Sequence[float | None], kept_int8: Sequence[bool], whole_db: float | None) -> bytes:
    """One column per layer, in the graph's order: SNR of the graph's output when only this layer is INT8.

    None: it was not tried. `whole_db`: the SNR with all chosen layers in INT8.
    """
    figure = Figure(figsize=(12, 2.7), dpi=110, layout="constrained")
    axis = figure.subplots()
    places = np.arange(len(snr_db))
    heights = np.clip([0.0 if db is None else db for db in snr_db], _LOWEST_SNR_DB, _HIGHEST_SNR_DB)
    chosen, tried = np.asarray(kept_int8, bool), np.array([db is not None for db in snr_db], bool)
    groups = (("INT8", chosen & tried, _INT8), ("stays in higher precision", ~chosen & tried, _KEPT))
    for name, mask, colour in groups:
        if mask.any():
            axis.bar(places[mask], heights[mask], width=0.8, color=colour, label=f"{name} ({mask.sum()})")
    if (~tried).any():
        axis.plot(places[~tried], np.zeros((~tried).sum()), "|", color=_FLOAT, label=f"not tried ({(~tried).sum()})")
    if whole_db is not None:
        axis.axhline(
            whole_db, color="black", linewidth=1, linestyle="--", label=f"chosen ones together {whole_db:.1f} dB"
        )
    axis.set_xlim(-0.8, len(snr_db) - 0.2)
    axis.set_ylim(0, 1.02 * max(10.0, float(heights.max(initial=0)), whole_db or 0.0))
    axis.set_ylabel("dB")
    axis.set_xlabel("layer, in the graph's order")
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=_GRID, axis="y")
    axis.set_axisbelow(True)
    figure.legend(loc="outside upper right", ncols=4, fontsize=9, frameon=False)
    return _png(figure)


def _kl(axis: Axes, rows: Sequence[ForcedRow], bar: float) -> None:
    values = np.maximum(np.concatenate([row.kl for row in rows]), 1e-6)
    bins = np.geomspace(1e-6, max(1.0, float(values.max())), 40)
    axis.hist(values, bins=bins.tolist(), color=_INT8)
    axis.set_xscale("log")
    axis.axvline(bar, color=_BAD, linewidth=1.2)
    axis.annotate(
        f"bar of the mean {bar:g} ", (bar, 0.99), xycoords=axis.get_xaxis_transform(), fontsize=8, color=_BAD,
        ha="right", va="top",
    )  # fmt: skip
    axis.set_xlabel("nats")
    axis.set_ylabel("tokens")
    axis.set_title(f"KL of each token's logits (mean {values.mean():.2g})", fontsize=10, loc="left")
    axis.grid(alpha=_GRID)
    axis.set_axisbelow(True)


def _pesq(axis: Axes, rows: Sequence[ForcedRow], bar: float) -> None:
    speakers = list(dict.fromkeys(row.speaker for row in rows))
    for place, speaker in enumerate(speakers):
        values = [row.figures["pesq"] for row in rows if row.speaker == speaker and "pesq" in row.figures]
        spread = place + np.linspace(-0.25, 0.25, len(values)) if len(values) > 1 else np.full(len(values), place)
        axis.plot(values, spread, "o", color=_INT8, markersize=4, alpha=0.7)
        if values:
            axis.plot([np.mean(values)] * 2, [place - 0.35, place + 0.35], color="black", linewidth=1.5)
    axis.axvline(bar, color=_BAD, linewidth=1.2)
    axis.annotate(
        f"bar of the mean {bar:g} ", (bar, 0.99), xycoords=axis.get_xaxis_transform(), fontsize=8, color=_BAD,
        ha="right", va="top",
    )  # fmt: skip
    axis.set_yticks(range(len(speakers)), speakers)
    axis.set_ylim(-0.6, len(speakers) - 0.1)
    axis.set_xlim(1, 4.75)
    axis.set_xlabel("MOS-LQO (4.64 is the best)")
    axis.set_title("PESQ of each sentence (line: the mean)", fontsize=10, loc="left")
    axis.grid(alpha=_GRID, axis="x")


def _lengths(axis: Axes, rows: Sequence[FreeRow]) -> None:
    before, after = (np.array([getattr(row, side).seconds for row in rows]) for side in ("before", "after"))
    longest = 1.05 * max(1.0, float(before.max(initial=0)), float(after.max(initial=0)))
    line = np.linspace(0, longest, 50)
    low, high = LENGTH_RATIOS
    lower, upper = np.minimum(line * low, line - SLACK_SECONDS), np.maximum(line * high, line + SLACK_SECONDS)
    axis.fill_between(line, np.maximum(lower, 0), upper, color="#cfe6d4", linewidth=0)
    axis.plot(line, line, color=_FLOAT, linewidth=0.8)
    faulty = np.array([row.after.fault is not None for row in rows], bool)
    axis.plot(before[~faulty], after[~faulty], "o", color=_INT8, markersize=3.5, alpha=0.6)
    axis.plot(before[faulty], after[faulty], "x", color=_BAD, markersize=6)
    axis.set_xlim(0, longest)
    axis.set_ylim(0, longest)
    axis.set_xlabel("float, seconds")
    axis.set_ylabel("INT8, seconds")
    axis.set_title("Lengths of free speech (green: allowed)", fontsize=10, loc="left")
    axis.grid(alpha=_GRID)


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
