"""Which board this is, as far as an engine depends on it: a plan runs only where it was built."""

from __future__ import annotations

import ctypes
import dataclasses
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_tts.engines.tensorrt.device import Device

__all__ = ["Board", "identify"]

_MODEL = "proc/device-tree/model"
_RELEASE = "etc/nv_tegra_release"


@dataclass(frozen=True)
class Board:
    """Versions and hardware; equal boards can run each other's engines."""

    tensorrt: str
    """Full version, with the build number where the library tells it."""
    compute_capability: str
    gpu: str
    model: str
    """What the device tree says, e.g. "NVIDIA Jetson Orin Nano Developer Kit"; empty where there is none."""
    system: str
    """L4T's release line, or else the machine's architecture and system."""
    cuda: str
    """The driver's CUDA version."""

    def parts(self) -> dict[str, str]:
        """As parts of an engine's key."""
        return dataclasses.asdict(self)


def identify(trt: Any, device: Device, root: Path = Path("/")) -> Board:
    """Asks TensorRT, the GPU and the file system. Raises DeviceError."""
    major, minor = device.compute_capability
    return Board(
        tensorrt=_tensorrt_version(str(trt.__version__)),
        compute_capability=f"{major}.{minor}",
        gpu=device.name,
        model=_first_line(root / _MODEL),
        system=_first_line(root / _RELEASE) or f"{platform.machine()} {platform.system()}",
        cuda=device.cuda_version,
    )


def _tensorrt_version(package: str) -> str:
    """The Python package knows three numbers; the library behind it knows the build, and is not always as old."""
    try:
        library = ctypes.CDLL(f"libnvinfer.so.{package.split('.')[0]}")
        parts = [getattr(library, f"getInferLib{part}Version")() for part in ("Major", "Minor", "Patch", "Build")]
    except (OSError, AttributeError):
        return package
    return ".".join(map(str, parts))


def _first_line(path: Path) -> str:
    """Without the NUL that ends a device tree's string; empty if there is no such file."""
    try:
        text = path.read_bytes()[:1000].decode("utf-8", "replace")
    except OSError:
        return ""
    return text.replace("\0", "").split("\n")[0].strip()
