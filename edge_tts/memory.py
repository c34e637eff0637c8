"""How glibc keeps memory. For our own programs: it holds for the whole process, so a library has no business there."""

from __future__ import annotations

import ctypes
import os
import platform

__all__ = ["give_back_large_blocks"]

_M_MMAP_THRESHOLD, _LARGE_BYTES = -3, 2 << 20  # mallopt(3)


def give_back_large_blocks() -> None:
    """Lets glibc map every large block by itself, so that it goes back to the system when it is freed.

    Left alone, glibc keeps blocks of up to 32 MiB on its heap once it has seen one: now and then a sentence's cache and
    what its prefill gave stay behind for good. Tensors within a run are ONNX Runtime's arena's. A setting of the user's
    own is left as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if platform.system() == "Linux" else None
    if mallopt is not None and "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
