"""The machine that is measured: what it is, and which of its cores are used."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]

__all__ = ["FEATURES", "allowed_cores", "cpu_features", "describe", "pin"]

FEATURES = (
    "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8",
    "asimd", "asimddp", "i8mm", "sve", "bf16",
)  # fmt: skip
"""What decides which kernels ONNX Runtime chooses."""


def allowed_cores() -> tuple[int, ...]:
    """The cores that this process may run on; none where the system has no such notion."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    return tuple(sorted(os.sched_getaffinity(0)))


def pin(cores: Iterable[int]) -> None:
    """Keeps this process and those that it starts on these cores, where the system can."""
    chosen = set(cores)
    if chosen and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, chosen)


def cpu_features(text: str) -> tuple[str, str]:
    """Model name and the features of FEATURES, from the text of /proc/cpuinfo."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        key, _, value = line.partition(":")
        found.setdefault(key.strip(), value.strip())
    flags = set(found.get("flags", found.get("Features", "")).split())
    model = found.get("model name") or found.get("CPU part") or "unknown"
    return model, " ".join(name for name in FEATURES if name in flags)


def describe(cores: Iterable[int]) -> dict[str, Any]:
    """What the report says of the machine."""
    try:
        model, features = cpu_features(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace"))
    except OSError:
        model, features = platform.processor() or "unknown", ""
    return {
        "cpu": model, "features": features, "architecture": platform.machine(), "cores": os.cpu_count(),
        "pinned_to": list(cores), "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(), "onnxruntime": onnxruntime.__version__, "numpy": np.__version__,
    }  # fmt: skip
