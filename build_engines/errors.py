"""What can go wrong while a voice is built; under the runtime's tree, so that a command shows it as one line.

    EdgeTTSError
    └── BuildError     an extra, a program, data or an earlier stage is missing, or a stage failed
"""

from __future__ import annotations

from edge_tts.errors import EdgeTTSError

__all__ = ["BuildError"]


class BuildError(EdgeTTSError):
    """Building can't go on; the message says what is missing and what to do."""
