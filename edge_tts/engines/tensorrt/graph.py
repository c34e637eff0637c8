"""A graph on the GPU: fresh arrays in, fresh arrays out, through buffers that stay.

Each tensor has its place in a device buffer that is as large as the profile's greatest shapes need, so it is allocated
once and grows only when a larger profile is used for the first time. Arrays travel through page-locked memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edge_tts.engines.api import Array, Binding, TensorInfo
from edge_tts.engines.tensorrt.binding import StepBindings
from edge_tts.engines.tensorrt.buffers import DeviceBuffer, HostMemory, places, span
from edge_tts.engines.tensorrt.context import Context
from edge_tts.engines.tensorrt.log import EngineLog
from edge_tts.engines.tensorrt.memory import Memory
from edge_tts.engines.tensorrt.slots import AdapterSlots
from edge_tts.engines.tensorrt.tensors import EngineTensors, check_numbers, nbytes, without_adapter
from edge_tts.errors import DeviceLostError

__all__ = ["TensorRTGraph"]


class TensorRTGraph:
    """An engine with its inputs and outputs by name. Several threads may run it; they take turns on the device."""

    def __init__(
        self, name: str, engine: Any, tensors: EngineTensors, memory: Memory, log: EngineLog, owner: object
    ) -> None:
        """`owner` closes the memory when it is dropped, so it lives as long as the graph."""
        self.name, self._owner = name, owner
        self._tensors, self._memory = tensors, memory
        self._make_context: Callable[[], Context] = lambda: Context(name, engine, memory, log)
        self._context: Context | None = None
        self._slots = AdapterSlots(name, memory, tensors.adapters)
        self._bindings = StepBindings(name, tensors, memory, self._make_context, self._slots)
        self._inputs, self._outputs = DeviceBuffer(memory), DeviceBuffer(memory)
        self._staged_in, self._staged_out = HostMemory(memory), HostMemory(memory)
        self._most_output: dict[int, dict[str, int]] = {}

    @property
    def inputs(self) -> Mapping[str, TensorInfo]:
        """Every input by name, but for adapters."""
        return self._tensors.inputs

    @property
    def outputs(self) -> Mapping[str, TensorInfo]:
        """Every output by name."""
        return self._tensors.outputs

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Runs the engine on fresh arrays; `lora_*` among them are an adapter. Raises EngineError, EngineLimitError
        (no profile fits the shapes, or both slots for adapters are in use), DeviceError.
        """
        arrays, adapter = without_adapter(self.name, self._tensors, inputs)
        profile = self._tensors.choose(self.name, arrays)
        with self._memory.active():
            lease = self._slots.lease(adapter)
            try:
                results = self._run(profile, arrays, lease.addresses)
            finally:
                lease.release()
        check_numbers(self.name, results)
        return results

    def bind(
        self, inputs: Mapping[str, Array], outputs: Mapping[str, Array], states: Mapping[str, tuple[str, Array]]
    ) -> Binding:
        """Binds arrays for many runs; the states [1, heads, rows, width] move to the GPU and stay there.

        The engine gives one new row per state, which is written at the row that the input `seqlens_k` says. An input
        that is read-only (numpy's flag) is uploaded once, the others at each run. Raises as `run` does.
        """
        return self._bindings.bind(inputs, outputs, states, owner=self)

    def close(self) -> None:
        """Lets go of TensorRT's objects; the memory itself is given back by the engine."""
        self._context = None
        self._bindings.close()

        def closed() -> Context:
            raise DeviceLostError(f"graph {self.name!r} has been closed")

        self._make_context = closed

    def _run(self, profile: int, arrays: Mapping[str, Array], adapter: Mapping[str, int]) -> dict[str, Array]:
        device, context = self._memory.device, self._ready(profile)
        sources, targets = places(self._inputs.address, self._input_bytes(profile)), self._output_places(profile)
        staged = self._staged_in.views({name: (array.dtype, array.shape) for name, array in arrays.items()})
        for name, array in arrays.items():
            staged[name][...] = array
            context.set_shape(name, array.shape)
        on_host = {name: staged[name].ctypes.data for name in self._tensors.on_host}
        context.set_addresses({**adapter, **sources, **on_host, **targets})
        context.infer_shapes()
        outputs = {n: (info.dtype, context.output_shape(n)) for n, info in self._tensors.outputs.items()}
        for name, address in sources.items():
            device.upload(address, staged[name])
        context.execute()
        results = self._staged_out.views(outputs)
        for name, view in results.items():
            device.download(view, targets[name])
        device.synchronize()
        return {name: view.copy() for name, view in results.items()}

    def _ready(self, profile: int) -> Context:
        """The context on this profile, with buffers for its greatest shapes."""
        if self._context is None:
            self._context = self._make_context()
        context = self._context
        context.use_profile(profile)
        if profile not in self._most_output:
            values = {}
            for name, bounds in self._tensors.profiles[profile].items():
                context.set_shape(name, bounds.most)
                if name in self._tensors.on_host:
                    values[name] = np.array(bounds.most_values, self._tensors.inputs[name].dtype)
            context.set_addresses({name: array.ctypes.data for name, array in values.items()})
            context.infer_shapes()
            self._most_output[profile] = {name: context.most_bytes(name) for name in self._tensors.outputs}
        self._inputs.reserve(span(self._input_bytes(profile)))
        self._outputs.reserve(span(self._most_output[profile]))
        return context

    def _input_bytes(self, profile: int) -> dict[str, int]:
        """The greatest size of each input that the GPU reads."""
        inputs = self._tensors.inputs
        bounds = {n: b for n, b in self._tensors.profiles[profile].items() if n not in self._tensors.on_host}
        return {name: nbytes(inputs[name].dtype, bound.most) for name, bound in bounds.items()}

    def _output_places(self, profile: int) -> dict[str, int]:
        return places(self._outputs.address, self._most_output[profile])
