"""All that an engine has taken of a device, counted, so that nothing is left when it ends or fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from edge_tts.engines.tensorrt.device import CapturedGraph, Device, HostBuffer
from edge_tts.errors import DeviceError, DeviceLostError

__all__ = ["ALIGNMENT", "Memory", "aligned"]

ALIGNMENT = 256
"""TensorRT wants the address of every tensor to be a multiple of this."""


def aligned(size: int) -> int:
    """The next multiple of ALIGNMENT."""
    return -(-size // ALIGNMENT) * ALIGNMENT


class Memory:
    """Hands out a device's memory, page-locked memory and captured graphs, and takes back what is left in `close`."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.closed = False
        self._blocks: dict[int, int] = {}
        self._buffers: dict[int, HostBuffer] = {}
        self._graphs: dict[int, CapturedGraph] = {}

    @property
    def held(self) -> int:
        """How many things have been taken and not given back."""
        return len(self._blocks) + len(self._buffers) + len(self._graphs)

    @contextmanager
    def active(self) -> Iterator[Device]:
        """The device, for this thread alone. Raises DeviceLostError: everything has been given back already."""
        self._check()
        with self.device.active():
            self._check()
            yield self.device

    def _check(self) -> None:
        if self.closed:
            raise DeviceLostError("the TensorRT engine has been closed")

    def allocate(self, size: int) -> int:
        """Device memory of at least one byte. Raises DeviceError, DeviceMemoryError."""
        self._check()
        address = self.device.allocate(max(size, 1))
        self._blocks[address] = size
        return address

    def free(self, address: int) -> None:
        """Gives back what `allocate` gave; nothing happens after `close`."""
        if self._blocks.pop(address, None) is not None:
            self.device.free(address)

    def host(self, size: int) -> HostBuffer:
        """Page-locked memory of at least one byte. Raises DeviceError, DeviceMemoryError."""
        self._check()
        buffer = self.device.host(max(size, 1))
        self._buffers[id(buffer)] = buffer
        return buffer

    def free_host(self, buffer: HostBuffer) -> None:
        """Gives back what `host` gave; nothing happens after `close`."""
        if self._buffers.pop(id(buffer), None) is not None:
            buffer.free()

    def capture(self, work: Callable[[], None]) -> CapturedGraph:
        """Records what `work` queues. Raises DeviceError."""
        self._check()
        graph = self.device.capture(work)
        self._graphs[id(graph)] = graph
        return graph

    def free_graph(self, graph: CapturedGraph) -> None:
        """Gives a captured graph back; nothing happens after `close`."""
        if self._graphs.pop(id(graph), None) is not None:
            graph.free()

    def close(self) -> None:
        """Gives everything back, then the device itself. A device that fails here has nothing left to give."""
        if self.closed:
            return
        self.closed = True
        with suppress(DeviceError), self.device.active():
            with suppress(DeviceError):
                self.device.synchronize()
            for give_back in (
                *(graph.free for graph in self._graphs.values()),
                *(buffer.free for buffer in self._buffers.values()),
                *((lambda address=address: self.device.free(address)) for address in self._blocks),
            ):
                with suppress(DeviceError):
                    give_back()
        self._graphs.clear()
        self._buffers.clear()
        self._blocks.clear()
        with suppress(DeviceError):
            self.device.close()
