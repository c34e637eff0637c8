"""A bundle's graphs for TensorRT, run by ONNX Runtime on a CPU: slowly, and with the rounding that an engine has.

So that they can be heard before a board has built anything: same weights, same scales, same float16. An engine may
add up in another order; how it compares with this is what golden vectors are for.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edge_tts.bundle import Bundle
from edge_tts.engines import Binding, Graph, TensorInfo
from edge_tts.engines.api import Array
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import EngineError

__all__ = ["emulated"]

_ADAPTERS = "lora_"
_ROW = "seqlens_k"


def emulated(bundle: Bundle, threads: int = 1) -> dict[str, Graph]:
    """Every graph that the bundle has for TensorRT, by name. Raises BundleError, EngineError."""
    entries = bundle.manifest.tensorrt.graphs if bundle.manifest.tensorrt else {}
    engine = OnnxEngine(threads)
    made: dict[str, Graph] = {}
    for name, entry in entries.items():
        model, _ = bundle.graph(entry)
        made[name] = _EmulatedGraph(engine.load(name, model))
    return made


class _EmulatedGraph:
    """With the interface that the runtime knows: no adapters, and a cache that is written in place."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._adapters: dict[str, Array] = {
            name: np.zeros([size or 0 for size in info.shape], info.dtype)
            for name, info in graph.inputs.items()
            if name.startswith(_ADAPTERS)
        }
        self.inputs: Mapping[str, TensorInfo] = {
            name: info for name, info in graph.inputs.items() if name not in self._adapters
        }
        self.outputs = graph.outputs

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Runs the graph without adapters. Raises EngineError."""
        return self._graph.run({**{name: inputs[name] for name in self.inputs}, **self._adapters})

    def bind(
        self, inputs: Mapping[str, Array], outputs: Mapping[str, Array], states: Mapping[str, tuple[str, Array]]
    ) -> Binding:
        """Arrays for many runs; a state's new row is written into a float16 copy of its array."""
        caches = {name: (source, array.astype(np.float16)) for name, (source, array) in states.items()}
        return _EmulatedBinding(self, dict(inputs), dict(outputs), caches)


class _EmulatedBinding:
    def __init__(
        self, graph: _EmulatedGraph, inputs: dict[str, Array], outputs: dict[str, Array],
        caches: dict[str, tuple[str, Array]],
    ) -> None:  # fmt: skip
        self._graph, self._inputs, self._outputs, self._caches = graph, inputs, outputs, caches

    def run(self) -> None:
        """Runs the graph; writes the outputs, and the new rows into the caches. Raises EngineError."""
        results = self._graph.run(self._inputs | dict(self._caches.values()))
        for name, array in self._outputs.items():
            np.copyto(array, results[name])
        row = int(self._inputs[_ROW][0])
        for name, (_, cache) in self._caches.items():
            cache[:, :, row : row + 1] = results[name]

    def rebind(self, states: Mapping[str, tuple[str, Array]]) -> None:
        """Raises EngineError, as a GPU would."""
        raise EngineError("an emulated engine keeps its states: they can't be bound anew")
