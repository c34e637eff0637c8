"""A plan as a picture: one board's roofline with the graphs as points, or what a second of audio costs on each."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from build_engines.plan.planner import Plan
from build_engines.plan.render import NAMES
from build_engines.plan.roofline import GRAPHS, Prediction

__all__ = ["draw"]

_COLOURS = {"gpt_prefill": "#7b6ca8", "gpt_step": "#3b6fb6", "latents": "#3f9b8f", "vocoder": "#d98b2b"}
_ROOFS = {"int8": ("INT8", "-"), "float16": ("FP16", "--"), "float32": ("FP32", ":")}


def draw(plan: Plan, target: Path) -> None:
    """Writes a PNG: for one board its roofline and its bars, for several their bars. Raises OSError."""
    one = len(plan.predictions) == 1
    figure = Figure(figsize=(11, 4.6) if one else (9, 0.55 * len(plan.predictions) + 1.8), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(f"{plan.name}: prediction (roofline of data-sheet peaks), not a measurement", fontsize=11)
    if one:
        left, right = figure.subplots(1, 2, width_ratios=(3, 2))
        _roofline(left, plan.predictions[0])
        _graphs(right, plan.predictions[0])
    else:
        _bars(figure.subplots(), plan)
    figure.savefig(target, format="png", dpi=130)


def _roofline(axis: Axes, prediction: Prediction) -> None:
    """Operations per second over operations per byte; a graph stands on the lowest roof above it."""
    board = prediction.board
    used = {kind for row in prediction.rows for kind, number in row.operations.items() if number}
    intensities = [row.total_operations / row.floor_bytes for row in prediction.rows]
    ends = min(0.5, *intensities) / 2, max(1000.0, *intensities) * 4
    for kind, (label, style) in _ROOFS.items():
        if kind in used:
            peak = board.peaks_tops[kind] * 1000
            knee = peak / board.bandwidth_gb_s
            axis.plot((knee, max(ends[1], knee)), (peak, peak), style, color="0.25", label=f"{label} {peak:,.0f} GOP/s")
    highest = max(board.peaks_tops[kind] for kind in used) * 1000
    knee = highest / board.bandwidth_gb_s
    label = f"memory {board.bandwidth_gb_s:g} GB/s"
    axis.plot((ends[0], knee), (ends[0] * board.bandwidth_gb_s, highest), color="#b03a2e", label=label)
    for row, intensity in zip(prediction.rows, intensities, strict=True):
        rate = row.total_operations / row.floor_ms / 1e6
        axis.plot(intensity, rate, "o", color=_COLOURS[row.graph], markersize=9, label=NAMES[row.graph])
    axis.set(xscale="log", yscale="log", xlabel="operations per byte that must move", ylabel="GOP/s at most")
    axis.set_title(f"{board.title} ({board.power_mode})", fontsize=10)
    axis.grid(alpha=0.25, which="both")
    axis.legend(loc="lower right", fontsize=8)


def _graphs(axis: Axes, prediction: Prediction) -> None:
    """Of each graph the floor, and behind it what it is if activations pass through memory."""
    names = [NAMES[row.graph] for row in prediction.rows]
    floors = [row.floor_ms / prediction.seconds for row in prediction.rows]
    through = [row.memory_ms / prediction.seconds for row in prediction.rows]
    axis.barh(names, through, color="0.82", height=0.62, label="if activations pass through memory")
    axis.barh(names, floors, color=[_COLOURS[row.graph] for row in prediction.rows], height=0.62)
    for name, floor, most in zip(names, floors, through, strict=True):
        axis.annotate(f" {floor:.2f}", (most, name), va="center", fontsize=9)
    axis.set_xlim(0, max(through) * 1.2)
    axis.invert_yaxis()
    axis.set_title(f"ms per second of audio, at least: {sum(floors):.1f} together", fontsize=10)
    axis.grid(alpha=0.25, axis="x")
    axis.set_axisbelow(True)
    axis.legend(fontsize=8, loc="lower right")


def _bars(axis: Axes, plan: Plan) -> None:
    """Least ms of computing per second of audio, stacked by graph."""
    names = [prediction.board.name for prediction in plan.predictions]
    starts = [0.0] * len(names)
    for index, graph in enumerate(GRAPHS):
        widths = [prediction.rows[index].floor_ms / prediction.seconds for prediction in plan.predictions]
        axis.barh(names, widths, left=starts, color=_COLOURS[graph], label=NAMES[graph], height=0.6)
        starts = [start + width for start, width in zip(starts, widths, strict=True)]
    for name, total in zip(names, starts, strict=True):
        axis.annotate(f" {total:.1f}", (total, name), va="center", fontsize=9)
    axis.set_xlim(0, max(starts) * 1.15)
    axis.invert_yaxis()
    axis.set_xlabel("ms of computing per second of audio, at least (real time: 1000)")
    axis.grid(alpha=0.25, axis="x")
    axis.set_axisbelow(True)
    axis.legend(fontsize=8, loc="lower right")
