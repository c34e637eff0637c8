"""`edgettsd`: the door. Checks that `edge_tts` is ours before anything is imported that needs it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the daemon until it is told to stop. Exit code 0: asked to; 1: it couldn't go on; 2: wrong options."""
    import edge_tts

    if getattr(edge_tts, "DISTRIBUTION", None) != "edge-tts-jetson":
        sys.stderr.write(
            "edgettsd: the package 'edge-tts', an unrelated online client, has replaced files of edge-tts-jetson: "
            "pip uninstall edge-tts, then reinstall edge-tts-jetson\n"
        )
        return 1
    from device.service import serve

    return serve(argv)
