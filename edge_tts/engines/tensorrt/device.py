"""The thin layer between the TensorRT engine and a CUDA binding: memory, copies, one stream, captured graphs.

`open_device` takes pycuda, or cuda-bindings where pycuda isn't installed. Addresses are plain integers, sizes are in
bytes, and every copy is queued on the device's one stream in the order of the calls. Whoever uses a device does it
inside `with device.active():`, which makes its context the thread's current one and keeps other threads out.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_tts.engines.api import Array
from edge_tts.errors import DeviceError

__all__ = ["CapturedGraph", "Device", "HostBuffer", "open_device"]


class HostBuffer(Protocol):
    """Page-locked host memory: copies to and from it run beside the processor."""

    array: NDArray[np.uint8]
    """The memory itself, [bytes]."""

    def free(self) -> None:
        """Gives it back; `array` may not be used any more."""


class CapturedGraph(Protocol):
    """Work of the stream that was recorded once and is launched as a whole."""

    def launch(self) -> None:
        """Queues it on the device's stream. Raises DeviceError."""

    def free(self) -> None:
        """Gives it back."""


class Device(Protocol):
    """One GPU. Every method raises DeviceError, DeviceMemoryError or DeviceLostError (edge_tts.errors)."""

    name: str
    compute_capability: tuple[int, int]
    cuda_version: str
    """Of the driver, like "12.6"."""
    can_capture: bool
    """Whether `capture` works with this binding."""
    stream: int
    """The handle of the one stream."""

    def active(self) -> AbstractContextManager[None]:
        """Makes the device usable in this thread, and only here, until it is left; may be nested."""

    def allocate(self, size: int) -> int:
        """Device memory of `size` > 0 bytes; its address is a multiple of 256."""

    def free(self, address: int) -> None:
        """Gives back what `allocate` gave. Waits for nothing: synchronize first where work may still use it."""

    def host(self, size: int) -> HostBuffer:
        """Page-locked host memory of `size` > 0 bytes."""

    def upload(self, address: int, array: Array) -> None:
        """Queues a copy of a contiguous array to the device; the array stays as it is until `synchronize`."""

    def download(self, array: Array, address: int) -> None:
        """Queues a copy from the device into a contiguous array, to be read after `synchronize`."""

    def clear(self, address: int, size: int) -> None:
        """Queues zeros."""

    def copy_rows(self, target: int, target_pitch: int, source: int, source_pitch: int, width: int, rows: int) -> None:
        """Queues one copy of `rows` pieces of `width` bytes within the device; each pitch is the distance in bytes from
        one piece to the next."""

    def synchronize(self) -> None:
        """Waits until all queued work is done; its errors appear here at the latest."""

    def capture(self, work: Callable[[], None]) -> CapturedGraph:
        """Records what `work` queues on the stream, without running it."""

    def memory(self) -> tuple[int, int]:
        """Bytes of device memory that are free, and that there are."""

    def close(self) -> None:
        """Gives the stream and the context back. What was allocated must have been freed before."""


def open_device() -> Device:
    """The first GPU through pycuda or cuda-bindings. Raises DeviceError: neither is installed, or there is no GPU."""
    try:
        from edge_tts.engines.tensorrt.pycuda_device import PycudaDevice
    except ModuleNotFoundError:
        reason = "neither pycuda nor cuda-bindings is installed: install one to use TensorRT"
    except ImportError as error:  # it is installed, but its libraries are not
        reason = f"pycuda can't be imported ({' '.join(str(error).split())[:200]}), and cuda-bindings is not installed"
    else:
        return PycudaDevice()
    try:
        from edge_tts.engines.tensorrt.cuda_bindings_device import CudaBindingsDevice
    except ImportError:
        raise DeviceError(reason) from None
    return CudaBindingsDevice()
