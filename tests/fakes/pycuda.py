"""A strict stand-in for the module `pycuda.driver`: just the names that our device uses, each of which the real one has
(tests/fakes/cuda_names.json), with the arguments that it takes and the errors that it raises.
"""

from __future__ import annotations

import types
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.fakes.driver import OUT_OF_MEMORY, WORDS, Failure, FakeDriver, copy_all, exactly, rows_of

__all__ = ["pycuda_driver"]


def pycuda_driver(driver: FakeDriver) -> types.ModuleType:
    """The module `pycuda.driver`."""
    module: Any = types.ModuleType("pycuda.driver")

    class Error(Exception):
        pass

    class MemoryError(Error):
        pass

    class LogicError(Error):
        pass

    class LaunchError(Error):
        pass

    def call(what: str, work: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return work(*arguments)
        except Failure as failure:
            kind = {OUT_OF_MEMORY: MemoryError, 719: LaunchError}.get(failure.code, LogicError)
            raise kind(f"{what} failed: {WORDS.get(failure.code, 'some error')}") from None

    class Allocation:
        def __init__(self, address: int) -> None:
            self._address = address

        def __int__(self) -> int:
            return self._address

        def free(self) -> None:
            call("cuMemFree", driver.free, self._address)

    class Context:
        def push(self) -> None:
            call("cuCtxPushCurrent", lambda: driver.enter(context=False))
            driver.contexts.append(1)

        @staticmethod
        def pop() -> None:
            driver.contexts.pop()

        def detach(self) -> None:
            driver.retained -= 1
            del driver.contexts[-1:]

    class Device:
        def __init__(self, number: int) -> None:
            exactly(number, int)

        def retain_primary_context(self) -> Context:
            driver.retained += 1
            return Context()

        def name(self) -> str:
            return "Orin"

        def compute_capability(self) -> tuple[int, int]:
            return 8, 7

    def destroy_stream() -> None:
        driver.streams -= 1

    class Stream:
        handle = 99

        def __init__(self, flags: int) -> None:
            assert flags == 1
            call("cuStreamCreate", driver.enter)
            driver.streams += 1
            weakref.finalize(self, destroy_stream)

        def synchronize(self) -> None:
            call("cuStreamSynchronize", driver.synchronize)

    class Memcpy2D:
        src_pitch = dst_pitch = width_in_bytes = height = 0

        def set_src_device(self, address: int) -> None:
            self._source = exactly(address, int)

        def set_dst_device(self, address: int) -> None:
            self._target = exactly(address, int)

        def __call__(self, stream: Stream) -> None:
            exactly(stream, Stream)

            def work() -> None:
                size = (self.width_in_bytes, self.height)
                targets = rows_of(driver, self._target, self.dst_pitch, *size)
                sources = rows_of(driver, self._source, self.src_pitch, *size)
                driver.queue(lambda: copy_all(targets, sources))

            call("cuMemcpy2DAsync", work)

    class HostAllocation(np.ndarray):
        def free(self) -> None:
            call("cuMemFreeHost", driver.enter)
            del driver.hosts[self.ctypes.data]

    def pagelocked_empty(shape: int, dtype: Any) -> np.ndarray:
        def work() -> np.ndarray:
            driver.enter()
            base = np.full(shape, 0xA5, dtype).view(HostAllocation)
            driver.hosts[base.ctypes.data] = base
            return Pagelocked(shape, dtype, base)

        made: np.ndarray = call("cuMemHostAlloc", work)
        return made

    class Pagelocked(np.ndarray):
        """An array whose `base` is the allocation, as pycuda's has it."""

        def __new__(cls, shape: int, dtype: Any, base: Any) -> Pagelocked:
            made = np.ndarray.__new__(cls, shape, dtype, buffer=base)
            made._allocation = base
            return made

        @property
        def base(self) -> Any:
            return self._allocation

        def __array_finalize__(self, other: Any) -> None:
            self._allocation = getattr(other, "_allocation", None)

    def copy(what: str, address: int, array: np.ndarray, stream: Stream, up: bool) -> None:
        exactly(stream, Stream)
        if not array.flags.c_contiguous:
            raise ValueError("ndarray is not contiguous")

        def work() -> None:
            device, host = driver.view(exactly(address, int), array.nbytes), array.reshape(-1).view(np.uint8)
            pair = (device, host) if up else (host, device)
            driver.queue(lambda: np.copyto(*pair))

        call(what, work)

    def memset_d8_async(address: int, value: int, size: int, stream: Stream) -> None:
        target = call("cuMemsetD8Async", driver.view, address, size)
        call("cuMemsetD8Async", driver.queue, lambda: target.fill(value))

    def mem_get_info() -> tuple[int, int]:
        call("cuMemGetInfo", driver.enter)
        return 1000, 2000

    for kind in (Error, MemoryError, LogicError, LaunchError, Context, Device, Stream, Memcpy2D):
        setattr(module, kind.__name__, kind)
    module.init = lambda: call("cuInit", lambda: driver.enter(context=False))
    module.get_driver_version = lambda: 12060
    module.mem_alloc = lambda size: Allocation(call("cuMemAlloc", driver.allocate, exactly(size, int)))
    module.pagelocked_empty = pagelocked_empty
    module.memcpy_htod_async = lambda dest, src, stream: copy("cuMemcpyHtoDAsync", dest, src, stream, True)
    module.memcpy_dtoh_async = lambda dest, src, stream: copy("cuMemcpyDtoHAsync", src, dest, stream, False)
    module.memset_d8_async = memset_d8_async
    module.mem_get_info = mem_get_info
    return module
