"""A graph that steps on resident state: the KV cache stays on the GPU, each step adds one row to it.

All states of a bucket lie side by side in one allocation, and so do the new rows that the engine gives, so one copy on
the device writes every row to its place. What a step uploads and downloads lies side by side too, in page-locked
memory: upload, run and download are recorded as one CUDA graph after a first run has warmed the engine up, and from
then on a step is one launch and one copy of rows. The copy stays outside, since its target moves.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edge_tts.engines.api import Array
from edge_tts.engines.tensorrt.context import Context
from edge_tts.engines.tensorrt.memory import Memory
from edge_tts.engines.tensorrt.slots import AdapterSlots, Lease
from edge_tts.engines.tensorrt.stage import Stage
from edge_tts.engines.tensorrt.states import ROW_AXIS, ROW_INPUT, StateLayout, check_states
from edge_tts.engines.tensorrt.tensors import EngineTensors, Shape, agrees, check_numbers, without_adapter
from edge_tts.errors import EngineError

__all__ = ["StepBindings", "TensorRTBinding"]


class StepBindings:
    """Makes the bindings of one graph, and keeps the stages that no sentence uses at the moment."""

    def __init__(
        self,
        graph: str,
        tensors: EngineTensors,
        memory: Memory,
        make_context: Callable[[], Context],
        slots: AdapterSlots,
    ) -> None:
        self._graph, self._tensors, self._memory = graph, tensors, memory
        self._make_context, self._slots = make_context, slots
        self._idle: dict[tuple[object, ...], deque[Stage]] = {}

    def bind(
        self,
        inputs: Mapping[str, Array],
        outputs: Mapping[str, Array],
        states: Mapping[str, tuple[str, Array]],
        owner: object,
    ) -> TensorRTBinding:
        """See TensorRTGraph.bind. `owner` lives as long as the binding."""
        self._check(inputs, outputs, states)
        room = check_states(self._graph, self._tensors, states)
        caches = dict(states.values())
        arrays, adapter = without_adapter(self._graph, self._tensors, inputs, besides=caches)
        profile = self._tensors.choose(self._graph, arrays, dict.fromkeys(caches, (ROW_AXIS, room)))
        constant = frozenset(name for name, array in arrays.items() if not array.flags.writeable)
        layout = StateLayout.of(self._tensors, self._tensors.profiles[profile], states)
        results = {name: (array.dtype, array.shape) for name, array in outputs.items()}
        with self._memory.active():
            lease, stage = self._slots.lease(adapter), None
            key = (profile, constant, layout, *sorted((name, shape) for name, (_, shape) in results.items()))
            idle = self._idle.setdefault(key, deque())
            try:
                stage = idle.pop() if idle else self._make_stage(profile, constant, layout, results)
                stage.begin(arrays, caches)
            except BaseException:
                lease.release()
                idle.extend([] if stage is None else [stage])
                raise
        binding = TensorRTBinding(self._graph, self._memory, stage, lease, arrays, outputs, room, owner)
        weakref.finalize(binding, _give_back, stage, lease, idle).atexit = False
        return binding

    def close(self) -> None:
        """Lets go of the idle stages' contexts."""
        self._idle.clear()

    def _make_stage(
        self,
        profile: int,
        constant: frozenset[str],
        layout: StateLayout,
        results: Mapping[str, tuple[np.dtype[Any], Shape]],
    ) -> Stage:
        return Stage(self._tensors, self._memory, self._make_context(), profile, constant, layout, results)

    def _check(
        self, inputs: Mapping[str, Array], outputs: Mapping[str, Array], states: Mapping[str, tuple[str, Array]]
    ) -> None:
        """Raises EngineError: what is bound is not what the graph has, or can't be read and written in place."""
        known = self._tensors.outputs
        for name in sorted(set(known) ^ {*outputs, *states}):
            raise EngineError(
                f"graph {self._graph!r} {'lacks its' if name in known else 'has no'} output {name[:80]!r}"
            )
        for name, array in {**inputs, **outputs, **{name: array for name, (_, array) in states.items()}}.items():
            if not array.flags.c_contiguous:
                raise EngineError(f"graph {self._graph!r}: buffer {name!r} must be contiguous")
        for name, array in outputs.items():
            dtype, shape = known[name].dtype, known[name].shape
            if array.dtype != dtype or not agrees(array.shape, shape):
                shown = f"{array.dtype.name} {list(array.shape)}, not {dtype.name} {list(shape)}"
                raise EngineError(f"graph {self._graph!r}: output {name!r} is {shown}")
        if ROW_INPUT not in self._tensors.inputs:
            raise EngineError(f"graph {self._graph!r} has no input {ROW_INPUT!r}, so it can't step")
        for name in sorted(self._tensors.on_host):
            raise EngineError(f"graph {self._graph!r}: input {name!r} decides shapes, so it can't step")


class TensorRTBinding:
    """Arrays bound to a stage until the binding is dropped; then the stage is free for the next sentence."""

    def __init__(
        self,
        graph: str,
        memory: Memory,
        stage: Stage,
        lease: Lease,
        inputs: Mapping[str, Array],
        outputs: Mapping[str, Array],
        room: int,
        owner: object,
    ) -> None:
        self._owner = owner
        self._graph, self._memory, self._stage, self._lease = graph, memory, stage, lease
        self._inputs, self._outputs, self._room = inputs, outputs, room

    def run(self) -> None:
        """One step: reads the bound inputs, overwrites the bound outputs and row `seqlens_k` of the states.

        Raises EngineError: the row lies outside the bound states. Raises DeviceError.
        """
        row = int(self._inputs[ROW_INPUT].flat[0])
        if not 0 <= row < self._room:
            raise EngineError(f"graph {self._graph!r}: row {row} lies outside its cache of {self._room} rows")
        with self._memory.active():
            self._stage.step(self._inputs, self._lease, row)
            check_numbers(self._graph, self._stage.results)
            for name, array in self._outputs.items():
                array[...] = self._stage.results[name]

    def rebind(self, states: Mapping[str, tuple[str, Array]]) -> None:
        """Raises EngineError: the states stay on the GPU."""
        raise EngineError(f"graph {self._graph!r} keeps its states on the GPU: they can't be bound anew")


def _give_back(stage: Stage, lease: Lease, idle: deque[Stage]) -> None:
    lease.release()
    idle.append(stage)
