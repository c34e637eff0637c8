"""Where the time goes, drawn into a PNG file: one sentence and a text of growing length, by part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from build_engines.bench.bars import linearity
from build_engines.bench.speech import PARTS

__all__ = ["draw"]

_COLOURS = ("#8c8c8c", "#4c72b0", "#dd8452", "#55a868", "#c44e52", "#ccb974")
_NAMES = {"phones": "phones", "prefill": "prefill", "decode": "decode", "latents": "latents", "vocoder": "vocoder",
          "python": "Python"}  # fmt: skip


def draw(tree: Mapping[str, Any], target: Path) -> None:
    """Draws the figures of a run (build_engines.bench.run). The file is complete or not there."""
    figure = Figure(figsize=(12, 8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 2)
    for column, (key, name) in enumerate((("by_sentence", "one sentence"), ("by_text", "a text of 4-s sentences"))):
        rows = tree[key]
        _bars(axes[0, column], rows, [1.0] * len(rows), f"{name}: ms of core per s of sound", "ms per s of sound", 1e3)
        sizes = [row["audio_s"] for row in rows]
        _bars(axes[1, column], rows, sizes, f"{name}: s of core in all", "s of core", 1.0)
    line = linearity(tree["by_text"])
    axes[1, 1].text(
        0.03, 0.95, f"a line: {line['slope']:.3f} s per s, from {1e3 * line['begin_s']:.0f} ms;\n"
        f"deviation at most {100 * line['deviation']:.1f} % of the longest", transform=axes[1, 1].transAxes, va="top",
    )  # fmt: skip
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right upper")
    figure.suptitle(f"Where the time goes: {tree['voice']}, INT8, one core of {tree['machine']['cpu']}")
    part = target.with_name(f".{target.name}.part")
    try:
        figure.savefig(part, format="png", dpi=110)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _bars(
    axes: Axes, rows: Sequence[Mapping[str, Any]], sizes: Sequence[float], title: str, unit: str, by: float
) -> None:
    """Stacked bars of all parts, times `sizes` and `by`."""
    places = list(range(len(rows)))
    bottom = [0.0] * len(rows)
    for part, colour in zip(PARTS, _COLOURS, strict=True):
        heights = [by * size * row["parts"][part] for row, size in zip(rows, sizes, strict=True)]
        axes.bar(places, heights, 0.7, bottom, color=colour, label=_NAMES[part])
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    for place, height in zip(places, bottom, strict=True):
        axes.annotate(f"{height:.3g}", (place, height), ha="center", va="bottom", fontsize="small")
    axes.set_xticks(places, [f"{row['audio_s']:.3g}" for row in rows])
    axes.set_xlabel("s of sound")
    axes.set_ylabel(unit)
    axes.set_title(title, fontsize="medium")
    axes.margins(y=0.12)
