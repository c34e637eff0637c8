"""One graph's layers: measured one by one, ranked, and chosen (`build_engines.quantize.search`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import onnx

from build_engines.quantize.calibrate import Measured
from build_engines.quantize.costs import cpu_gain, float_seconds, tensorrt_gain
from build_engines.quantize.cpu import cpu_graph
from build_engines.quantize.histogram import METHODS
from build_engines.quantize.layers import FloatGraph, Layer
from build_engines.quantize.measure import Trial
from build_engines.quantize.search import Cost, rank, search
from build_engines.quantize.state import State
from build_engines.quantize.symmetric import symmetric_graph

__all__ = ["CPU", "TENSORRT", "Chooser", "Scheme", "is_reached", "rows_of"]



@dataclass(frozen=True)
class Scheme:
    """How a target rounds: the graph with the named layers in INT8, its gain in seconds for a layer and a number of
    rows, and whether activations are rounded by calibration (by the named method) rather than by their own extent."""

    name: str
    variant: Callable[[FloatGraph, Collection[str], Measured, str], onnx.ModelProto]
    gain: Callable[[Layer, float], float]


def _cpu(graph: FloatGraph, chosen: Collection[str], measured: Measured, method: str) -> onnx.ModelProto:
    if graph.path.stem.startswith("gpt_"):
        return cpu_graph(graph, chosen)
    return cpu_graph(graph, chosen, {name: measured.tensors[name].range(method) for name in _around(graph, chosen)})


def _tensorrt(graph: FloatGraph, chosen: Collection[str], measured: Measured, method: str) -> onnx.ModelProto:
    tensors = measured.tensors
    return symmetric_graph(graph, chosen, {name: tensors[name].clip(method) for name in _around(graph, chosen)})


def _around(graph: FloatGraph, chosen: Collection[str]) -> set[str]:
    """The tensors that the layers read and give: to find a clipping point takes a while."""
    return {tensor for layer in graph.layers if layer.name in chosen for tensor in (layer.source, layer.result)}


CPU = Scheme("cpu", _cpu, cpu_gain)
TENSORRT = Scheme("tensorrt", _tensorrt, tensorrt_gain)


def rows_of(layers: Sequence[Layer], measured: Measured) -> dict[str, float]:
    """Layer → rows (linear layers) or output positions (convolutions) of an average call."""
    rows = {}
    for layer in layers:
        if layer.kind == "MatMul":
            seen, width = measured.tensors[layer.source], layer.shape[0]
        elif layer.kind == "Conv":
            seen, width = measured.tensors[layer.result], layer.shape[0]
        else:  # every input position of a transposed convolution meets the whole kernel
            seen, width = measured.tensors[layer.source], layer.shape[0]
        rows[layer.name] = int(seen.counts.sum()) / max(measured.calls, 1) / width
    return rows


def is_reached(layer: Layer, measured: Measured) -> bool:
    """Whether calibration saw anything but zeros there: without text features in its language a layer sees none."""
    return measured.tensors[layer.source].clip("max") > 0


class Chooser:
    """Chooses the INT8 layers of one graph for one target. `done` is told of every step of the work."""

    def __init__(
        self, graph: FloatGraph, measured: Measured, scheme: Scheme, trial: Trial, state: State,
        done: Callable[[str], object],
    ) -> None:  # fmt: skip
        self._graph, self._measured, self._scheme, self._trial = graph, measured, scheme, trial
        self._state, self._done = state, done
        self._key = f"{scheme.name}/{graph.path.stem}"
        self.layers = list({layer.name: layer for layer in graph.layers}.values())

    def run(self, bar_db: float) -> dict[str, Any]:
        """The account of one graph for quantization.json: figures, layers with their fate, the search's steps."""
        rows = rows_of(self.layers, self._measured)
        gains = {layer.name: self._scheme.gain(layer, rows[layer.name]) for layer in self.layers}
        candidates = [
            layer.name for layer in self.layers if gains[layer.name] > 0 and is_reached(layer, self._measured)
        ]
        methods = self._methods(candidates)
        method = max(METHODS, key=lambda name: (methods.get(name, 0.0), -METHODS.index(name)))
        total = sum(float_seconds(layer, rows[layer.name]) for layer in self.layers) or 1.0
        if self._scheme is not CPU:
            total = sum(gains[name] for name in candidates) or 1.0
        costs = [Cost(name, self._alone(name, method), gains[name] / total) for name in candidates]
        chosen, steps = search(rank(costs), bar_db, lambda names: self._together(names, method))
        final = self._together(chosen, method) if chosen else 200.0
        alone = {cost.name: cost for cost in costs}
        return {
            "snr_db": round(final, 2), "bar_db": bar_db, "method": method, "methods": methods,
            "layers": [
                self._account(layer, alone.get(layer.name), layer.name in chosen) | {"rows": round(rows[layer.name], 1)}
                for layer in self.layers
            ],
            "search": [{"kept_float": step.kept_float, "snr_db": round(step.snr_db, 2)} for step in steps],
        }  # fmt: skip

    def _methods(self, candidates: Sequence[str]) -> dict[str, float]:
        """SNR with all candidates in INT8, by the method that finds the clipping point."""
        if (self._scheme is CPU and self._graph.path.stem.startswith("gpt_")) or not candidates:
            return {}
        return {method: round(self._together(candidates, method), 2) for method in METHODS}

    def _alone(self, name: str, method: str) -> float:
        found = self._state.get(f"{self._key}/{method}/{name}", lambda: self._snr([name], method))
        self._done(f"{self._graph.path.stem}: {name}")
        return found

    def _together(self, names: Sequence[str], method: str) -> float:
        key = f"{self._key}/{method}/together/{len(names)}/{'+'.join(sorted(names))}"
        return self._state.get(key, lambda: self._snr(names, method))

    def _snr(self, names: Sequence[str], method: str) -> float:
        return self._trial.score(self._scheme.variant(self._graph, set(names), self._measured, method)).snr_db

    def _account(self, layer: Layer, cost: Cost | None, chosen: bool) -> dict[str, Any]:
        if not is_reached(layer, self._measured):
            reason = "calibration never reached it"
        elif cost is None:
            reason = "INT8 is not faster here"
        elif chosen:
            reason = "gains more than it costs"
        else:
            reason = "costs too much for what it gains"
        return {
            "name": layer.name, "kind": layer.kind, "shape": list(layer.shape),
            "snr_db": None if cost is None else round(cost.snr_db, 2),
            "gain_share": 0.0 if cost is None else round(cost.gain, 5),
            "kept": "int8" if chosen else "float", "reason": reason,
        }  # fmt: skip


