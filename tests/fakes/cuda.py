"""A strict stand-in for `edge_tts.engines.tensorrt.device.Device`: device memory is host memory, the stream is a list.

Queued work runs when the stream is synchronized and not before, so whoever reads too early or overwrites too early sees
it. Memory is filled with rubbish when it is handed out. A mistake of the caller (memory that isn't his, freed twice, a
call outside `active`, a call that can't be recorded) raises Misuse, which nothing of ours catches.

`tests.fakes.tensorrt` takes the device as its `cuda`: `check`, `capturing` and `submit` are for it.

    device.fail_allocation = 3     # the third allocation from now on has no memory (1: the next)
    device.fail_call = 7           # at the seventh call from now on the context is lost, for good
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from edge_tts.errors import DeviceError, DeviceLostError, DeviceMemoryError

__all__ = ["FakeDevice", "Misuse"]

STREAM = 4711
ALIGNMENT = 256
RUBBISH = 0xA5
MOST = 1 << 32


class Misuse(AssertionError):  # noqa: N818 - it is not ours to catch
    """The caller broke the device's contract."""


class FakeDevice:
    """One GPU of host memory."""

    name = "Orin"
    compute_capability = (8, 7)
    cuda_version = "12.6"
    stream = STREAM

    def __init__(self, can_capture: bool = True) -> None:
        self.can_capture = can_capture
        self.fail_allocation = self.fail_call = 0
        self.lost = self.closed = False
        self.copies: list[tuple[int, int]] = []
        self.captures = self.launches = self.allocations = self.uploads = 0
        self._blocks: dict[int, np.ndarray] = {}
        self._hosts: set[FakeHost] = set()
        self._graphs: set[FakeGraph] = set()
        self._queue: list[Callable[[], None]] = []
        self._recording: list[Callable[[], None]] | None = None
        self._lock = threading.RLock()
        self._depth = 0

    @property
    def held(self) -> int:
        """What has been handed out and not given back."""
        return len(self._blocks) + len(self._hosts) + len(self._graphs)

    @contextmanager
    def active(self) -> Iterator[None]:
        with self._lock:
            if self.closed:
                raise DeviceLostError("the GPU has been given back")
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1

    def allocate(self, size: int) -> int:
        self._call("allocate", recordable=False)
        self._allocates(size)
        raw = np.full(whole(size) + ALIGNMENT, RUBBISH, np.uint8)
        start = -raw.ctypes.data % ALIGNMENT
        block = raw[start : start + size]
        self._blocks[block.ctypes.data] = block
        return int(block.ctypes.data)

    def free(self, address: int) -> None:
        block = self._blocks.pop(whole(address), None)
        if block is None:
            raise Misuse(f"{address} is freed, but was not handed out or has been freed already")
        block[...] = RUBBISH
        self._call("free", recordable=False)

    def host(self, size: int) -> FakeHost:
        self._call("host", recordable=False)
        self._allocates(size)
        made = FakeHost(self, np.full(size, RUBBISH, np.uint8))
        self._hosts.add(made)
        return made

    def upload(self, address: int, array: np.ndarray) -> None:
        self._call("upload")
        target, raw = self.view(address, array.nbytes), flat(array)
        self.uploads += 1
        self._put(lambda: np.copyto(target, raw))

    def download(self, array: np.ndarray, address: int) -> None:
        self._call("download")
        if not array.flags.writeable:
            raise Misuse("a download into a read-only array")
        source, raw = self.view(address, array.nbytes), flat(array)
        self._put(lambda: np.copyto(raw, source))

    def clear(self, address: int, size: int) -> None:
        self._call("clear")
        target = self.view(address, size)
        self._put(lambda: target.fill(0))

    def copy_rows(self, target: int, target_pitch: int, source: int, source_pitch: int, width: int, rows: int) -> None:
        self._call("copy_rows")
        if width > min(target_pitch, source_pitch):
            raise Misuse("rows that overlap")
        pairs = [
            (self.view(target + i * target_pitch, width), self.view(source + i * source_pitch, width))
            for i in range(whole(rows))
        ]
        self.copies.append((width, rows))

        def work() -> None:
            for to, origin in pairs:
                to[...] = origin

        self._put(work)

    def synchronize(self) -> None:
        self._call("synchronize", recordable=False)
        queue, self._queue = self._queue, []
        for work in queue:
            work()

    def capture(self, work: Callable[[], None]) -> FakeGraph:
        self._call("capture", recordable=False)
        if not self.can_capture:
            raise DeviceError("CUDA graphs can't be recorded here")
        self._recording = recorded = []
        try:
            work()
        finally:
            self._recording = None
        self.captures += 1
        graph = FakeGraph(self, recorded)
        self._graphs.add(graph)
        return graph

    def memory(self) -> tuple[int, int]:
        self._call("memory")
        return 1 << 30, 1 << 31

    def close(self) -> None:
        if self._blocks or self._hosts or self._graphs:
            raise Misuse(f"closed while {self.held} things are still held")
        self.closed = True

    def view(self, address: int, size: int) -> np.ndarray:
        """The bytes at an address. Raises Misuse: not all of them were handed out."""
        for base, block in self._blocks.items():
            if base <= whole(address) and address + size <= base + len(block):
                return block[address - base : address - base + size]
        raise Misuse(f"{size} bytes at {address} are not the caller's")

    def check(self, address: int, nbytes: int) -> None:
        """What TensorRT does with every address."""
        if whole(address) % ALIGNMENT:
            raise Misuse(f"{address} is no multiple of {ALIGNMENT}")
        self.view(address, nbytes)

    def capturing(self, stream: int) -> bool:
        self._own(stream)
        return self._recording is not None

    def submit(self, stream: int, work: Callable[[], None]) -> None:
        self._own(stream)
        self._call("submit")
        self._put(work)

    def _own(self, stream: int) -> None:
        if stream != STREAM:
            raise Misuse(f"{stream} is not the device's stream")

    def _put(self, work: Callable[[], None]) -> None:
        (self._queue if self._recording is None else self._recording).append(work)

    def _call(self, what: str, *, recordable: bool = True) -> None:
        if not self._depth:
            raise Misuse(f"{what} outside of active()")
        if self.closed:
            raise Misuse(f"{what} after close")
        if self._recording is not None and not recordable:
            raise Misuse(f"{what} while the stream is recorded")
        if self.fail_call:
            self.fail_call -= 1
            self.lost = self.lost or self.fail_call == 0
        if self.lost:
            raise DeviceLostError("the GPU's context is lost (an illegal memory access was encountered)")

    def _allocates(self, size: int) -> None:
        if whole(size) <= 0:
            raise Misuse(f"an allocation of {size} bytes")
        self.allocations += 1
        if self.fail_allocation:
            self.fail_allocation -= 1
            if self.fail_allocation == 0:
                raise DeviceMemoryError("the GPU has no memory left (cuMemAlloc)")
        if size > MOST:
            raise DeviceMemoryError("the GPU has no memory left (cuMemAlloc)")


class FakeHost:
    """Page-locked memory."""

    def __init__(self, device: FakeDevice, array: np.ndarray) -> None:
        self._device, self.array = device, array

    def free(self) -> None:
        if self not in self._device._hosts:
            raise Misuse("page-locked memory is freed twice")
        self._device._hosts.remove(self)
        self.array = np.zeros(0, np.uint8)
        self._device._call("free", recordable=False)


class FakeGraph:
    """Recorded work."""

    def __init__(self, device: FakeDevice, work: list[Callable[[], None]]) -> None:
        self._device, self._work = device, work

    def launch(self) -> None:
        if self not in self._device._graphs:
            raise Misuse("a freed graph is launched")
        self._device._call("launch")
        self._device.launches += 1
        for work in self._work:
            self._device._put(work)

    def free(self) -> None:
        if self not in self._device._graphs:
            raise Misuse("a graph is freed twice")
        self._device._graphs.remove(self)
        self._device._call("free", recordable=False)


def whole(value: int) -> int:
    if type(value) is not int:
        raise Misuse(f"{value!r} is {type(value).__name__}, not a plain integer")
    return value


def flat(array: np.ndarray) -> np.ndarray:
    """The bytes of an array, in place."""
    if not isinstance(array, np.ndarray) or not array.flags.c_contiguous:
        raise Misuse("only contiguous arrays can be copied")
    return array.reshape(-1).view(np.uint8)
