"""A sub-command of `edgetts`: what a room offers to the command line.

A room registers one object per sub-command in the entry-point group `edgetts.commands`:

    [project.entry-points."edgetts.commands"]
    send = "device.send:command"

The object is a `Command`. It is imported only when the user asks for that sub-command (or for the help page), so
the module that holds it may import what it likes, but should keep heavy imports inside `run`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["ENTRY_POINT_GROUP", "EXIT_FAILURE", "EXIT_INTERRUPTED", "EXIT_OK", "EXIT_USAGE", "Command"]

ENTRY_POINT_GROUP = "edgetts.commands"

EXIT_OK = 0
EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


@dataclass(frozen=True)
class Command:
    """One sub-command.

    `name` is what the user types, `help` one line for the help page. `configure` adds the arguments to the parser that
    the command line made for this sub-command. `run` does the work and returns the exit code (0 ok, 1 failure,
    2 usage); an `EdgeTTSError` that it raises is shown as one line and becomes exit code 1 (`ParameterError`: 2),
    `KeyboardInterrupt` becomes 130.
    """

    name: str
    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
