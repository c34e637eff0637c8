"""Two resident adapters: what a LoRA delta adds to a graph lies on the GPU at addresses that never change.

A slot holds every adapter input of the graph, padded with zeros to the rank that the engine was built for. Who speaks
with an adapter leases its slot; another adapter goes to the idle slot, so the next utterance can be made ready while
one is still being spoken, and going back to the adapter before costs nothing. Without an adapter all inputs read
zeros, which they share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tts.engines.api import Array, TensorInfo
from edge_tts.engines.tensorrt.memory import Memory, aligned
from edge_tts.engines.tensorrt.tensors import Shape, fixed_shape, nbytes
from edge_tts.errors import EngineError, EngineLimitError

__all__ = ["NO_ADAPTER", "AdapterSlots", "Lease"]

NO_ADAPTER = -1
"""The number that stands for the shared zeros."""

_SLOTS = 2


@dataclass
class _Slot:
    address: int
    arrays: dict[str, Array] = field(default_factory=dict)
    """What it holds. The arrays are kept alive, so another one is never taken for one of these."""
    leases: set[int] = field(default_factory=set)
    used: int = 0


class Lease:
    """The right to read a slot until `release`. `number` names the slot, `addresses` where each input lies."""

    def __init__(self, number: int, addresses: Mapping[str, int], slot: _Slot | None) -> None:
        self.number, self.addresses, self._slot = number, addresses, slot
        if slot is not None:
            slot.leases.add(id(self))

    def release(self) -> None:
        """The slot may hold another adapter from now on. May be called by any thread, and twice."""
        if self._slot is not None:
            self._slot.leases.discard(id(self))


class AdapterSlots:
    """The slots of one graph. Used with the device active, so by one thread at a time."""

    def __init__(self, graph: str, memory: Memory, inputs: Mapping[str, TensorInfo]) -> None:
        self._graph, self._memory = graph, memory
        self._inputs: dict[str, tuple[np.dtype[Any], Shape]] = {}
        self._offsets: dict[str, int] = {}
        self._size = 0
        for name, info in inputs.items():
            shape = fixed_shape(graph, name, info)
            self._inputs[name] = info.dtype, shape
            self._offsets[name] = self._size
            self._size += aligned(nbytes(info.dtype, shape))
        self._slots: list[_Slot] = []
        self._zeros: int | None = None
        self._clock = 0

    def lease(self, adapter: Mapping[str, Array]) -> Lease:
        """A slot with this adapter (name → float32 array), or the zeros where it is empty.

        An adapter is recognised by its arrays: the same ones hit their slot, so they must not be changed in place.
        Raises EngineError: an input that the graph lacks, a wrong size, a rank above the engine's, or a number that
        float16 can't hold. Raises EngineLimitError: both slots are being read. Raises DeviceError.
        """
        if not adapter:
            zeros = self._zero_region() if self._inputs else 0
            return Lease(NO_ADAPTER, dict.fromkeys(self._inputs, zeros), None)
        number = next((n for n, slot in enumerate(self._slots) if _same(slot.arrays, adapter)), None)
        if number is None:
            number = self._fill(adapter)
        slot = self._slots[number]
        self._clock += 1
        slot.used = self._clock
        return Lease(number, {name: slot.address + offset for name, offset in self._offsets.items()}, slot)

    def _fill(self, adapter: Mapping[str, Array]) -> int:
        """Puts an adapter into the slot that was idle longest, every byte of it, and returns its number."""
        content = np.zeros(self._size, np.uint8)
        for name, array in adapter.items():
            self._place(content, name, array)
        if len(self._slots) < _SLOTS:
            self._slots.append(_Slot(self._memory.allocate(self._size)))
            number = len(self._slots) - 1
        else:
            idle = [n for n, slot in enumerate(self._slots) if not slot.leases]
            if not idle:
                raise EngineLimitError(f"graph {self._graph!r}: both slots for adapters are in use")
            number = min(idle, key=lambda n: self._slots[n].used)
        slot = self._slots[number]
        slot.arrays = {}
        device = self._memory.device
        device.upload(slot.address, content)
        device.synchronize()
        slot.arrays = dict(adapter)
        return number

    def _place(self, content: NDArray[np.uint8], name: str, array: Array) -> None:
        """Writes one array into the slot's bytes, at its input's place."""
        if name not in self._inputs:
            raise EngineError(f"graph {self._graph!r} has no input {name[:80]!r} for an adapter")
        dtype, shape = self._inputs[name]
        rank_axis = 1 if name.startswith("lora_A") else 0
        if array.ndim != 2 or array.shape[1 - rank_axis] != shape[1 - rank_axis]:
            raise EngineError(f"graph {self._graph!r}: {name!r} has shape {list(array.shape)}, not {list(shape)}")
        rank = array.shape[rank_axis]
        if rank > shape[rank_axis]:
            raise EngineError(
                f"graph {self._graph!r}: {name!r} has rank {rank}, the engine was built for at most {shape[rank_axis]}"
            )
        with np.errstate(over="ignore"):
            cast = array.astype(dtype)
        if not np.isfinite(cast).all():
            raise EngineError(f"graph {self._graph!r}: {name!r} has numbers that {dtype.name} can't hold")
        start = self._offsets[name]
        size = nbytes(dtype, shape)
        place = content[start : start + size].view(dtype).reshape(shape)
        place[: cast.shape[0], : cast.shape[1]] = cast

    def _zero_region(self) -> int:
        if self._zeros is None:
            size = max(nbytes(dtype, shape) for dtype, shape in self._inputs.values())
            self._zeros = self._memory.allocate(size)
            self._memory.device.clear(self._zeros, size)
        return self._zeros


def _same(held: Mapping[str, Array], adapter: Mapping[str, Array]) -> bool:
    return held.keys() == adapter.keys() and all(held[name] is array for name, array in adapter.items())
