"""The console command `edgetts`.

Only the standard library is imported before the installation has been checked, so that the check runs even where the
unrelated package `edge-tts` has replaced some of our files.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.metadata
import itertools
import os
import sys
from collections.abc import Sequence

from edge_tts import identity
from edge_tts.command import ENTRY_POINT_GROUP, EXIT_FAILURE, EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, Command

__all__ = ["main"]

PROGRAM = "edgetts"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs `edgetts`; returns the exit code (0 ok, 1 failure, 2 usage, 130 interrupted)."""
    if (trouble := identity.problem()) is not None:
        sys.stderr.write(f"{PROGRAM}: {trouble}\n")
        return EXIT_FAILURE
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _dispatch(given)
    except BrokenPipeError:
        # The reader has gone. Python would complain once more when it flushes stdout at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _dispatch(given: list[str]) -> int:
    from edge_tts.errors import EdgeTTSError, ParameterError
    from edge_tts.memory import give_back_large_blocks
    from edge_tts.terminal import complain

    give_back_large_blocks()
    parser = _parser()
    try:
        _fill(parser, _wanted(given))
        parsed = parser.parse_args(given)
        chosen: Command = parsed.command
        return chosen.run(parsed)
    except ParameterError as error:
        complain(PROGRAM, error)
        return EXIT_USAGE
    except EdgeTTSError as error:
        complain(PROGRAM, error)
        return EXIT_FAILURE
    except SystemExit as leaving:  # argparse's way to say that it has answered
        return leaving.code if isinstance(leaving.code, int) else EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=PROGRAM, description="Speak a text with a voice that runs on this machine.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {_version()}")
    return parser


def _fill(parser: argparse.ArgumentParser, commands: list[Command]) -> None:
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands:
        subparser = subparsers.add_parser(command.name, help=command.help, description=command.help)
        command.configure(subparser)
        subparser.set_defaults(command=command)


def _wanted(given: list[str]) -> list[Command]:
    """The sub-commands that this call needs: the one that is named, or all of them for the help page.

    Raises ParameterError: there is none of that name.
    """
    from edge_tts.errors import ParameterError

    options = list(itertools.takewhile(lambda word: word.startswith("-"), given))
    if "--version" in options:
        return []
    if len(options) == len(given) or {"-h", "--help"} & set(options):
        return _all()
    name = given[len(options)]
    command = _find(name)
    if command is None:
        raise ParameterError(f"there is no command {name[:60]!r}; there are: {', '.join(_names())}")
    return [command]


def _own() -> dict[str, str]:
    """Our own sub-commands and the modules that hold them."""
    return {name: f"edge_tts.commands.{name}" for name in ("say", "voices", "bench")}


def _names() -> list[str]:
    return [*_own(), *sorted(point.name for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP))]


def _find(name: str) -> Command | None:
    """The sub-command called `name`. Raises EdgeTTSError: a contributed one can't be loaded."""
    if name in _own():
        return _load_own(name)
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP, name=name):
        return _load(point)
    return None


def _all() -> list[Command]:
    """Every sub-command for the help page; a contributed one that can't be loaded is left out there."""
    from edge_tts.errors import EdgeTTSError

    commands = [_load_own(name) for name in _own()]
    for point in sorted(importlib.metadata.entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        with contextlib.suppress(EdgeTTSError):
            commands.append(_load(point))
    return commands


def _load_own(name: str) -> Command:
    command: Command = importlib.import_module(_own()[name]).command
    return command


def _load(point: importlib.metadata.EntryPoint) -> Command:
    from edge_tts.errors import EdgeTTSError

    try:
        command = point.load()
    except (ImportError, AttributeError) as error:
        raise EdgeTTSError(f"the command {point.name!r} ({point.value}) can't be loaded: {error}") from None
    if not isinstance(command, Command):
        raise EdgeTTSError(f"the command {point.name!r} ({point.value}) is not a Command")
    return command


def _version() -> str:
    from edge_tts import DISTRIBUTION

    try:
        return importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"
