"""A strict stand-in for the module `cuda.bindings.driver`: just the names that our device uses, each of which the real
one has (tests/fakes/cuda_names.json), with the arguments that it takes and the codes that it returns.
"""

from __future__ import annotations

import ctypes
import types
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import numpy as np

from tests.fakes.driver import (
    CAPTURING,
    INVALID_VALUE,
    NO_CONTEXT,
    OUT_OF_MEMORY,
    Failure,
    FakeDriver,
    copy_all,
    exactly,
    rows_of,
)

__all__ = ["cuda_bindings_driver"]

NO_RESULT = frozenset(
    "cuInit cuCtxPushCurrent cuDevicePrimaryCtxRelease cuStreamDestroy cuStreamSynchronize cuMemFree cuMemFreeHost "
    "cuMemcpyHtoDAsync cuMemcpyDtoHAsync cuMemcpy2DAsync cuMemsetD8Async cuStreamBeginCapture cuGraphLaunch "
    "cuGraphExecDestroy cuGraphDestroy".split()
)


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
