"""`edgettsd`: the door. Checks that `edge_tts` is ours before anything is imported that needs it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon until it is told to stop. Exit code 0: asked to; 1: it couldn't go on; 2: wrong options."""
    try:
        from edge_tts.identity import problem
    except ImportError as error:
        sys.stderr.write(f"edgettsd: the package edge_tts is not edge-tts-jetson's, or is broken: {error}\n")
        return 1
    trouble = problem()
    if trouble is not None:
        sys.stderr.write(f"edgettsd: {trouble}\n")
        return 1
    from device.service import serve
    from edge_tts.memory import give_back_large_blocks

    give_back_large_blocks()
    return serve(argv)
