"""TensorRT's timing cache: how fast each tactic was, so that the next build need not measure again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["attach", "save"]

_MAX_BYTES = 1 << 28


def attach(trt: Any, config: Any, file: Path, warn: Callable[[str], None]) -> None:
    """Gives a builder's config the timings in `file`, or an empty cache; one that is of no use here is ignored with a
    line to `warn`.
    """
    raw = b""
    try:
        if file.exists():
            raw = file.read_bytes() if file.stat().st_size <= _MAX_BYTES else b""
    except OSError as error:
        warn(f"the timing cache {file} can't be read ({error.strerror}): all is measured again")
    timings = config.create_timing_cache(raw) if raw else None
    # The second argument: timings of another GPU or another TensorRT are not taken.
    if timings is not None and config.set_timing_cache(timings, False):
        return
    if raw:
        warn(f"the timing cache {file} is damaged or of another board: all is measured again")
    config.set_timing_cache(config.create_timing_cache(b""), False)


def save(config: Any, file: Path, warn: Callable[[str], None]) -> None:
    """Writes the timings after a build, whole or not at all; a failure is a line to `warn`: nothing depends on it."""
    timings = config.get_timing_cache()
    serialized = None if timings is None else timings.serialize()
    if serialized is None:
        return
    part: Path | None = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
        part = Path(name)
        with os.fdopen(descriptor, "wb") as out:
            out.write(memoryview(serialized))
        part.replace(file)
    except OSError as error:
        warn(f"the timing cache {file} can't be written ({error.strerror})")
        if part is not None:
            with suppress(OSError):
                part.unlink()
