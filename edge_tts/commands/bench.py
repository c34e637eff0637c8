"""`edgetts bench`: how fast a voice speaks on this machine.

The first utterance warms the engine up and is not counted. Ratios are seconds of work per second of sound; on a machine
that has other work, `cpu_ratio` (processor time of all threads) says more than the real-time factor. With several
threads a stage's seconds are summed over them, so that all stages together may be more than the real-time factor, and
`tokens_per_s` is what one thread draws.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_tts.command import EXIT_OK, Command
from edge_tts.errors import ParameterError
from edge_tts.terminal import say
from edge_tts.timing import StageTimes

if TYPE_CHECKING:
    from edge_tts.voice import Voice

__all__ = ["Run", "command", "summarise"]

STAGES = ("text", "prefill", "decode", "latents", "vocoder")
TEXT = "The quick brown fox jumps over the lazy dog beside the river."
# Threads share a text's sentences; with eight each, little of the time is that of the first and the last, made alone.
SENTENCES_PER_THREAD = 8


@dataclass(frozen=True)
class Run:
    """One text: its sentences; seconds of sound, of work by the clock and by the processor, until the first chunk, per
    stage; and decode steps."""

    sentences: int
    audio_s: float
    wall_s: float
    cpu_s: float
    first_audio_s: float
    stages_s: dict[str, float]
    steps: int


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `bench`."""
    parser.add_argument("--voice", default="default", help="a voice's name or its bundle's path (default: default)")
    parser.add_argument("--speaker", help="one of the voice's speakers")
    parser.add_argument("--text", help="what to say (default: a sentence of twelve words, with threads eight for each)")
    parser.add_argument("--repeat", type=int, default=10, help="how often (default: 10)")
    parser.add_argument("--threads", type=int, default=1, help="sentences made side by side, a core each (default: 1)")
    parser.add_argument("--engine", default="auto", help="auto, onnx or tensorrt (default: auto; docs/tensorrt.md)")
    parser.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Measures and reports. Raises EdgeTTSError."""
    if not 1 <= args.repeat <= 10_000:
        raise ParameterError(f"--repeat must lie in 1..10000, not {args.repeat}")
    start = time.perf_counter()
    from edge_tts.voice import Voice

    voice = Voice.load(args.voice, threads=args.threads, engine=args.engine)
    load_s = time.perf_counter() - start
    text = _text(args.threads) if args.text is None else args.text
    runs = [_speak(voice, text, args.speaker, seed) for seed in range(args.repeat + 1)][1:]
    figures = {"voice": voice.name, "engine": voice.engine, "threads": args.threads, "load_s": round(load_s, 3)}
    figures |= summarise(runs) | _memory_mb()
    if args.json:
        say(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            say(f"{name:24}{value}")
    return EXIT_OK


def summarise(runs: Sequence[Run]) -> dict[str, Any]:
    """Medians over the runs; stages as ratios."""
    audio_s = sum(run.audio_s for run in runs)
    decode_s = sum(run.stages_s.get("decode", 0.0) for run in runs)
    figures: dict[str, Any] = {
        "runs": len(runs),
        "sentences": runs[0].sentences,
        "audio_s": round(audio_s, 3),
        "real_time_factor": round(statistics.median(run.wall_s / run.audio_s for run in runs), 4),
        "cpu_ratio": round(statistics.median(run.cpu_s / run.audio_s for run in runs), 4),
        "first_audio_ms": round(1000 * statistics.median(run.first_audio_s for run in runs), 1),
        "tokens_per_s": round(sum(run.steps for run in runs) / decode_s, 1) if decode_s else None,
    }
    for stage in STAGES:
        figures[f"{stage}_ratio"] = round(sum(run.stages_s.get(stage, 0.0) for run in runs) / audio_s, 4)
    return figures


def _text(threads: int) -> str:
    return TEXT if threads == 1 else " ".join([TEXT] * (SENTENCES_PER_THREAD * threads))


def _speak(voice: Voice, text: str, speaker: str | None, seed: int) -> Run:
    times = StageTimes()
    start, cpu_start = time.perf_counter(), time.process_time()
    first, samples, sentences = None, 0, 0
    for chunk in voice.synthesize(text, speaker=speaker, seed=seed, times=times):
        first = time.perf_counter() - start if first is None else first
        samples, sentences = samples + len(chunk.samples), chunk.sentences
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    audio = samples / voice.sample_rate
    return Run(sentences, audio, wall, cpu, first or wall, dict(times.seconds), times.counts["decode"])


def _memory_mb() -> dict[str, float]:
    """Resident memory of this process now and at its peak, where the system tells (Linux)."""
    names = {"VmRSS": "resident_mb", "VmHWM": "resident_peak_mb"}
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {names[key]: round(int(value.split()[0]) / 1024, 1) for key, value in pairs if key in names}


command = Command("bench", "measure how fast a voice speaks on this machine", configure, run)
