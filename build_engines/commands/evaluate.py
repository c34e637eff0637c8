"""`edgetts-build evaluate`: judge a voice on sentences that it was not trained on."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from build_engines.commands.needs import needs_data, needs_extra
from build_engines.commands.train import RECORDINGS, SENTENCES, add_folders
from build_engines.errors import BuildError
from edge_tts.command import EXIT_OK, Command
from edge_tts.terminal import say

__all__ = ["command"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `evaluate`."""
    parser.add_argument("--voice", default="default", help="a voice's name or a bundle's folder (default: default)")
    add_folders(parser)
    parser.add_argument("--output", type=Path, help="where sounds, figures and pictures go (default: WORK/report)")
    parser.add_argument("--speakers", nargs="+", default=["clara", "miles", "linda"])
    parser.add_argument("--sentences", type=int, default=48, help="default %(default)s")
    parser.add_argument("--workers", type=int, default=2, help="processes (default %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Judge, draw, and print the figures. Raises EdgeTTSError."""
    needs_extra("evaluate,build", ("torch", "soundfile", "soxr", "matplotlib", "pocketsphinx", "resemblyzer"))
    needs_data(args.data, (SENTENCES, RECORDINGS[0]))
    _check_training(args.work)
    from build_engines.evaluate.coverage import coverage
    from build_engines.evaluate.pictures import draw_curves, draw_spectrograms
    from build_engines.evaluate.voice import SEEDS, Plan, acoustics, evaluate, speaker_similarity, summarize
    from build_engines.training.texts import evaluation_texts

    output = args.output or args.work / "report"
    plan = Plan(args.voice, args.work, args.data / SENTENCES, output)
    evaluate(plan, args.speakers, args.workers, args.sentences)
    texts = evaluation_texts(plan.sentences, args.sentences)
    summary = {
        "speakers": summarize(output),
        "resemblyzer": speaker_similarity(plan, args.data / "ljspeech_en_female", args.speakers),
        "pointer": {name: coverage(args.voice, name, texts, SEEDS) for name in args.speakers},
        "acoustics": acoustics(plan, args.data / "ljspeech_en_female", args.speakers),
    }
    text = json.dumps(summary, indent=1)
    (output / "summary.json").write_text(text + "\n", encoding="utf-8")
    draw_spectrograms(args.work / "evaluation", output / "wav", args.speakers, output / "spectrograms.png")
    draw_curves(args.work / "model", output / "curves.png")
    say(text)
    return EXIT_OK


def _check_training(work: Path) -> None:
    """Raise BuildError when the stages that an evaluation builds on haven't been run."""
    for path, stage in ((work / "evaluation", "speak"), (work / "model" / "tokenizer.pt", "tokenizer")):
        if not path.exists():
            raise BuildError(f"{path} is missing: run edgetts-build train {stage} first, or give --work its folder")


command = Command("evaluate", "judge a voice on sentences that it was not trained on", configure, run)
