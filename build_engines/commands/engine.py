"""`edgetts-build engine`: the board builds its own TensorRT engines of a quantized bundle, and certifies them."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path

from edge_tts.command import EXIT_FAILURE, EXIT_OK, Command
from edge_tts.terminal import complain, say

__all__ = ["command"]

_PROGRAM = "edgetts-build"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `engine`."""
    parser.add_argument("bundle", help="a quantized voice's name or its folder")
    parser.add_argument(
        "--workspace", type=_mebibytes, metavar="MiB",
        help="memory for a layer's scratch (default: a quarter of what is free, 64 to 2048)",
    )  # fmt: skip
    parser.add_argument("--timing-cache", type=Path, metavar="F", help="TensorRT's timings (default: in the cache)")
    parser.add_argument("--graph", action="append", default=[], metavar="NAME", help="only this graph; may be repeated")
    parser.add_argument("--force", action="store_true", help="build again what is certified already")


def run(args: argparse.Namespace) -> int:
    """Build, certify, store. Raises EdgeTTSError, KeyboardInterrupt; engines that were certified before stay."""
    from build_engines.bundles.places import folder_of, voice_of
    from build_engines.tensorrt.board import load_tensorrt
    from build_engines.tensorrt.build import Job, build_engines, pick_graphs
    from edge_tts.bundle import open_bundle
    from edge_tts.engines.store import cache_folder
    from edge_tts.engines.tensorrt.cache import EngineCache
    from edge_tts.engines.tensorrt.device import open_device

    bundle = open_bundle(folder_of(args.bundle))
    graphs = pick_graphs(bundle, args.graph)
    cache = EngineCache(cache_folder(os.environ, Path.home()))
    job = Job(bundle, graphs, cache, args.workspace, args.timing_cache, args.force)
    outcome = build_engines(job, load_tensorrt(), open_device, say, lambda line: complain(_PROGRAM, line))
    if not outcome.lacking:
        voice = shlex.quote(voice_of(bundle.path))
        say(f"hear it, TensorRT speaks from now on: edgetts say 'Hello.' --voice {voice}")
    elif args.graph and all(result.certified for result in outcome.built):
        say(f"TensorRT speaks when these have engines too: {', '.join(outcome.lacking)}")
    return EXIT_OK if all(result.certified for result in outcome.built) else EXIT_FAILURE


def _mebibytes(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 1 << 20:
        raise argparse.ArgumentTypeError(f"must lie in 1..{1 << 20} MiB, not {value}")
    return value


command = Command("engine", "build this board's TensorRT engines of a quantized bundle", configure, run)
