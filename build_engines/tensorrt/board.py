"""What the board offers to a build: TensorRT, a GPU, memory."""

from __future__ import annotations

import importlib
from typing import Any

from build_engines.errors import BuildError
from build_engines.tensorrt.network import Limits
from edge_tts.engines.tensorrt.device import Device

__all__ = ["OLDEST", "choose_limits", "load_tensorrt"]

OLDEST = (10, 3)
_MIB = 1 << 20
_LEAST_MIB, _MOST_MIB = 64, 2048


def load_tensorrt() -> Any:
    """The module `tensorrt`. Raises BuildError that says how it is installed, or that it is too old."""
    try:
        trt = importlib.import_module("tensorrt")
    except ImportError:
        raise BuildError(
            "there is no TensorRT for this Python: JetPack brings it for the system's (sudo apt install "
            "python3-libnvinfer), and a venv sees it only if it was made with --system-site-packages"
        ) from None
    version = str(trt.__version__)
    if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) < OLDEST:
        raise BuildError(f"TensorRT {version} is too old: 10.3 (JetPack 6.1) or newer is needed")
    return trt


def choose_limits(device: Device, workspace_mib: int | None) -> Limits:
    """What the builder may take: `workspace_mib` if given, else a quarter of the memory that is free now, within
    64..2048 MiB; while it measures tactics, half of what is free. Raises DeviceError.
    """
    with device.active():
        free_mib = device.memory()[0] // _MIB
    workspace = workspace_mib or max(_LEAST_MIB, min(_MOST_MIB, free_mib // 4))
    return Limits(workspace, max(workspace, free_mib // 2))
