"""Memory that grows, and tensors side by side in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edge_tts.engines.api import Array
from edge_tts.engines.tensorrt.device import HostBuffer
from edge_tts.engines.tensorrt.memory import Memory, aligned
from edge_tts.engines.tensorrt.tensors import Shape, nbytes

__all__ = ["DeviceBuffer", "HostMemory", "places", "span"]


class DeviceBuffer:
    """Device memory that grows."""

    def __init__(self, memory: Memory) -> None:
        self._memory, self._size, self.address = memory, 0, 0

    def reserve(self, size: int) -> None:
        """At least `size` bytes from now on; what it held may be gone. No work may be under way on it.

        Raises DeviceMemoryError, DeviceError.
        """
        if self.address and size <= self._size:
            return
        if self.address:
            address, self.address = self.address, 0
            self._memory.free(address)
        self.address, self._size = self._memory.allocate(size), size


class HostMemory:
    """Page-locked memory that grows, seen as arrays."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self._buffer: HostBuffer | None = None

    def views(self, tensors: Mapping[str, tuple[np.dtype[Any], Shape]]) -> dict[str, Array]:
        """One array per tensor (type, shape), side by side; those of the call before may be gone.

        Raises DeviceMemoryError, DeviceError.
        """
        sizes = {name: nbytes(dtype, shape) for name, (dtype, shape) in tensors.items()}
        wanted = span(sizes)
        if self._buffer is None or len(self._buffer.array) < wanted:
            if self._buffer is not None:
                buffer, self._buffer = self._buffer, None
                self._memory.free_host(buffer)
            self._buffer = self._memory.host(wanted + wanted // 4)  # a little more: sentences get longer bit by bit
        whole, offsets = self._buffer.array, places(0, sizes)
        return {
            name: whole[offsets[name] : offsets[name] + sizes[name]].view(dtype).reshape(shape)
            for name, (dtype, shape) in tensors.items()
        }


def span(sizes: Mapping[str, int]) -> int:
    """Bytes that tensors of these sizes take side by side."""
    return sum(aligned(size) for size in sizes.values())


def places(base: int, sizes: Mapping[str, int]) -> dict[str, int]:
    """Where each tensor begins, when they lie side by side from `base` on."""
    found = {}
    for name, size in sizes.items():
        found[name] = base
        base += aligned(size)
    return found
