"""The device through NVIDIA's cuda-bindings, where pycuda is not installed. Importing this module imports it.

Every function returns a tuple of its error code and its results (cuda.bindings.driver).
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from cuda.bindings import driver as cu  # type: ignore[import-not-found,import-untyped,unused-ignore]

from edge_tts.engines.api import Array
from edge_tts.engines.tensorrt.device import CapturedGraph
from edge_tts.engines.tensorrt.driver_capture import check_code
from edge_tts.errors import DeviceError, DeviceLostError

__all__ = ["CudaBindingsDevice"]


class CudaBindingsDevice:
    """The first GPU; see `edge_tts.engines.tensorrt.device.Device`."""

    can_capture = True

    def __init__(self) -> None:
        """Raises DeviceError: no GPU, or no driver."""
        self._lock = threading.RLock()
        self._closed = False
        _call(cu.cuInit, 0)
        self._gpu = _call(cu.cuDeviceGet, 0)
        self.name = bytes(_call(cu.cuDeviceGetName, 256, self._gpu)).split(b"\0")[0].decode("utf-8", "replace")
        attributes = cu.CUdevice_attribute
        major, minor = (
            int(_call(cu.cuDeviceGetAttribute, attribute, self._gpu))
            for attribute in (
                attributes.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
                attributes.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
            )
        )
        self.compute_capability = (major, minor)
        version = int(_call(cu.cuDriverGetVersion))
        self.cuda_version = f"{version // 1000}.{version % 1000 // 10}"
        self._context = _call(cu.cuDevicePrimaryCtxRetain, self._gpu)
        try:
            with self.active():
                self._stream = _call(cu.cuStreamCreate, int(cu.CUstream_flags.CU_STREAM_NON_BLOCKING))
        except DeviceError:
            _call(cu.cuDevicePrimaryCtxRelease, self._gpu)
            raise
        self.stream = int(self._stream)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Makes the device usable in this thread, and only here."""
        with self._lock:
            if self._closed:
                raise DeviceLostError("the GPU has been given back")
            _call(cu.cuCtxPushCurrent, self._context)
            try:
                yield
            finally:
                cu.cuCtxPopCurrent()

    def allocate(self, size: int) -> int:
        """Device memory."""
        return int(_call(cu.cuMemAlloc, size))

    def free(self, address: int) -> None:
        """Gives it back."""
        _call(cu.cuMemFree, address)

    def host(self, size: int) -> _HostBuffer:
        """Page-locked host memory."""
        return _HostBuffer(int(_call(cu.cuMemHostAlloc, size, 0)), size)

    def upload(self, address: int, array: Array) -> None:
        """Queues a copy to the device."""
        if array.nbytes:
            _call(cu.cuMemcpyHtoDAsync, address, array.ctypes.data, array.nbytes, self._stream)

    def download(self, array: Array, address: int) -> None:
        """Queues a copy from the device."""
        if array.nbytes:
            _call(cu.cuMemcpyDtoHAsync, array.ctypes.data, address, array.nbytes, self._stream)

    def clear(self, address: int, size: int) -> None:
        """Queues zeros."""
        _call(cu.cuMemsetD8Async, address, 0, size, self._stream)

    def copy_rows(self, target: int, target_pitch: int, source: int, source_pitch: int, width: int, rows: int) -> None:
        """Queues one copy of rows within the device."""
        copy = cu.CUDA_MEMCPY2D()
        copy.srcMemoryType = copy.dstMemoryType = cu.CUmemorytype.CU_MEMORYTYPE_DEVICE
        copy.srcDevice, copy.srcPitch = cu.CUdeviceptr(source), source_pitch
        copy.dstDevice, copy.dstPitch = cu.CUdeviceptr(target), target_pitch
        copy.WidthInBytes, copy.Height = width, rows
        _call(cu.cuMemcpy2DAsync, copy, self._stream)

    def synchronize(self) -> None:
        """Waits for all queued work."""
        _call(cu.cuStreamSynchronize, self._stream)

    def capture(self, work: Callable[[], None]) -> CapturedGraph:
        """Records what `work` queues."""
        _call(cu.cuStreamBeginCapture, self._stream, cu.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
        try:
            work()
        except BaseException:
            # The recording has to be ended all the same; what comes of it does not matter any more.
            code, graph = cu.cuStreamEndCapture(self._stream)
            if int(code) == 0:
                cu.cuGraphDestroy(graph)
            raise
        graph = _call(cu.cuStreamEndCapture, self._stream)
        try:
            return _Graph(_call(cu.cuGraphInstantiate, graph, 0), self._stream)
        finally:
            cu.cuGraphDestroy(graph)

    def memory(self) -> tuple[int, int]:
        """Free and total bytes."""
        free, total = _call(cu.cuMemGetInfo)
        return int(free), int(total)

    def close(self) -> None:
        """Gives the stream and the context back."""
        with self._lock:
            if self._closed:
                return
            try:
                with self.active():
                    _call(cu.cuStreamDestroy, self._stream)
            finally:
                self._closed = True
                _call(cu.cuDevicePrimaryCtxRelease, self._gpu)


class _HostBuffer:
    """Page-locked memory at an address, seen as an array."""

    def __init__(self, address: int, size: int) -> None:
        self._address = address
        self.array = np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))

    def free(self) -> None:
        """Gives it back."""
        _call(cu.cuMemFreeHost, self._address)


class _Graph:
    """A recorded graph, ready to be launched on its stream."""

    def __init__(self, executable: Any, stream: Any) -> None:
        self._executable, self._stream = executable, stream

    def launch(self) -> None:
        """Queues it."""
        _call(cu.cuGraphLaunch, self._executable, self._stream)

    def free(self) -> None:
        """Gives it back."""
        _call(cu.cuGraphExecDestroy, self._executable)


def _call(function: Any, *arguments: Any) -> Any:
    """One call of the driver: its result, or its results as a tuple. Raises DeviceError and its kinds."""
    try:
        code, *results = function(*arguments)
    except RuntimeError as error:  # the driver's library is missing, or lacks the function
        raise DeviceError(f"CUDA can't be used ({' '.join(str(error).split())[:200]})") from None
    check_code(function.__name__, int(code))
    return results[0] if len(results) == 1 else tuple(results)
