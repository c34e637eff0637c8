"""TensorRT as an engine: the plans of certified engines become graphs on one device.

engine = open_engine()                       # the first GPU
graph = engine.load("gpt_step", plan)
"""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import Any

from edge_tts.engines.api import Graph
from edge_tts.engines.tensorrt.device import Device, open_device
from edge_tts.engines.tensorrt.graph import TensorRTGraph
from edge_tts.engines.tensorrt.log import make_log
from edge_tts.engines.tensorrt.memory import Memory
from edge_tts.engines.tensorrt.tensors import describe
from edge_tts.errors import DeviceError, DeviceMemoryError, EngineError

__all__ = ["TensorRTEngine", "import_tensorrt", "open_engine"]


def import_tensorrt() -> Any:
    """NVIDIA's package. Raises EngineError: it is not installed, or its libraries can't be loaded."""
    try:
        import tensorrt  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except (ImportError, OSError) as error:
        raise EngineError(f"TensorRT can't be imported ({error}): on a Jetson it comes with JetPack") from None
    return tensorrt


def open_engine() -> TensorRTEngine:
    """TensorRT on the first GPU. Raises EngineError, DeviceError."""
    trt = import_tensorrt()
    return TensorRTEngine(open_device(), trt)


class TensorRTEngine:
    """Loads plans onto a device, which it closes in the end. Whatever it took is given back by `close`, which also
    happens when the engine is dropped and when Python ends."""

    def __init__(self, device: Device, trt: Any) -> None:
        self.device, self.trt = device, trt
        self._memory = Memory(device)
        self._log = make_log(trt)
        self._graphs: weakref.WeakSet[TensorRTGraph] = weakref.WeakSet()
        self._finish = weakref.finalize(self, _close, self._graphs, self._memory)
        try:
            with device.active():
                self._runtime = trt.Runtime(self._log)
        except DeviceError:
            self.close()
            raise

    def load(self, name: str, model: bytes | Path) -> Graph:
        """Makes a graph of a plan. Raises EngineError: it can't be read, or TensorRT refuses it; DeviceError."""
        try:
            plan = model if isinstance(model, bytes) else model.read_bytes()
        except OSError as error:
            raise EngineError(f"the engine of {name!r} can't be read: {error.strerror}") from None
        with self._memory.active():
            self._log.clear()
            engine = self._runtime.deserialize_cuda_engine(plan)
            if engine is None:
                reason = self._log.last
                kind = DeviceMemoryError if "out of memory" in reason.lower() else EngineError
                raise kind(f"TensorRT refuses the engine of {name!r}: {reason or 'it does not say why'}")
            graph = TensorRTGraph(name, engine, describe(name, self.trt, engine), self._memory, self._log, owner=self)
        self._graphs.add(graph)
        return graph

    @property
    def held(self) -> int:
        """How many pieces of memory and recorded graphs it has taken and not given back."""
        return self._memory.held

    def close(self) -> None:
        """Gives all back; its graphs raise DeviceLostError from now on."""
        self._finish()


def _close(graphs: weakref.WeakSet[TensorRTGraph], memory: Memory) -> None:
    """TensorRT's objects go first: they live in the context that goes last."""
    for graph in list(graphs):
        graph.close()
    memory.close()
