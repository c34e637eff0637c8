"""Names that people type and names that peers send: the nearest known one, and what is fit for a file or a topic."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = ["clip", "safe_name", "unknown_name"]

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
_CLIP_CHARACTERS = 60


def clip(value: object) -> str:
    """`value` as Python would write it, cut to a length that fits in one line of an event or a log."""
    text = ascii(value)
    return text if len(text) <= _CLIP_CHARACTERS else text[: _CLIP_CHARACTERS - 3] + "..."


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """One line that says that `name` is unknown, and which known name is nearest to it or which ones there are."""
    candidates = sorted(known)
    near = difflib.get_close_matches(name, candidates, n=1, cutoff=0.6)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(candidates)}"
    return f"unknown {kind} {clip(name)}: {hint}"


def safe_name(name: str, fallback: str, limit: int = 64) -> str:
    """`name` with all but ASCII letters, digits, `_` and `-` replaced: never a path or a wildcard."""
    return _UNSAFE.sub("-", name).strip("-")[:limit] or fallback
