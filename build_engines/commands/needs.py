"""What a command needs before it starts: extras and data, each missing one named with the remedy."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from build_engines.errors import BuildError

__all__ = ["needs_data", "needs_extra"]


def needs_extra(extra: str, modules: Sequence[str]) -> None:
    """Raise BuildError with the one command that helps when an extra isn't installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise BuildError(f"{', '.join(missing)} not installed: run pip install 'edge-tts-jetson[{extra}]'")


def needs_data(data: Path, files: Sequence[str]) -> None:
    """Raise BuildError when one of the data folders isn't there, before hours have gone into the others."""
    for name in files:
        if not (data / name).exists():
            raise BuildError(f"{data / name} is missing: give --data the folder that holds {name.split('/')[0]}")
