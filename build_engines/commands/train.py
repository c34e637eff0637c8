"""`edgetts-build train`: the default voice from scratch."""

from __future__ import annotations

import argparse
from pathlib import Path

from build_engines.commands.needs import needs_data, needs_extra
from edge_tts.command import EXIT_OK, Command

__all__ = ["RECORDINGS", "SENTENCES", "add_folders", "command"]

SENTENCES = "texts_en/sentences.csv"
RECORDINGS = (
    "ljspeech_en_female/metadata.csv",
    "librispeech_251speakers/metadata.csv",
    "librispeech_7speakers/metadata.csv",
)
_STAGES = ("all", "speak", "pack", "tokenizer", "tokens", "learn", "gpt", "decoder", "bundle", "encoder")
_CERTIFIED = ("all", "encoder")  # stages that end with a certified voice
_MINUTES = {"tokenizer": 14.0, "gpt": 86.0, "decoder": 44.0, "adversarial": 45.0, "encoder": 34.0}
_DESCRIPTION = """\
Train the default voice from scratch. Interrupted, the same command goes on where it stopped.

stages:
  speak      the teachers (Flite, Festival) read every sentence
  pack       align, resample, find the pitch
  tokenizer  learn the semantic tokens
  tokens     write the tokens of all recordings
  learn      learn the GPT and the decoder, side by side (alone: gpt, decoder)
  bundle     export, write the float voice into the training's folder
  encoder    learn to enroll speakers; quantize, certify, write the voice
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `train`."""
    parser.description, parser.formatter_class = _DESCRIPTION, argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "stage", nargs="?", default="all", choices=_STAGES, metavar="STAGE", help="one stage (default: all)"
    )
    add_folders(parser)
    for name, minutes in _MINUTES.items():
        parser.add_argument(f"--{name}-minutes", type=float, metavar="N", default=minutes, help="default %(default)g")


def add_folders(parser: argparse.ArgumentParser) -> None:
    """Add --work and --data."""
    parser.add_argument("--work", type=Path, default=Path("training"), help="the training's folder (default: training)")
    parser.add_argument(
        "--data", type=Path, default=Path("../shared/data"),
        help="texts_en, ljspeech_en_female, librispeech_* (default: ../shared/data)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Train. Raises EdgeTTSError."""
    needs_extra("build", ("torch", "onnx", "soundfile", "soxr", "pyworld", "pkg_resources"))
    if args.stage in _CERTIFIED:
        needs_extra("certify", ("pesq", "pystoi", "pyloudnorm"))
    needs_data(args.data, (SENTENCES, *RECORDINGS))
    from build_engines.training.pipeline import Settings, run, run_stage

    minutes = {f"{name}_minutes": getattr(args, f"{name}_minutes") for name in _MINUTES}
    settings = Settings(args.work, args.data, **minutes)
    if args.stage == "all":
        run(settings)
    else:
        run_stage(args.stage, settings)
    return EXIT_OK


command = Command("train", "train the default voice from scratch", configure, run)
