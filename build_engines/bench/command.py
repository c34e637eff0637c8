"""The command line of `scripts/bench`."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from build_engines.commands.needs import needs_extra
from edge_tts.command import EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE
from edge_tts.errors import EdgeTTSError, ParameterError
from edge_tts.terminal import complain, one_line, say

if TYPE_CHECKING:
    from build_engines.bench.run import Plan
    from build_engines.bench.setup import Voices

__all__ = ["main"]

_PROGRAM = "bench"
_DESCRIPTION = """\
Measure how fast a voice speaks on one core of this machine, beside the machine's floors, the float voice and plain
PyTorch; print Markdown tables. Without --voice a full-size GPT-SoVITS v2 voice of random weights is made first (some
minutes, 1.5 GB, kept in --work): its sound is noise, its cost is a real one's.
"""

Writer = Callable[[Path], object]


def main(write_gpt: Writer, write_sovits: Writer, arguments: Sequence[str] | None = None) -> int:
    """Measures and reports; the two write random checkpoints. Returns the exit code (0 ok, whatever the verdicts; 1
    failure, 2 usage, 130 interrupted)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    args = _parser().parse_args(given)
    try:
        return _run(args, given, write_gpt, write_sovits)
    except BrokenPipeError:
        # The reader has gone. Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except EdgeTTSError as error:
        complain(_PROGRAM, error)
        return EXIT_USAGE if isinstance(error, ParameterError) else EXIT_FAILURE
    except OSError as error:
        complain(_PROGRAM, f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error)
        return EXIT_FAILURE
    except KeyboardInterrupt:
        complain(_PROGRAM, "stopped; no report was written, and a voice that is complete is used the next time")
        return EXIT_INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM, description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work", type=Path, default=Path.home() / ".cache" / "edgetts" / "bench", metavar="FOLDER",
        help="where the random voice and copies are kept (default: ~/.cache/edgetts/bench)",
    )  # fmt: skip
    parser.add_argument("--voice", type=Path, metavar="BUNDLE", help="an INT8 bundle of your own, with --float")
    parser.add_argument("--float", type=Path, metavar="BUNDLE", help="the float bundle that it was made of")
    parser.add_argument(
        "--checkpoints", type=Path, nargs=2, metavar=("X.ckpt", "Y.pth"), help="theirs, for the comparison with PyTorch"
    )
    parser.add_argument("--small", default="default", metavar="VOICE", help="the small voice (default: default)")
    parser.add_argument("--core", type=int, metavar="N", help="the core to use (default: the first that is allowed)")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions and lengths: about two minutes")
    parser.add_argument(
        "--json", nargs="?", const="-", metavar="FILE", help="all figures as JSON, instead of tables or into a file"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw where the time goes")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.md", help="write the tables into a file as well")
    return parser


def _run(args: argparse.Namespace, given: list[str], write_gpt: Writer, write_sovits: Writer) -> int:
    needs_extra("build", ("torch", "onnx", "soundfile", "soxr", "transformers", "matplotlib"))
    _check(args)
    from build_engines.bench import machine
    from build_engines.bench.run import measure

    os.environ["EDGETTS_CACHE"] = str(args.work.absolute() / "cache")  # the user's own stays as it is
    allowed = machine.allowed_cores()
    core, second = _cores(args.core, allowed)
    voices = _voices(args, write_gpt, write_sovits)
    if core is not None:
        machine.pin([core])
    start = time.monotonic()
    tree = measure(_plan(args, voices, core, second), lambda step: _tell(f"{time.monotonic() - start:4.0f} s  {step}"))
    _tell("")
    _report(args, tree, shlex.join(["scripts/bench", *given]))
    return EXIT_OK


def _check(args: argparse.Namespace) -> None:
    """Raises ParameterError, before minutes have gone into measuring."""
    if (args.voice is None) != (args.float is None):
        raise ParameterError("--voice and --float go together: an INT8 bundle and the float one that it was made of")
    if args.checkpoints is not None and args.voice is None:
        raise ParameterError("--checkpoints are those of --voice: give that too")
    for path in (args.plot, args.output, None if args.json in (None, "-") else Path(args.json)):
        if path is not None and (path.is_dir() or not path.absolute().parent.is_dir()):
            raise ParameterError(f"{path} can't be written: name a file in a folder that is there")


def _cores(wanted: int | None, allowed: Sequence[int]) -> tuple[int | None, int | None]:
    """The core to use and another one for two threads. Raises ParameterError: it isn't allowed."""
    if wanted is not None and wanted not in allowed:
        shown = ", ".join(map(str, allowed)) or "none can be chosen on this system"
        raise ParameterError(f"--core {wanted}: this process may use {shown}")
    core = wanted if wanted is not None else next(iter(allowed), None)
    return core, next((other for other in allowed if other != core), None)


def _voices(args: argparse.Namespace, write_gpt: Writer, write_sovits: Writer) -> Voices:
    from build_engines.bench.setup import Checkpoints, Voices, make_voices

    args.work.mkdir(parents=True, exist_ok=True)
    if args.voice is None:
        return make_voices(args.work, write_gpt, write_sovits, lambda step: complain(_PROGRAM, f"making {step}"))
    checkpoints = None if args.checkpoints is None else Checkpoints(*args.checkpoints)
    return Voices(args.voice, args.float, checkpoints)


def _plan(args: argparse.Namespace, voices: Voices, core: int | None, second: int | None) -> Plan:
    from build_engines.bench.run import FULL, QUICK, Plan

    return Plan(voices, args.small, args.work, core, second, QUICK if args.quick else FULL)


def _report(args: argparse.Namespace, tree: dict[str, Any], command: str) -> None:
    from build_engines.bench.picture import draw
    from build_engines.bench.report import render

    text, figures = render(tree, command), json.dumps(tree, indent=1, ensure_ascii=False)
    if args.output is not None:
        _write(args.output, text)
    if args.json not in (None, "-"):
        _write(Path(args.json), figures + "\n")
    if args.plot is not None:
        draw(tree, args.plot)
    say(figures if args.json == "-" else text)


def _write(path: Path, text: str) -> None:
    """The file is complete or as it was."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _tell(step: str) -> None:
    """What is measured now, on one line of a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{one_line(step)}")
        sys.stderr.flush()
