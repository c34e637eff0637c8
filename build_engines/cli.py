"""`edgetts-build`: the builder's door. Each command imports what it needs only when it is called."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from build_engines.errors import BuildError

__all__ = ["main"]

PROGRAM = "edgetts-build"
_SENTENCES = "texts_en/sentences.csv"
_RECORDINGS = (
    "ljspeech_en_female/metadata.csv",
    "librispeech_251speakers/metadata.csv",
    "librispeech_7speakers/metadata.csv",
)
_TRAINING_STAGES = ("all", "speak", "pack", "tokenizer", "tokens", "learn", "gpt", "decoder", "bundle")
_TRAINING_TIMES = {"tokenizer": 14.0, "gpt": 86.0, "decoder": 44.0, "adversarial": 45.0}
_TRAIN = """\
Train the default voice from scratch. Interrupted, the same command goes on where it stopped.

stages:
  speak      the teachers (Flite, Festival) read every sentence
  pack       align, resample, find the pitch
  tokenizer  learn the semantic tokens
  tokens     write the tokens of all recordings
  learn      learn the GPT and the decoder, side by side (alone: gpt, decoder)
  bundle     export, quantize, write the voice
"""


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
    from edge_tts.terminal import complain

    args = _parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except BrokenPipeError:
        # The reader has gone. Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except EdgeTTSError as error:
        complain(PROGRAM, error)
        return 1
    except OSError as error:
        named = error.filename is not None and error.strerror is not None
        complain(PROGRAM, f"{error.filename}: {error.strerror}" if named else error)
        return 1
    except subprocess.CalledProcessError as error:
        complain(PROGRAM, _failed(error))
        return 1
    except KeyboardInterrupt:
        complain(PROGRAM, "stopped; the same command goes on from here")
        return 130


def _failed(error: subprocess.CalledProcessError) -> str:
    """One line about a program that failed: its name, how it ended, and the last thing that it said."""
    command = error.cmd if isinstance(error.cmd, str) else str(error.cmd[0])
    said = error.stderr or error.stdout or ""
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    last = text.strip().splitlines()[-1:]
    return ": ".join([f"{command} failed with exit code {error.returncode}", *last])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Build and judge the bundles that edgetts speaks from.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    inspect = commands.add_parser("inspect", help="check a bundle and say what is in it")
    inspect.add_argument("bundle", help="a voice's name or a bundle's folder")
    inspect.add_argument("--json", action="store_true", help="print JSON")
    inspect.set_defaults(run=_inspect)

    train = commands.add_parser(
        "train", help="train the default voice from scratch", description=_TRAIN,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    train.add_argument(
        "stage", nargs="?", default="all", choices=_TRAINING_STAGES, metavar="STAGE", help="one stage (default: all)"
    )
    _folders(train)
    for name, minutes in _TRAINING_TIMES.items():
        train.add_argument(f"--{name}-minutes", type=float, metavar="N", default=minutes, help="default %(default)g")
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="judge a voice on sentences that it was not trained on")
    evaluate.add_argument("--voice", default="default", help="a voice's name or a bundle's folder (default: default)")
    _folders(evaluate)
    evaluate.add_argument("--output", type=Path, help="where sounds, figures and pictures go (default: WORK/report)")
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
    """Raise BuildError with the one command that helps when an extra isn't installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise BuildError(f"{', '.join(missing)} not installed: run pip install 'edge-tts-jetson[{extra}]'")


def _check_data(data: Path, files: Sequence[str]) -> None:
    """Raise BuildError when one of the data folders isn't there, before hours have gone into the others."""
    for name in files:
        if not (data / name).exists():
            raise BuildError(f"{data / name} is missing: give --data the folder that holds {name.split('/')[0]}")


def _check_training(work: Path) -> None:
    """Raise BuildError when the stages that an evaluation builds on haven't been run."""
    for path, stage in ((work / "evaluation", "speak"), (work / "model" / "tokenizer.pt", "tokenizer")):
        if not path.exists():
            raise BuildError(f"{path} is missing: run {PROGRAM} train {stage} first, or give --work its folder")


def _inspect(args: argparse.Namespace) -> int:
    from build_engines.inspect import describe, render

    facts = describe(args.bundle)
    sys.stdout.write(json.dumps(facts, indent=1) + "\n" if args.json else render(facts))
    return 0


def _train(args: argparse.Namespace) -> int:
    _needs("build", ("torch", "onnx", "soundfile", "soxr", "pyworld", "pkg_resources"))
    _check_data(args.data, (_SENTENCES, *_RECORDINGS))
    from build_engines.training.pipeline import Settings, run, run_stage

    minutes = {f"{name}_minutes": getattr(args, f"{name}_minutes") for name in _TRAINING_TIMES}
    settings = Settings(args.work, args.data, **minutes)
    if args.stage == "all":
        run(settings)
    else:
        run_stage(args.stage, settings)
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    _needs("evaluate,build", ("torch", "soundfile", "soxr", "matplotlib", "pocketsphinx", "resemblyzer"))
    _check_data(args.data, (_SENTENCES, _RECORDINGS[0]))
    _check_training(args.work)
    from build_engines.evaluate.coverage import coverage
    from build_engines.evaluate.pictures import draw_curves, draw_spectrograms
    from build_engines.evaluate.voice import SEEDS, Plan, acoustics, evaluate, speaker_similarity, summarize
    from build_engines.training.texts import evaluation_texts

    output = args.output or args.work / "report"
    plan = Plan(args.voice, args.work, args.data / _SENTENCES, output)
    evaluate(plan, args.speakers, args.workers, args.sentences)
    texts = evaluation_texts(plan.sentences, args.sentences)
    summary = {
        "speakers": summarize(output),
        "resemblyzer": speaker_similarity(plan, args.data / "ljspeech_en_female", args.speakers),
        "pointer": {name: coverage(args.voice, name, texts, SEEDS) for name in args.speakers},
        "acoustics": acoustics(plan, args.data / "ljspeech_en_female", args.speakers),
    }
    text = json.dumps(summary, indent=1) + "\n"
    (output / "summary.json").write_text(text, encoding="utf-8")
    draw_spectrograms(args.work / "evaluation", output / "wav", args.speakers, output / "spectrograms.png")
    draw_curves(args.work / "model", output / "curves.png")
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
