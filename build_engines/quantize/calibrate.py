"""Calibration: the float bundle speaks its sentences, and every tensor that may be rounded is measured on the way.

A `Recorder` is an engine: it loads a bundle's graphs with the tensors of interest as further outputs, so what is
measured is what the runtime itself would compute. It also keeps some of the graphs' inputs and float outputs, the
examples on which INT8 graphs are compared later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort  # type: ignore[import-untyped]
from onnx import helper

from build_engines.errors import BuildError
from build_engines.quantize.histogram import Histogram
from build_engines.quantize.kv_cache import kv_tensors
from build_engines.quantize.layers import FloatGraph
from edge_tts.engines import Binding, Graph, TensorInfo
from edge_tts.engines.api import Array
from edge_tts.engines.onnx import OnnxGraph

__all__ = ["Example", "Measured", "Recorder", "session"]

MAX_EXAMPLES = 16


@dataclass(frozen=True)
class Example:
    """A graph's inputs and its float outputs."""

    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]


@dataclass
class Measured:
    """What was seen of one graph: tensors by name, the largest magnitude per channel (last axis) of those that fill
    the KV cache, and examples."""

    tensors: dict[str, Histogram] = field(default_factory=dict)
    channels: dict[str, Array] = field(default_factory=dict)
    examples: list[Example] = field(default_factory=list)
    calls: int = 0


def session(model: Path | bytes, optimize: bool = True) -> ort.InferenceSession:
    """A session on one thread: the same input gives the same bits."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_cpu_mem_arena = False
    if not optimize:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(
        model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
    )


class Recorder:
    """An engine that measures the tensors that layers of these graphs read and give.

    `work` is a folder for the graphs with more outputs; external weights are linked there. `keep` says of a graph's
    n-th call whether it becomes an example.
    """

    def __init__(self, graphs: Mapping[str, FloatGraph], work: Path, keep: Callable[[str, int], bool]) -> None:
        self._graphs, self._work, self._keep = graphs, work, keep
        self.measured = {name: Measured() for name in graphs}

    def load(self, name: str, model: bytes | Path) -> Graph:
        """The graph with more outputs; one that is not to be measured as it is. Raises EngineError."""
        if name not in self._graphs:
            return OnnxGraph(name, session(model))
        graph = self._graphs[name]
        tensors = sorted({tensor for layer in graph.layers for tensor in (layer.source, layer.result)})
        caches = kv_tensors(graph)
        wider = graph.model()
        outputs = [value.name for value in wider.graph.output]
        known = {value.name for value in (*wider.graph.output, *wider.graph.input)}
        wider.graph.output.extend(
            helper.make_tensor_value_info(tensor, onnx.TensorProto.FLOAT, None)
            for tensor in sorted({*tensors, *caches})
            if tensor not in known
        )
        path = self._work / f"{name}.measured.onnx"
        onnx.save(wider, str(path))
        plain = OnnxGraph(name, session(path))
        return _RecordedGraph(plain, outputs, self.measured[name], tensors, caches, lambda call: self._keep(name, call))


class _RecordedGraph:
    def __init__(
        self, graph: OnnxGraph, outputs: Sequence[str], measured: Measured, tensors: Sequence[str],
        caches: Sequence[str], keep: Callable[[int], bool],
    ) -> None:  # fmt: skip
        self._graph, self._measured, self._tensors, self._caches, self._keep = graph, measured, tensors, caches, keep
        self.outputs: Mapping[str, TensorInfo] = {name: graph.outputs[name] for name in outputs}

    @property
    def inputs(self) -> Mapping[str, TensorInfo]:
        """As the graph's."""
        return self._graph.inputs

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Runs the graph and measures. Raises EngineError; BuildError: a tensor is not finite."""
        given = {name: _used(name, array, inputs) for name, array in inputs.items()} if self._wanted() else {}
        everything = self._graph.run(inputs)
        measured = self._measured
        for name in self._tensors:
            value = everything.get(name, inputs.get(name))
            try:
                measured.tensors.setdefault(name, Histogram()).add(np.asarray(value))
            except ValueError:
                raise BuildError(f"graph {self._graph.name!r}: {name!r} has values that are not finite") from None
        for name in self._caches:
            value = np.abs(everything[name])
            # Keys and values of a prefill are [L, 1, H, rows, D]: per layer and channel. A step's row is [1, 1, 3 * C].
            largest = value.max(axis=3) if value.ndim == 5 else value.max(axis=(0, 1))
            measured.channels[name] = np.maximum(largest, measured.channels.get(name, largest))
        results = {name: everything[name] for name in self.outputs}
        if given:
            measured.examples.append(Example(given, {k: v.copy() for k, v in results.items() if _compared(k)}))
        measured.calls += 1
        return results

    def bind(
        self, inputs: Mapping[str, Array], outputs: Mapping[str, Array], states: Mapping[str, tuple[str, Array]]
    ) -> Binding:
        """Bound arrays are copied in and out: slow, and right for measuring."""
        return _RecordedBinding(self, inputs, outputs, states)

    def _wanted(self) -> bool:
        return len(self._measured.examples) < MAX_EXAMPLES and self._keep(self._measured.calls)


@dataclass
class _RecordedBinding:
    graph: _RecordedGraph
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    states: Mapping[str, tuple[str, Array]]

    def run(self) -> None:
        """Runs the graph and writes outputs and states in place. Raises EngineError."""
        feeds = dict(self.inputs) | dict(self.states.values())
        results = self.graph.run(feeds)
        for name, array in self.outputs.items():
            np.copyto(array, results[name])
        for name, (_, array) in self.states.items():
            np.copyto(array, results[name])

    def rebind(self, states: Mapping[str, tuple[str, Array]]) -> None:
        """Goes on with other states."""
        self.states = states


def _used(name: str, array: Array, inputs: Mapping[str, Array]) -> Array:
    """A copy; of a step's cache the rows that are in use, and the one to be written."""
    used: Array = array[:, :, : int(inputs["total_length"][0])].copy() if name.startswith("past_") else array.copy()
    return used


def _compared(name: str) -> bool:
    """The states of a step hold what it was given; its logits tell what it made of them."""
    return not name.startswith("present_")
