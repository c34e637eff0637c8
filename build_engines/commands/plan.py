"""`edgetts-build plan`: what a bundle needs on a Jetson, before there is one."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from build_engines.commands.needs import needs_extra
from edge_tts.command import EXIT_OK, Command
from edge_tts.terminal import say

__all__ = ["command"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `plan`."""
    parser.add_argument("bundle", help="a voice's name or a bundle's folder")
    parser.add_argument("--board", default="all", help="e.g. orin-nano-8, agx-orin-64, or all (default: all)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of the sentence (default %(default)s)")
    parser.add_argument("--context", type=int, help="rows of the KV cache at a step (default: mid-sentence)")
    parser.add_argument(
        "--precision",
        choices=("stored", "float16", "int8"),
        default="stored",
        help="as the graphs are, or as if they were float16 or INT8 (default: stored)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw it as well")


def run(args: argparse.Namespace) -> int:
    """Count, predict, print. Raises EdgeTTSError."""
    from build_engines.bundles.places import folder_of
    from build_engines.plan.boards import boards_named
    from edge_tts.bundle import open_bundle

    boards = boards_named(args.board)
    needs_extra("build", ("onnx", "matplotlib") if args.plot else ("onnx",))
    from build_engines.plan.planner import make_plan
    from build_engines.plan.precision import Precision
    from build_engines.plan.render import facts, render

    bundle = open_bundle(folder_of(args.bundle))
    plan = make_plan(bundle, boards, args.seconds, args.context, Precision(args.precision))
    if args.plot:
        from build_engines.plan.picture import draw

        draw(plan, args.plot)
    say(json.dumps(facts(plan), indent=1) if args.json else render(plan).rstrip("\n"))
    return EXIT_OK


command = Command("plan", "predict what a bundle needs on a Jetson: time, memory, and what limits it", configure, run)
