"""What is measured in a process of its own: `python -m build_engines.bench.alone TASK VOICE`; prints a line of JSON.

Imports the runtime only, as a speaker would. Memory is what Linux reports of the process, in MB of 1e6 bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["main", "memory_mb"]

_STATUS = {"VmRSS": "resident", "VmHWM": "peak", "RssAnon": "private", "RssFile": "of_files"}


def memory_mb() -> dict[str, float]:
    """Resident memory now and at its peak, its part that is this process's alone (anonymous) and that of mapped files,
    and `proportional`, in which pages shared with other processes count by their share. Empty where it isn't known."""
    found: dict[str, float] = {}
    for file, names in (("status", _STATUS), ("smaps_rollup", {"Pss": "proportional"})):
        try:
            lines = Path(f"/proc/self/{file}").read_text(encoding="ascii", errors="replace").splitlines()
        except OSError:
            continue
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        found |= {names[key]: int(value.split()[0]) * 1024 / 1e6 for key, value in pairs if key in names}
    return found


def load(args: argparse.Namespace) -> dict[str, Any]:
    """Imports, then loads: seconds of each."""
    start = time.perf_counter()
    from edge_tts.voice import Voice

    imported = time.perf_counter()
    voice = Voice.load(args.voice, engine="onnx", threads=args.threads)
    return {
        "import_s": imported - start, "load_s": time.perf_counter() - imported, "voice": voice, "memory": memory_mb()
    }  # fmt: skip


def stream(args: argparse.Namespace) -> dict[str, Any]:
    """Loads, then speaks a text once: seconds by the clock and of all cores, until the first sound, of sound."""
    figures = load(args)
    voice = figures["voice"]
    start, cpu_start = time.perf_counter(), time.process_time()
    first, samples = 0.0, 0
    for chunk in voice.synthesize(args.text, seed=args.seed, language="en"):
        first = first or time.perf_counter() - start
        samples += len(chunk.pcm16()) // chunk.width
    figures |= {
        "wall_s": time.perf_counter() - start, "cpu_s": time.process_time() - cpu_start, "first_s": first,
        "audio_s": samples / voice.sample_rate, "memory": memory_mb(),
    }  # fmt: skip
    return figures


def repeat(args: argparse.Namespace) -> dict[str, Any]:
    """Speaks `count` utterances of other seeds after `args.warm` ones: resident memory after each, in MB."""
    figures = load(args)
    resident = []
    for seed in range(args.warm + args.count):
        for _ in figures["voice"].synthesize(args.text, seed=seed, language="en"):
            pass
        resident.append(memory_mb().get("resident", 0.0))
        if seed >= args.warm:
            sys.stderr.write(".")  # who watches sees that it goes on
            sys.stderr.flush()
    return figures | {"resident": resident[args.warm - 1 :], "memory": memory_mb()}


def sentences(args: argparse.Namespace) -> dict[str, Any]:
    """Speaks `count` times after one to warm up: medians of seconds of core and clock per second, and first sound."""
    figures = load(args)
    voice, runs = figures["voice"], []
    for seed in range(args.count + 1):
        start, cpu_start, first, samples = time.perf_counter(), time.process_time(), 0.0, 0
        for chunk in voice.synthesize(args.text, seed=seed, language="en"):
            first = first or time.perf_counter() - start
            samples += len(chunk.pcm16()) // chunk.width
        wall, cpu, audio = time.perf_counter() - start, time.process_time() - cpu_start, samples / voice.sample_rate
        runs.append((wall / audio, cpu / audio, first))
    middle = [statistics.median(values) for values in zip(*runs[1:], strict=True)]
    return figures | dict(zip(("wall_ratio", "cpu_ratio", "first_s"), middle, strict=True)) | {"memory": memory_mb()}


_TASKS = {"load": load, "stream": stream, "repeat": repeat, "sentences": sentences}


def main() -> None:
    """Parses the arguments, does the task, prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=tuple(_TASKS))
    parser.add_argument("voice")
    parser.add_argument("--text", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--warm", type=int, default=1)
    parser.add_argument("--cores", type=int, nargs="*", default=[])
    args = parser.parse_args()
    from edge_tts.memory import give_back_large_blocks

    give_back_large_blocks()  # as the programs do
    if args.cores:
        os.sched_setaffinity(0, args.cores)
    figures = _TASKS[args.task](args)
    del figures["voice"]
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
