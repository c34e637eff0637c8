"""`edgetts-build inspect`: what a bundle or a checkpoint is."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from build_engines.commands.needs import needs_extra
from edge_tts.command import EXIT_OK, Command
from edge_tts.terminal import say

__all__ = ["command"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `inspect`."""
    parser.add_argument("file", help="a voice's name, a bundle's folder, or a GPT-SoVITS .ckpt or .pth")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(args: argparse.Namespace) -> int:
    """Check it and describe it. Raises EdgeTTSError."""
    if Path(args.file).is_file():
        needs_extra("build", ("torch",))
    from build_engines.bundles.inspect import describe, render

    facts = describe(args.file)
    say(json.dumps(facts, indent=1) if args.json else render(facts).rstrip("\n"))
    return EXIT_OK


command = Command("inspect", "check a bundle or a checkpoint and say what is in it", configure, run)
