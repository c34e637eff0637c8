"""An execution context whose refusals are typed errors: TensorRT itself returns False and writes a line to its log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge_tts.engines.tensorrt.log import EngineLog
from edge_tts.engines.tensorrt.memory import Memory
from edge_tts.errors import DeviceError, DeviceMemoryError, EngineError

__all__ = ["Context"]


class Context:
    """One IExecutionContext of an engine, on the device's stream. Used with the device active."""

    def __init__(self, graph: str, engine: Any, memory: Memory, log: EngineLog) -> None:
        """Raises DeviceMemoryError: no memory for its intermediate results; DeviceError."""
        self._graph, self._device, self._log = graph, memory.device, log
        self._profile: int | None = None
        log.clear()
        self._context = engine.create_execution_context()
        if self._context is None:
            raise self._failure("has no memory for an execution context", DeviceMemoryError)

    def use_profile(self, number: int) -> bool:
        """Switches to an optimisation profile; says whether it was another one before. Raises DeviceError."""
        if number == self._profile:
            return False
        if not self._context.set_optimization_profile_async(number, self._device.stream):
            raise self._failure(f"can't use profile {number}")
        self._profile = number
        return True

    def set_shape(self, name: str, shape: tuple[int, ...]) -> None:
        """Raises DeviceError: the profile does not allow it."""
        if not self._context.set_input_shape(name, shape):
            raise self._failure(f"refuses shape {list(shape)} for {name!r}")

    def set_addresses(self, addresses: Mapping[str, int]) -> None:
        """Where inputs and outputs lie. Raises DeviceError."""
        for name, address in addresses.items():
            if not self._context.set_tensor_address(name, address):
                raise self._failure(f"refuses the address of {name!r}")

    def output_shape(self, name: str) -> tuple[int, ...]:
        """The shape that an output will have, once all inputs have theirs. Raises EngineError: it depends on data."""
        shape = tuple(int(size) for size in self._context.get_tensor_shape(name))
        if any(size < 0 for size in shape):
            raise EngineError(f"graph {self._graph!r}: the size of {name!r} is not known before it runs")
        return shape

    def infer_shapes(self) -> None:
        """Lets the inputs' shapes and values decide the outputs' shapes. Raises DeviceError: some are not set."""
        missing = self._context.infer_shapes()
        if missing:
            raise self._failure(f"lacks {', '.join(map(str, missing))}")

    def most_bytes(self, name: str) -> int:
        """An output's size in bytes at the profile's greatest shapes. Raises DeviceError."""
        size = int(self._context.get_max_output_size(name))
        if size < 0:
            raise self._failure(f"can't bound the size of {name!r}")
        return size

    def execute(self) -> None:
        """Queues one run on the stream. Raises DeviceError, DeviceMemoryError, DeviceLostError."""
        self._log.clear()
        if not self._context.execute_async_v3(self._device.stream):
            raise self._failure("failed")

    def _failure(self, what: str, kind: type[DeviceError] = DeviceError) -> DeviceError:
        reason = self._log.last
        if "out of memory" in reason.lower():
            kind = DeviceMemoryError
        return kind(f"graph {self._graph!r} {what}" + (f": {reason}" if reason else ""))
