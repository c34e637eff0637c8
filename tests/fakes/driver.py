"""A CUDA driver in Python, and on it strict stand-ins for the modules `pycuda.driver` and `cuda.bindings.driver`.

They have just the names that our devices use, each of which the real module has (tests/fakes/cuda_names.json), take the
arguments that it takes, and fail as it fails. `driver.code` makes the next call return that CUresult.
"""

from __future__ import annotations

import ctypes
import types
import weakref
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import numpy as np

__all__ = ["FakeDriver", "cuda_bindings_driver", "pycuda_driver"]

SUCCESS, INVALID_VALUE, OUT_OF_MEMORY, NO_CONTEXT, CAPTURING = 0, 1, 2, 201, 900
WORDS = {
    INVALID_VALUE: "invalid argument",
    OUT_OF_MEMORY: "out of memory",
    NO_CONTEXT: "invalid device context",
    700: "an illegal memory access was encountered",
    719: "unspecified launch failure",
    CAPTURING: "operation not permitted when stream is capturing",
}
POINTER = ctypes.c_void_p


class Failure(Exception):  # noqa: N818
    """A call that returned something else than CUDA_SUCCESS."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class FakeDriver:
    """Memory by address, one stream whose work is done at once, recorded graphs, a stack of contexts."""

    def __init__(self) -> None:
        self.code = SUCCESS
        self.blocks: dict[int, np.ndarray] = {}
        self.hosts: dict[int, np.ndarray] = {}
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self.executables: dict[int, list[Callable[[], None]]] = {}
        self.recording: list[Callable[[], None]] | None = None
        self.contexts: list[int] = []
        self.retained = self.streams = 0
        self._names = iter(range(1000, 1 << 30))

    @property
    def held(self) -> int:
        """All that was taken and not given back."""
        taken = (self.blocks, self.hosts, self.graphs, self.executables)
        return sum(map(len, taken)) + self.retained + self.streams

    def enter(self, *, context: bool = True) -> None:
        """Called first by every function. Raises Failure."""
        code, self.code = self.code, SUCCESS
        if code:
            raise Failure(code)
        if context and not self.contexts:
            raise Failure(NO_CONTEXT)

    def name(self) -> int:
        return next(self._names)

    def allocate(self, size: int) -> int:
        self.enter()
        if self.recording is not None or size > 1 << 40:
            raise Failure(CAPTURING if self.recording is not None else OUT_OF_MEMORY)
        block = np.full(size, 0xA5, np.uint8)
        self.blocks[block.ctypes.data] = block
        return int(block.ctypes.data)

    def free(self, address: int) -> None:
        self.enter()
        if self.blocks.pop(address, None) is None:
            raise Failure(INVALID_VALUE)

    def view(self, address: int, size: int) -> np.ndarray:
        for base, block in self.blocks.items():
            if base <= address and address + size <= base + len(block):
                return block[address - base : address - base + size]
        raise Failure(700)

    def queue(self, work: Callable[[], None]) -> None:
        self.enter()
        if self.recording is None:
            work()
        else:
            self.recording.append(work)

    def synchronize(self) -> None:
        self.enter()
        if self.recording is not None:
            raise Failure(CAPTURING)

    def begin(self) -> None:
        self.enter()
        self.recording = []

    def end(self) -> int:
        self.enter()
        recorded, self.recording = self.recording, None
        if recorded is None:
            raise Failure(CAPTURING)
        name = self.name()
        self.graphs[name] = recorded
        return name

    def instantiate(self, graph: int) -> int:
        self.enter()
        name = self.name()
        self.executables[name] = self.graphs[graph]
        return name

    def launch(self, executable: int) -> None:
        self.enter()
        for work in self.executables[executable]:
            work()

    def library(self) -> types.SimpleNamespace:
        """libcuda as ctypes would give it, as far as graphs go."""

        def made(work: Callable[..., None]) -> Any:
            def function(*arguments: Any) -> int:
                try:
                    work(*arguments)
                except Failure as failure:
                    return failure.code
                return SUCCESS

            return function

        def end(stream: int, graph: Any) -> None:
            graph._obj.value = self.end()

        def instantiate(executable: Any, graph: Any, flags: int) -> None:
            assert flags == 0
            executable._obj.value = self.instantiate(graph.value)

        def begin(stream: int, mode: int) -> None:
            assert stream and mode == 1
            self.begin()

        return types.SimpleNamespace(
            cuStreamBeginCapture_v2=made(begin),
            cuStreamEndCapture=made(end),
            cuGraphInstantiateWithFlags=made(instantiate),
            cuGraphLaunch=made(lambda executable, stream: self.launch(executable.value)),
            cuGraphExecDestroy=made(lambda executable: self.executables.pop(executable.value)),
            cuGraphDestroy=made(lambda graph: self.graphs.pop(graph.value)),
        )


def rows_of(driver: FakeDriver, address: int, pitch: int, width: int, count: int) -> list[np.ndarray]:
    if width > pitch:
        raise Failure(INVALID_VALUE)
    return [driver.view(address + i * pitch, width) for i in range(count)]


def copy_all(targets: list[np.ndarray], sources: list[np.ndarray]) -> None:
    for target, source in zip(targets, sources, strict=True):
        target[...] = source


def exactly(value: Any, kind: type) -> Any:
    """Boost.Python and Cython convert few types; ours gets the very one or fails."""
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


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


def cuda_bindings_driver(driver: FakeDriver) -> types.ModuleType:
    """The module `cuda.bindings.driver`."""
    module: Any = types.ModuleType("cuda.bindings.driver")

    class Handle:
        def __init__(self, value: int) -> None:
            self.value = value

        def __int__(self) -> int:
            return self.value

    class CUdeviceptr(Handle):
        pass

    class CUstream(Handle):
        pass

    class CUcontext(Handle):
        pass

    class CUresult(IntEnum):
        CUDA_SUCCESS = 0
        CUDA_ERROR_INVALID_VALUE = INVALID_VALUE
        CUDA_ERROR_OUT_OF_MEMORY = OUT_OF_MEMORY
        CUDA_ERROR_NO_DEVICE = 100
        CUDA_ERROR_INVALID_CONTEXT = NO_CONTEXT
        CUDA_ERROR_ILLEGAL_ADDRESS = 700
        CUDA_ERROR_LAUNCH_FAILED = 719
        CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = CAPTURING

    class CUmemorytype(IntEnum):
        CU_MEMORYTYPE_DEVICE = 2

    class CUstream_flags(IntEnum):  # noqa: N801
        CU_STREAM_NON_BLOCKING = 1

    class CUstreamCaptureMode(IntEnum):
        CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1

    class CUdevice_attribute(IntEnum):  # noqa: N801
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76

    class CUDA_MEMCPY2D:  # noqa: N801
        __slots__ = ("Height", "WidthInBytes", "dstDevice", "dstMemoryType", "dstPitch", "srcDevice", "srcMemoryType")
        __slots__ += ("srcPitch",)

    def function(name: str, work: Callable[..., Any]) -> None:
        def called(*arguments: Any) -> tuple[Any, ...]:
            try:
                result = work(*arguments)
            except Failure as failure:
                # The results are there all the same, as None.
                return CUresult(failure.code), *(() if name in NO_RESULT else (None,))
            if result is None:
                return (CUresult.CUDA_SUCCESS,)
            return CUresult.CUDA_SUCCESS, *(result if isinstance(result, tuple) else (result,))

        called.__name__ = name
        setattr(module, name, called)

    def memory(address: int, size: int) -> np.ndarray:
        """Host memory at an address."""
        return np.ctypeslib.as_array((ctypes.c_uint8 * exactly(size, int)).from_address(exactly(address, int)))

    def upload(target: int, source: int, size: int, stream: CUstream) -> None:
        pair = driver.view(int(target), size), memory(source, size)
        exactly(stream, CUstream)
        driver.queue(lambda: np.copyto(*pair))

    def download(target: int, source: int, size: int, stream: CUstream) -> None:
        pair = memory(target, size), driver.view(int(source), size)
        exactly(stream, CUstream)
        driver.queue(lambda: np.copyto(*pair))

    def copy_2d(copy: CUDA_MEMCPY2D, stream: CUstream) -> None:
        assert copy.srcMemoryType is copy.dstMemoryType is CUmemorytype.CU_MEMORYTYPE_DEVICE
        size = (copy.WidthInBytes, copy.Height)
        targets = rows_of(driver, exactly(copy.dstDevice, CUdeviceptr).value, copy.dstPitch, *size)
        sources = rows_of(driver, exactly(copy.srcDevice, CUdeviceptr).value, copy.srcPitch, *size)
        driver.queue(lambda: copy_all(targets, sources))

    def clear(address: int, value: int, size: int, stream: CUstream) -> None:
        target = driver.view(int(address), size)
        driver.queue(lambda: target.fill(value))

    def host(size: int, flags: int) -> int:
        driver.enter()
        made = np.full(size, 0xA5, np.uint8)
        driver.hosts[made.ctypes.data] = made
        return int(made.ctypes.data)

    def free_host(address: int) -> None:
        driver.enter()
        del driver.hosts[address]

    def retain(device: int) -> CUcontext:
        driver.enter(context=False)
        driver.retained += 1
        return CUcontext(1)

    def release(device: int) -> None:
        driver.retained -= 1

    def push(context: CUcontext) -> None:
        driver.enter(context=False)
        driver.contexts.append(exactly(context, CUcontext).value)

    def create_stream(flags: int) -> CUstream:
        assert exactly(flags, int) == 1
        driver.enter()
        driver.streams += 1
        return CUstream(99)

    def destroy_stream(stream: CUstream) -> None:
        driver.enter()
        driver.streams -= 1

    def begin(stream: CUstream, mode: Any) -> None:
        assert mode is CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        driver.begin()

    def attribute(which: Any, device: int) -> int:
        return {75: 8, 76: 7}[exactly(which, CUdevice_attribute)]

    def info() -> tuple[int, int]:
        driver.enter()
        return 1000, 2000

    kinds = (
        CUdeviceptr,
        CUresult,
        CUmemorytype,
        CUstream_flags,
        CUstreamCaptureMode,
        CUdevice_attribute,
        CUDA_MEMCPY2D,
    )
    for kind in kinds:
        setattr(module, kind.__name__, kind)
    function("cuInit", lambda flags: driver.enter(context=False))
    function("cuDeviceGet", lambda number: exactly(number, int))
    function("cuDeviceGetName", lambda length, device: b"Orin".ljust(length, b"\0"))
    function("cuDeviceGetAttribute", attribute)
    function("cuDriverGetVersion", lambda: 12060)
    function("cuDevicePrimaryCtxRetain", retain)
    function("cuDevicePrimaryCtxRelease", release)
    function("cuCtxPushCurrent", push)
    function("cuCtxPopCurrent", lambda: driver.contexts.pop())
    function("cuStreamCreate", create_stream)
    function("cuStreamDestroy", destroy_stream)
    function("cuStreamSynchronize", lambda stream: driver.synchronize())
    function("cuMemAlloc", lambda size: CUdeviceptr(driver.allocate(size)))
    function("cuMemFree", lambda address: driver.free(int(address)))
    function("cuMemHostAlloc", host)
    function("cuMemFreeHost", free_host)
    function("cuMemcpyHtoDAsync", upload)
    function("cuMemcpyDtoHAsync", download)
    function("cuMemcpy2DAsync", copy_2d)
    function("cuMemsetD8Async", clear)
    function("cuMemGetInfo", info)
    function("cuStreamBeginCapture", begin)
    function("cuStreamEndCapture", lambda stream: driver.end())
    function("cuGraphInstantiate", lambda graph, flags: driver.instantiate(graph))
    function("cuGraphLaunch", lambda executable, stream: driver.launch(executable))
    function("cuGraphExecDestroy", lambda executable: driver.executables.pop(executable) and None)
    function("cuGraphDestroy", lambda graph: driver.graphs.pop(graph) and None)
    return module


NO_RESULT = frozenset(
    "cuInit cuCtxPushCurrent cuDevicePrimaryCtxRelease cuStreamDestroy cuStreamSynchronize cuMemFree cuMemFreeHost "
    "cuMemcpyHtoDAsync cuMemcpyDtoHAsync cuMemcpy2DAsync cuMemsetD8Async cuStreamBeginCapture cuGraphLaunch "
    "cuGraphExecDestroy cuGraphDestroy".split()
)
