"""`edgetts-build dequantize`: the float bundle behind an INT8 one whose original is gone."""

from __future__ import annotations

import argparse
from pathlib import Path

from build_engines.commands.needs import needs_extra
from edge_tts.command import EXIT_OK, Command
from edge_tts.terminal import say

__all__ = ["command"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `dequantize`."""
    parser.description = (
        "Write the float bundle whose weights are an INT8 bundle's. What rounding took from the weights does not come "
        "back; activations are float again. For quantizing anew where the float original is gone."
    )
    parser.add_argument("bundle", help="an INT8 voice's name or its bundle's folder")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="BUNDLE", help="the new bundle's folder")
    parser.add_argument("--force", action="store_true", help="replace a bundle that is there already")


def run(args: argparse.Namespace) -> int:
    """Write it. Raises EdgeTTSError; then nothing has been written."""
    needs_extra("build", ("torch", "onnx"))
    from build_engines.bundles.places import folder_of
    from build_engines.quantize.quantize import dequantize
    from edge_tts.bundle import open_bundle

    source = open_bundle(folder_of(args.bundle))
    dequantize(source, args.output, args.force)
    say(f"{args.output} is ready: float32, with the weights of {source.path}")
    return EXIT_OK


command = Command("dequantize", "write the float bundle behind an INT8 one", configure, run)
