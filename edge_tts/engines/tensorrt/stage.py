"""The resident buffers of one bucket, the context that runs on them, and the CUDA graphs recorded of it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from edge_tts.engines.api import Array
from edge_tts.engines.tensorrt.buffers import places, span
from edge_tts.engines.tensorrt.context import Context
from edge_tts.engines.tensorrt.device import CapturedGraph
from edge_tts.engines.tensorrt.memory import Memory
from edge_tts.engines.tensorrt.slots import Lease
from edge_tts.engines.tensorrt.states import StateLayout
from edge_tts.engines.tensorrt.tensors import EngineTensors, Shape, nbytes
from edge_tts.errors import DeviceError, DeviceLostError, EngineError

__all__ = ["Stage"]

_log = logging.getLogger("edge_tts.tensorrt")


class Stage:
    """All that the steps of one sentence need on the GPU. Used with the device active.

    A recorded graph holds the context's own memory and every address, so a stage has a context of its own and its
    buffers never move.
    """

    def __init__(
        self,
        tensors: EngineTensors,
        memory: Memory,
        context: Context,
        profile: int,
        constant: frozenset[str],
        layout: StateLayout,
        results: Mapping[str, tuple[np.dtype[Any], Shape]],
    ) -> None:
        """`constant` are the inputs that are uploaded in `begin` only, `results` the outputs that are downloaded.

        Raises DeviceError, DeviceMemoryError; what was taken until then has been given back.
        """
        self._memory, self._device, self._layout, self._context = memory, memory.device, layout, context
        sources = {source for source, _ in layout.names}
        most = {n: b.most for n, b in tensors.profiles[profile].items()}
        inputs = {n: nbytes(info.dtype, most[n]) for n, info in tensors.inputs.items() if n not in sources}
        inputs = {n: inputs[n] for n in sorted(inputs, key=lambda n: n in constant)}  # those that change come first
        given = {n: nbytes(*tensor) for n, tensor in results.items()}
        with ExitStack() as undo:

            def allocate(size: int) -> int:
                address = memory.allocate(size)
                undo.callback(memory.free, address)
                return address

            self._caches, self._rows = allocate(layout.cache_bytes), allocate(layout.row_bytes)
            self._inputs, self._outputs = allocate(span(inputs)), allocate(span(given))
            self._host_in = memory.host(span(inputs))
            undo.callback(memory.free_host, self._host_in)
            self._host_out = memory.host(span(given))
            undo.callback(memory.free_host, self._host_out)
            context.use_profile(profile)
            context.set_addresses(layout.addresses(self._caches, self._rows))
            context.set_addresses({**places(self._inputs, inputs), **places(self._outputs, given)})
            for source in sources:
                context.set_shape(source, layout.shape)
            undo.pop_all()
        self._offsets = places(0, inputs)
        self._dtypes = {name: info.dtype for name, info in tensors.inputs.items()}
        self._changing = self._host_in.array[: span({n: size for n, size in inputs.items() if n not in constant})]
        self._constant = constant
        self._staged: dict[str, Array] = {}
        self.results: dict[str, Array] = {}
        """The outputs of the last step by name; the next one overwrites them."""
        for name, offset in places(0, given).items():
            dtype, shape = results[name]
            self.results[name] = self._host_out.array[offset : offset + given[name]].view(dtype).reshape(shape)
        self._shapes: dict[str, Shape] = {}
        self._slot: int | None = None
        self._warm = False
        self._can_capture = self._device.can_capture
        self._captured: dict[int, CapturedGraph] = {}

    def begin(self, inputs: Mapping[str, Array], caches: Mapping[str, Array]) -> None:
        """Takes the shapes and first contents of all inputs and states. Raises DeviceError; EngineError: the engine
        makes outputs of other sizes of them.
        """
        shapes = {name: array.shape for name, array in inputs.items()}
        if shapes != self._shapes:
            self._forget()
            for name, shape in shapes.items():
                self._context.set_shape(name, shape)
                start, dtype = self._offsets[name], self._dtypes[name]
                raw = self._host_in.array[start : start + nbytes(dtype, shape)]
                self._staged[name] = raw.view(dtype).reshape(shape)
            self._check_outputs()
            self._shapes = shapes
        for name, array in inputs.items():
            self._staged[name][...] = array
        content = self._layout.contents(caches)  # by this name it lives until it has been copied
        self._device.upload(self._inputs, self._host_in.array)
        self._device.upload(self._caches, content)
        self._device.synchronize()

    def step(self, inputs: Mapping[str, Array], lease: Lease, row: int) -> None:
        """Runs once, and writes the new rows at `row` of the states. Raises DeviceError."""
        for name, array in inputs.items():
            if name not in self._constant:
                self._staged[name][...] = array
        recorded = self._captured.get(lease.number)
        if recorded is None and self._warm and self._can_capture:
            recorded = self._record(lease)
        if recorded is not None:
            recorded.launch()
        else:
            self._queue(lease)
            self._warm = True
        for arguments in self._layout.copies(self._caches, self._rows, row):
            self._device.copy_rows(*arguments)
        self._device.synchronize()

    def _check_outputs(self) -> None:
        self._context.infer_shapes()
        wanted = {name: array.shape for name, array in self.results.items()}
        for name, shape in (wanted | {output: self._layout.row_shape for _, output in self._layout.names}).items():
            if (real := self._context.output_shape(name)) != shape:
                raise EngineError(f"a step gives {name!r} of shape {list(real)}, not {list(shape)}")

    def _queue(self, lease: Lease) -> None:
        if lease.number != self._slot:
            self._context.set_addresses(lease.addresses)
            self._slot = lease.number
        self._device.upload(self._inputs, self._changing)
        self._context.execute()
        self._device.download(self._host_out.array, self._outputs)

    def _record(self, lease: Lease) -> CapturedGraph | None:
        """One CUDA graph per slot; None where the binding or the engine can't be recorded."""
        try:
            graph = self._memory.capture(lambda: self._queue(lease))
        except DeviceLostError:
            raise
        except DeviceError as error:
            _log.info("the step is not recorded as a CUDA graph: %s", error)
            self._can_capture = False
            return None
        self._captured[lease.number] = graph
        return graph

    def _forget(self) -> None:
        """Drops what was recorded: it holds for the shapes of its time only."""
        captured, self._captured, self._warm = self._captured, {}, False
        for graph in captured.values():
            self._memory.free_graph(graph)
