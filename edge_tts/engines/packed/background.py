"""Packs a voice that was just loaded from its bundle, in a process of its own that outlives this one.

A process, not a thread: speaking takes its turn first (the lowest priority), `edgetts say` doesn't wait for it, and the
memory that packing takes for a few seconds is not this process's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from edge_tts.bundle import Bundle
from edge_tts.bundle.spec import GraphEntry

__all__ = ["all_graphs", "needed_bytes", "start_packing", "why_not"]

# Before anything heavy is imported the process leaves the group that Ctrl-C goes to, but not the session: Linux shares
# the processor between sessions first, and only within one a priority counts.
_PROGRAM = """
import os, sys
os.setpgrp()
os.setpriority(os.PRIO_PROCESS, 0, 19)
from edge_tts.engines.packed.process import main
sys.exit(main(sys.argv[1:]))
"""
_PACKAGE = Path(__file__).resolve().parents[3]


def all_graphs(bundle: Bundle) -> Iterator[tuple[str, GraphEntry]]:
    """The graphs that speaking needs, by the names that they are loaded under."""
    yield from bundle.manifest.graphs.items()
    for language, features in bundle.manifest.text_features.items():
        yield f"text_features.{language}", features.graph


def needed_bytes(bundle: Bundle) -> int:
    """What packing takes on the disk while it goes on: weights as they are and packed, of one graph twice."""
    folders = {str(Path(entry.file).parent) for _, entry in all_graphs(bundle)}
    files = bundle.manifest.files.items()
    return 3 * sum(file.size_bytes for name, file in files if str(Path(name).parent) in folders)


def why_not(bundle: Bundle, cache: Path) -> str | None:
    """Why packing can't succeed, as part of a sentence; None where it may. Raises OSError."""
    folder = cache / "packed"
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} can't be written"
    needed = needed_bytes(bundle)
    if shutil.disk_usage(folder).free < needed:
        return f"{folder} has less than {needed // 1_000_000 + 1} MB of room"
    return None


def start_packing(bundle: Bundle, cache: Path) -> None:
    """Starts the process. Nobody waits for it; what it can't do it leaves undone. Raises OSError: it can't start."""
    if not sys.executable or getattr(sys, "frozen", False):
        return  # this Python can't be started again
    own = os.environ.get("PYTHONPATH", "")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(_PACKAGE), *([own] if own else [])])}
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(bundle.path.resolve()), bundle.id, str(cache.resolve())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd="/",
    )
    threading.Thread(target=process.wait, name="packing", daemon=True).start()  # no zombie stays
