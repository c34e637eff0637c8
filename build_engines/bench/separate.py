"""What processes of their own tell: loading, memory, the cold start of the command, two threads, growth."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from build_engines.bench.processes import growth_mb, in_process, pack_now, time_to_first_byte
from build_engines.bench.setup import with_least_tokens
from build_engines.bench.texts import SENTENCE_SECONDS, text_of
from edge_tts.bundle import open_bundle

__all__ = ["measure"]

_WARM_UTTERANCES = 20
_SMALL_TEXT = "The quick brown fox jumps over the lazy dog beside the river."
_SHORT = "Good morning to you."


def measure(
    full: Path, small: str, work: Path, cores: Sequence[int], second: int | None, repeat: int, utterances: int,
    text_s: float, told: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """Figures of both voices, by section. Raises BuildError: a process failed."""
    manifest = open_bundle(full).manifest
    long = with_least_tokens(full, work / "sentences", round(SENTENCE_SECONDS * manifest.token_rate_hz))
    text = text_of(round(text_s / SENTENCE_SECONDS))
    tree: dict[str, Any] = {"load": {}, "text_s": text_s, "utterances": utterances}
    told("packing")
    pack_now(long)
    for name, voice in (("full", full), ("small", small)):
        told(f"loading, the {name} voice")
        in_process("load", voice, cores=cores)  # the first one warms the page cache up
        loads = [in_process("load", voice, cores=cores) for _ in range(repeat)]
        tree["load"][name] = {
            "load_s": _spread([one["load_s"] for one in loads]),
            "import_s": _spread([one["import_s"] for one in loads]), "memory": loads[-1]["memory"],
        }  # fmt: skip
    told(f"{text_s:g} s of text, memory")
    tree["stream"] = {
        "full": in_process("stream", long, "--text", text, cores=cores),
        "small": in_process("stream", small, "--text", text, cores=cores),
    }
    tree["small"] = _small(small, cores, repeat, told)
    tree["threads"] = None if second is None or not cores else _threads(long, text, [*cores, second], repeat, told)
    tree["growth"] = {}
    for name, voice in (("full", full), ("small", small)):
        told(f"{utterances} utterances, the {name} voice")
        options = ("--text", _SHORT, "--count", str(utterances), "--warm", str(_WARM_UTTERANCES))
        resident = in_process("repeat", voice, *options, cores=cores)["resident"]
        tree["growth"][name] = {"growth_mb": growth_mb(resident), "first_mb": resident[0], "last_mb": resident[-1]}
    return tree


def _small(voice: str, cores: Sequence[int], repeat: int, told: Callable[[str], None]) -> dict[str, Any]:
    """The small voice as a person meets it: warm in a process, and from the start of the command."""
    told("the small voice: cold start")
    program = str(Path(sys.executable).with_name("edgetts"))
    command = [program, "say", "--voice", voice, "--engine", "onnx", "--language", "en", "--raw", _SHORT]
    time_to_first_byte(command)
    colds = [time_to_first_byte(command) for _ in range(repeat)]
    told("the small voice: sentences")
    warm = in_process("sentences", voice, "--text", _SMALL_TEXT, "--count", str(10 * repeat), cores=cores)
    return {"cold_s": _spread(colds), **warm}


def _threads(voice: Path, text: str, cores: Sequence[int], repeat: int, told: Callable[[str], None]) -> dict[str, Any]:
    """A text by one thread and by two, both with two cores, in turns."""
    found: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    for turn in range(max(1, repeat // 2)):
        for threads, runs in found.items():
            told(f"{threads} thread{'s' * (threads > 1)}, turn {turn + 1}")
            runs.append(in_process("stream", voice, "--text", text, "--threads", str(threads), cores=cores))
    walls = {threads: statistics.median(run["wall_s"] for run in runs) for threads, runs in found.items()}
    return {
        "gain": walls[1] / walls[2],
        "wall_s": {str(threads): wall for threads, wall in walls.items()},
        "first_s": {str(n): statistics.median(run["first_s"] for run in runs) for n, runs in found.items()},
        "peak_mb": {str(n): max(run["memory"]["peak"] for run in runs) for n, runs in found.items()},
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}
