"""The process that packs a voice: edge_tts.engines.packed.background starts it, and so may a person.

    python -m edge_tts.engines.packed.process BUNDLE ID CACHE
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_tts.bundle import open_bundle
from edge_tts.engines.packed.cache import PackedCache
from edge_tts.engines.packed.kernels import Chooser
from edge_tts.engines.packed.pack import pack
from edge_tts.engines.packed.parts import packed_parts
from edge_tts.errors import EdgeTTSError

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Takes the bundle's folder, its id and the cache folder. 0: packed, or nothing to do; 1: it can't be, for a reason
    that is written to stderr."""
    folder, wanted, cache = arguments
    try:
        bundle = open_bundle(Path(folder))
        parts = packed_parts(bundle)
        if parts is not None and bundle.id == wanted:  # else it was replaced just now
            pack(bundle, PackedCache(Path(cache)), parts, Chooser(platform.machine()))
    except (EdgeTTSError, OSError) as error:
        sys.stderr.write(f"{folder} can't be packed: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
