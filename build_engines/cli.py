"""`edgetts-build`: the builder's door. Each command imports what it needs only when it is called."""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
from collections.abc import Sequence

__all__ = ["main"]

PROGRAM = "edgetts-build"
_COMMANDS = (
    "inspect", "import_voice", "enroll", "quantize", "certify", "dequantize", "plan", "engine", "train", "evaluate"
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `edgetts-build`; returns the exit code (0 ok, 1 failure, 2 usage or refused input, 130 interrupted)."""
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
        return int(getattr(error, "exit_code", 1))
    except OSError as error:
        named = error.filename is not None and error.strerror is not None
        complain(PROGRAM, f"{error.filename}: {error.strerror}" if named else error)
        return 1
    except subprocess.CalledProcessError as error:
        complain(PROGRAM, _failed(error))
        return 1
    except KeyboardInterrupt:
        resumes = args.command in ("train", "engine", "quantize")
        complain(PROGRAM, f"stopped; {'the same command goes on from here' if resumes else 'nothing was changed'}")
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
    for module in _COMMANDS:
        command = importlib.import_module(f"build_engines.commands.{module}").command
        added = commands.add_parser(command.name, help=command.help)
        command.configure(added)
        added.set_defaults(run=command.run, command=command.name)
    return parser


if __name__ == "__main__":
    sys.exit(main())
