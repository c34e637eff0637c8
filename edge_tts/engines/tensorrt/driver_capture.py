"""Recording CUDA graphs with the driver's library itself, for a binding that can't.

Signatures: cuda.h of CUDA 11.4 and later; all pointers are passed as void*.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from edge_tts.errors import DeviceError, DeviceLostError, DeviceMemoryError

__all__ = ["DriverCapture", "check_code", "open_capture"]

_THREAD_LOCAL = 1  # CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: other threads may go on using CUDA
_SUCCESS, _OUT_OF_MEMORY = 0, 2
# CUresult: the context or the device is gone, and every later call fails too.
_LOST = frozenset({4, 201, 214, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 999})

_SIGNATURES: dict[str, list[type]] = {
    "cuStreamBeginCapture_v2": [ctypes.c_void_p, ctypes.c_int],
    "cuStreamEndCapture": [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)],
    "cuGraphInstantiateWithFlags": [ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p, ctypes.c_ulonglong],
    "cuGraphLaunch": [ctypes.c_void_p, ctypes.c_void_p],
    "cuGraphExecDestroy": [ctypes.c_void_p],
    "cuGraphDestroy": [ctypes.c_void_p],
}


def open_capture(library: str = "libcuda.so.1") -> DriverCapture | None:
    """The driver's functions; None where they are missing (a driver before CUDA 11.4)."""
    try:
        return DriverCapture(ctypes.CDLL(library))
    except (OSError, AttributeError):
        return None


def check_code(what: str, code: int) -> None:
    """A CUresult as ours. Raises DeviceError, DeviceMemoryError, DeviceLostError."""
    if code == _SUCCESS:
        return
    if code == _OUT_OF_MEMORY:
        raise DeviceMemoryError(f"the GPU has no memory left ({what})")
    if code in _LOST:
        raise DeviceLostError(f"the GPU's context is lost ({what}: CUDA error {code})")
    raise DeviceError(f"CUDA failed ({what}: CUDA error {code})")


class DriverCapture:
    """The functions of libcuda that record and launch."""

    def __init__(self, library: ctypes.CDLL) -> None:
        """Raises AttributeError: the library lacks one of them."""
        self._functions = {}
        for name, arguments in _SIGNATURES.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, ctypes.c_int
            self._functions[name] = function

    def call(self, name: str, *arguments: object) -> None:
        """Calls one. Raises DeviceError."""
        check_code(name, self._functions[name](*arguments))

    def record(self, stream: int, work: Callable[[], None]) -> DriverGraph:
        """Records what `work` queues on the stream. Raises what `work` raises, and DeviceError."""
        graph, executable = ctypes.c_void_p(), ctypes.c_void_p()
        self.call("cuStreamBeginCapture_v2", stream, _THREAD_LOCAL)
        try:
            work()
        except BaseException:
            # The recording has to be ended all the same; what comes of it does not matter any more.
            self._functions["cuStreamEndCapture"](stream, ctypes.byref(graph))
            if graph.value:
                self._functions["cuGraphDestroy"](graph)
            raise
        self.call("cuStreamEndCapture", stream, ctypes.byref(graph))
        try:
            self.call("cuGraphInstantiateWithFlags", ctypes.byref(executable), graph, 0)
        finally:
            self._functions["cuGraphDestroy"](graph)
        return DriverGraph(self, executable, stream)


class DriverGraph:
    """A recorded graph, ready to be launched on its stream."""

    def __init__(self, capture: DriverCapture, executable: ctypes.c_void_p, stream: int) -> None:
        self._capture, self._executable, self._stream = capture, executable, stream

    def launch(self) -> None:
        """Queues it. Raises DeviceError."""
        self._capture.call("cuGraphLaunch", self._executable, self._stream)

    def free(self) -> None:
        """Gives it back. Raises DeviceError."""
        self._capture.call("cuGraphExecDestroy", self._executable)
