"""Packs a voice that was just loaded from its bundle, in a process of its own that outlives this one.

A process, not a thread: speaking takes its turn first (the lowest priority), `edgetts say` doesn't wait for it, and the
memory that packing takes for a few seconds is not this process's.
"""

from __future__ import annotations

import argparse
import logging
import os
import platform
import shutil
import subprocess
import sys
import threading
from pathlib import Path

from edge_tts.bundle import Bundle, open_bundle
from edge_tts.engines.packed.cache import PackedCache
from edge_tts.engines.packed.kernels import Chooser
from edge_tts.engines.packed.pack import needed_bytes, pack
from edge_tts.engines.packed.parts import packed_parts
from edge_tts.errors import EdgeTTSError

__all__ = ["main", "start_packing", "why_not"]

_PACKAGE = Path(__file__).resolve().parents[3]


def why_not(bundle: Bundle, cache: Path) -> str | None:
    """Why packing can't succeed, as part of a sentence; None where it may."""
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
        [sys.executable, "-m", "edge_tts.engines.packed.background", str(bundle.path.resolve()), bundle.id, str(cache)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd="/",
        start_new_session=True,
    )
    threading.Thread(target=process.wait, name="packing", daemon=True).start()  # no zombie stays


def main(argv: list[str] | None = None) -> int:
    """The process: packs one voice; 0 also where there was nothing to do."""
    parser = argparse.ArgumentParser(prog="edge_tts.engines.packed.background")
    for name in ("bundle", "id", "cache"):
        parser.add_argument(name)
    arguments = parser.parse_args(argv)
    os.nice(19)
    try:
        bundle = open_bundle(Path(arguments.bundle))
        parts = packed_parts(bundle)
        if parts is None or bundle.id != arguments.id:
            return 1
        pack(bundle, PackedCache(Path(arguments.cache)), parts, Chooser(platform.machine()))
    except (EdgeTTSError, OSError) as error:
        logging.getLogger("edge_tts").error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
