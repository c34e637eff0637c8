"""What can go wrong while a speaker is enrolled.

    BuildError
    └── RefusedError    a recording, its text or a name that can't be taken; the command ends with exit code 2
"""

from __future__ import annotations

from build_engines.errors import BuildError

__all__ = ["RefusedError"]


class RefusedError(BuildError):
    """The input can't be used; the message says why, with the value, and what to do."""

    exit_code = 2
