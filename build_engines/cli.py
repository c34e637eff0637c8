"""`edgetts-build`: the builder's door. Each command imports what it needs only when it is called."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]

PROGRAM = "edgetts-build"
_TRAINING_STAGES = ("all", "speak", "pack", "tokenizer", "tokens", "learn", "gpt", "decoder", "bundle")
_TRAINING_TIMES = {"tokenizer": 14.0, "gpt": 74.0, "decoder": 44.0, "adversarial": 33.0}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `edgetts-build`; returns the exit code (0 ok, 1 failure, 2 usage, 130 interrupted)."""
    try:
        from edge_tts.identity import problem
    except ImportError as error:
        sys.stderr.write(f"{PROGRAM}: the package edge_tts is not edge-tts-jetson's, or is broken: {error}\n")
        return 1
    if (trouble := problem()) is not None:
        sys.stderr.write(f"{PROGRAM}: {trouble}\n")
        return 1
    from edge_tts.errors import EdgeTTSError

    try:
        args = _parser().parse_args(arguments)
        return int(args.run(args))
    except EdgeTTSError as error:
        sys.stderr.write(f"{PROGRAM}: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Builds and judges the bundles that edgetts speaks from.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    inspect = commands.add_parser("inspect", help="check a bundle and say what is in it")
    inspect.add_argument("bundle", help="a voice's name or a bundle's folder")
    inspect.add_argument("--json", action="store_true", help="print JSON")
    inspect.set_defaults(run=_inspect)

    train = commands.add_parser("train", help="train the default voice from scratch; interrupted, it resumes")
    train.add_argument("stage", nargs="?", default="all", choices=_TRAINING_STAGES, help="default: all of them in order")
    _folders(train)
    for name, minutes in _TRAINING_TIMES.items():
        train.add_argument(f"--{name}-minutes", type=float, default=minutes, help="default %(default)s")
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="judge a voice on sentences that it was not trained on")
    evaluate.add_argument("--voice", default="default", help="a voice's name or a bundle's folder (default: default)")
    _folders(evaluate)
    evaluate.add_argument("--output", type=Path, help="where sounds and figures go (default: WORK/report)")
    evaluate.add_argument("--speakers", nargs="+", default=["clara", "miles", "linda"])
    evaluate.add_argument("--sentences", type=int, default=48, help="default %(default)s")
    evaluate.add_argument("--workers", type=int, default=2, help="processes (default %(default)s)")
    evaluate.set_defaults(run=_evaluate)
    return parser


def _folders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", type=Path, default=Path("training"), help="the training's folder (default: training)")
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"),
        help="texts_en, ljspeech_en_female, librispeech_* (default: ../shared/data)",
    )  # fmt: skip


def _needs(extra: str, modules: Sequence[str]) -> None:
    """Raise EdgeTTSError with the one command that helps when an extra isn't installed."""
    from edge_tts.errors import EdgeTTSError

    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise EdgeTTSError(f"{', '.join(missing)} not installed: run pip install 'edge-tts-jetson[{extra}]'")


def _check_data(data: Path) -> None:
    from edge_tts.errors import EdgeTTSError

    if not (data / "texts_en" / "sentences.csv").exists():
        raise EdgeTTSError(f"{data / 'texts_en' / 'sentences.csv'} is missing: give --data the folder that holds it")


def _inspect(args: argparse.Namespace) -> int:
    from build_engines.inspect import describe, render

    facts = describe(args.bundle)
    sys.stdout.write(json.dumps(facts, indent=1) + "\n" if args.json else render(facts))
    return 0


def _train(args: argparse.Namespace) -> int:
    _needs("build", ("torch", "onnx", "soundfile", "soxr", "pyworld"))
    _check_data(args.data)
    from build_engines.training.pipeline import Settings, run, run_stage

    minutes = {f"{name}_minutes": getattr(args, f"{name}_minutes") for name in _TRAINING_TIMES}
    settings = Settings(args.work, args.data, **minutes)
    if args.stage == "all":
        run(settings)
    else:
        run_stage(args.stage, settings)
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    _needs("evaluate,build", ("torch", "soundfile", "soxr", "pocketsphinx", "resemblyzer"))
    _check_data(args.data)
    from build_engines.evaluate.voice import Plan, evaluate, speaker_similarity, summarize

    output = args.output or args.work / "report"
    plan = Plan(args.voice, args.work, args.data / "texts_en" / "sentences.csv", output)
    evaluate(plan, args.speakers, args.workers, args.sentences)
    summary = {
        "speakers": summarize(output),
        "resemblyzer": speaker_similarity(plan, args.data / "ljspeech_en_female", args.speakers),
    }
    text = json.dumps(summary, indent=1) + "\n"
    (output / "summary.json").write_text(text, encoding="utf-8")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
