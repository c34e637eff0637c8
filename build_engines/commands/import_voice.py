"""`edgetts-build import`: a genuine GPT-SoVITS voice becomes a bundle."""

from __future__ import annotations

import argparse
from pathlib import Path

from build_engines.commands.needs import needs_extra
from edge_tts.command import EXIT_OK, Command
from edge_tts.terminal import say

__all__ = ["command"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `import`."""
    parser.add_argument("--gpt", type=Path, required=True, metavar="X.ckpt", help="the text-to-semantic model")
    parser.add_argument("--sovits", type=Path, required=True, metavar="Y.pth", help="the acoustic model")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="BUNDLE", help="the bundle's new folder")
    parser.add_argument("--name", help="the voice's name (default: the folder's)")
    parser.add_argument(
        "--bert", type=Path, metavar="FOLDER",
        help="chinese-roberta-wwm-ext-large in Hugging Face's layout: better Chinese prosody (325 MB more)",
    )  # fmt: skip
    parser.add_argument("--licence", default="unknown", help="the voice's licence, for the card (default: unknown)")
    parser.add_argument("--force", action="store_true", help="replace a bundle that is there already")


def run(args: argparse.Namespace) -> int:
    """Import. Raises EdgeTTSError; then nothing has been written."""
    needs_extra("build", ("torch", "onnx"))
    from build_engines.importing.voice import ImportPlan, import_voice

    name = args.output.resolve().name if args.name is None else args.name
    import_voice(ImportPlan(args.gpt, args.sovits, args.output, name, args.bert, args.licence, args.force))
    say(f"{args.output} is ready; give it a voice: edgetts-build enroll {args.output} --audio ref.wav --text '...'")
    return EXIT_OK


command = Command("import", "turn a GPT-SoVITS voice (.ckpt and .pth) into a bundle", configure, run)
