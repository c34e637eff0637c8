"""Starts processes that are measured from outside, or that measure themselves (`alone`), and reads what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from build_engines.errors import BuildError
from edge_tts.bundle import Bundle, open_bundle
from edge_tts.engines.packed.cache import PackedCache, PackedVoice
from edge_tts.engines.packed.parts import packed_parts
from edge_tts.engines.store import cache_folder

__all__ = ["growth_mb", "in_process", "pack_now", "packed_voice", "time_to_first_byte"]

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def in_process(
    task: str, voice: str | Path, *options: str, cores: Sequence[int], told: Callable[[], object] = lambda: None
) -> dict[str, Any]:
    """The figures of `build_engines.bench.alone`. `told` is called for each sign of life on its stderr.

    Raises BuildError: the process failed, with the last line that it said.
    """
    command = [sys.executable, "-m", "build_engines.bench.alone", task, str(voice), *options]
    if cores:
        command += ["--cores", *map(str, cores)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | _ONE_THREAD, cwd=_root()
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        said = bytearray()
        try:
            while byte := process.stderr.read(1):
                if byte == b".":
                    told()
                said += byte
            output = process.stdout.read()
            code = process.wait()
        except BaseException:
            process.kill()
            raise
    if code != 0:
        last = said.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {code}"]
        raise BuildError(f"measuring {task!r} of {voice} failed: {last[0]}")
    figures: dict[str, Any] = json.loads(output)
    return figures


def pack_now(folder: Path) -> None:
    """Packs a voice as its first start would do in the background, and waits for it: what is measured are later starts.

    Nothing happens where packing is switched off.
    """
    if os.environ.get("EDGETTS_PACKED") == "off":
        return
    cache = cache_folder(os.environ, Path.home())
    bundle = open_bundle(folder)
    command = [sys.executable, "-m", "edge_tts.engines.packed.process", str(folder.resolve()), bundle.id, str(cache)]
    subprocess.run(command, check=False, capture_output=True, cwd=_root())


def packed_voice(bundle: Bundle) -> PackedVoice | None:
    """The packed form that a voice is loaded from, None where it is loaded from its bundle."""
    parts = packed_parts(bundle)
    if parts is None or os.environ.get("EDGETTS_PACKED") == "off":
        return None
    with PackedCache(cache_folder(os.environ, Path.home())).reading(parts) as voice:
        return voice


def time_to_first_byte(command: Sequence[str]) -> float:
    """Seconds from a program's start to its first output, which is read and dropped to the end.

    Raises BuildError: it failed, or said nothing.
    """
    start = time.perf_counter()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | _ONE_THREAD
    ) as process:
        assert process.stdout is not None
        first = process.stdout.read(2)
        seconds = time.perf_counter() - start
        _, said = process.communicate()
    if process.returncode != 0 or not first:
        last = said.decode(errors="replace").strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
        raise BuildError(f"{Path(command[0]).name} gave no sound: {last[0]}")
    return seconds


def growth_mb(resident: Sequence[float]) -> float:
    """What memory grew by: the mean of the last tenth against that of the first, which the allocator's ups and downs
    hardly move."""
    tenth = max(1, len(resident) // 10)
    return sum(resident[-tenth:]) / tenth - sum(resident[:tenth]) / tenth


def _root() -> Path:
    """Where the packages can be imported from, even if they are not installed."""
    return Path(__file__).resolve().parents[2]
