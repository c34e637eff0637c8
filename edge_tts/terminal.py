"""What a console command says to people: one line to stderr, and only where it helps."""

from __future__ import annotations

import sys

__all__ = ["complain", "one_line", "say"]


def complain(program: str, message: object) -> None:
    """Writes one line to stderr, whatever the message holds."""
    sys.stderr.write(f"{program}: {one_line(message)}\n")


def say(line: str) -> None:
    """Writes one line to stdout. Raises BrokenPipeError: nobody reads it any more."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(line.encode(encoding, "replace").decode(encoding) + "\n")
    sys.stdout.flush()


def one_line(message: object) -> str:
    """The message without line breaks and without characters that a terminal would obey or could not show."""
    text = " ".join(str(message).split())
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
