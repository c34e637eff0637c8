"""The device through pycuda. Importing this module imports pycuda, which needs the driver's library.

The GPU's primary context is used, since TensorRT's own CUDA calls live there. pycuda can't record CUDA graphs (as of
2026.1), so that is done by the driver's library directly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pycuda.driver as drv  # type: ignore[import-not-found,import-untyped,unused-ignore]
from numpy.typing import NDArray

from edge_tts.engines.api import Array
from edge_tts.engines.tensorrt.device import CapturedGraph
from edge_tts.engines.tensorrt.driver_capture import DriverCapture, open_capture
from edge_tts.errors import DeviceError, DeviceLostError, DeviceMemoryError

__all__ = ["PycudaDevice"]

_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING: does not wait for the legacy default stream

# The driver's words for errors that no call after them survives; pycuda hands on the words, not the numbers.
_LOST = (
    "illegal memory access",
    "unspecified launch failure",
    "illegal instruction",
    "misaligned address",
    "invalid address space",
    "invalid program counter",
    "device-side assert",
    "hardware stack error",
    "uncorrectable ECC error",
    "the launch timed out",
    "context is destroyed",
    "invalid device context",
    "driver shutting down",
    "unknown error",
)


class PycudaDevice:
    """The first GPU; see `edge_tts.engines.tensorrt.device.Device`."""

    def __init__(self) -> None:
        """Raises DeviceError: no GPU, or no driver."""
        self._lock = threading.RLock()
        self._closed = False
        with _typed():
            drv.init()
            gpu = drv.Device(0)
            self._context = gpu.retain_primary_context()
            self.name = str(gpu.name())
            major, minor = gpu.compute_capability()
            self.compute_capability = (int(major), int(minor))
            version = int(drv.get_driver_version())
        self.cuda_version = f"{version // 1000}.{version % 1000 // 10}"
        try:
            with self.active(), _typed():
                self._stream = drv.Stream(_NON_BLOCKING)
                self.stream = int(self._stream.handle)
        except DeviceError:
            with _typed():
                self._context.detach()
            raise
        self._allocations: dict[int, Any] = {}
        self._capture: DriverCapture | None = open_capture()
        self.can_capture = self._capture is not None

    @contextmanager
    def active(self) -> Iterator[None]:
        """Makes the device usable in this thread, and only here."""
        with self._lock:
            if self._closed:
                raise DeviceLostError("the GPU has been given back")
            with _typed():
                self._context.push()
            try:
                yield
            finally:
                if not self._closed:
                    with suppress(drv.Error):  # with a lost context this fails too, and must not hide why
                        drv.Context.pop()

    def allocate(self, size: int) -> int:
        """Device memory."""
        with _typed():
            allocation = drv.mem_alloc(size)
        address = int(allocation)
        self._allocations[address] = allocation
        return address

    def free(self, address: int) -> None:
        """Gives it back."""
        with _typed():
            self._allocations.pop(address).free()

    def host(self, size: int) -> _HostBuffer:
        """Page-locked host memory."""
        with _typed():
            return _HostBuffer(drv.pagelocked_empty(size, np.uint8))

    def upload(self, address: int, array: Array) -> None:
        """Queues a copy to the device."""
        if array.nbytes:
            with _typed():
                drv.memcpy_htod_async(address, array, self._stream)

    def download(self, array: Array, address: int) -> None:
        """Queues a copy from the device."""
        if array.nbytes:
            with _typed():
                drv.memcpy_dtoh_async(array, address, self._stream)

    def clear(self, address: int, size: int) -> None:
        """Queues zeros."""
        with _typed():
            drv.memset_d8_async(address, 0, size, self._stream)

    def copy_rows(self, target: int, target_pitch: int, source: int, source_pitch: int, width: int, rows: int) -> None:
        """Queues one copy of rows within the device."""
        with _typed():
            copy = drv.Memcpy2D()
            copy.set_src_device(source)
            copy.src_pitch = source_pitch
            copy.set_dst_device(target)
            copy.dst_pitch = target_pitch
            copy.width_in_bytes = width
            copy.height = rows
            copy(self._stream)

    def synchronize(self) -> None:
        """Waits for all queued work."""
        with _typed():
            self._stream.synchronize()

    def capture(self, work: Callable[[], None]) -> CapturedGraph:
        """Records what `work` queues."""
        if self._capture is None:
            raise DeviceError("CUDA graphs can't be recorded here")
        return self._capture.record(self.stream, work)

    def memory(self) -> tuple[int, int]:
        """Free and total bytes."""
        with _typed():
            free, total = drv.mem_get_info()
        return int(free), int(total)

    def close(self) -> None:
        """Gives the stream and the context back."""
        with self._lock:
            if self._closed:
                return
            with self.active(), _typed():
                self._stream = None
                self._closed = True
                self._context.detach()  # from the thread's stack too, so `active` must not pop it


class _HostBuffer:
    """An array of page-locked memory; its base is pycuda's allocation."""

    def __init__(self, array: NDArray[np.uint8]) -> None:
        self.array = array

    def free(self) -> None:
        """Gives it back."""
        base: Any = self.array.base
        with _typed():
            base.free()


@contextmanager
def _typed() -> Iterator[None]:
    """pycuda's errors become ours."""
    try:
        yield
    except drv.MemoryError as error:
        raise DeviceMemoryError(f"the GPU has no memory left ({_line(error)})") from None
    except drv.LaunchError as error:
        raise DeviceLostError(f"the GPU's context is lost ({_line(error)})") from None
    except drv.Error as error:
        line = _line(error)
        if any(words in line for words in _LOST):
            raise DeviceLostError(f"the GPU's context is lost ({line})") from None
        raise DeviceError(f"CUDA failed ({line})") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
