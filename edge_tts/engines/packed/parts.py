"""What the packed form of a voice depends on: the bundle, ONNX Runtime, the processor and what it can do."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path
from typing import Any

from edge_tts.bundle import Bundle
from edge_tts.engines.onnx import CPU_INFO, OnnxEngine

__all__ = ["FORMAT", "packed_parts", "processor_parts"]

FORMAT = 1
"""Raised when entries that were made before must not be used any more."""

# x86 has the first two, ARM the others; on a processor with cores of two kinds each kind has lines of its own.
_LINES = ("model name", "flags", "Features", "CPU implementer", "CPU architecture", "CPU variant", "CPU part")


def processor_parts(machine: str, cpu_info: Path) -> dict[str, str] | None:
    """Architecture and features as parts of a key, or None where the system doesn't tell: nothing is packed there."""
    try:
        text = cpu_info.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    found = set()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in _LINES:
            found.add(f"{name.strip()}: {' '.join(sorted(value.split()))}")
    if not found:
        return None
    return {"machine": machine, "processor": hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()}


def packed_parts(bundle: Bundle) -> dict[str, Any] | None:
    """All of it as JSON values, from which the entry's key is made; None where the processor is unknown."""
    processor = processor_parts(platform.machine(), CPU_INFO)
    if processor is None:
        return None
    return {"format": FORMAT, "bundle": bundle.id, **OnnxEngine().identity, **processor}
