"""Where bundles live: a voice's name or path → the bundle's folder.

Names are looked up in the voices that came with the package, then in the folders of $EDGETTS_VOICES (separated like
$PATH), then in ~/.local/share/edgetts/voices. What holds a path separator or begins with a dot is a path.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from edge_tts.errors import VoiceNotFoundError

__all__ = ["home_folder", "installed", "locate", "search_path"]


def home_folder() -> Path:
    """The user's home; for a user without one a path below which nothing is and nothing can be made."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull)


def search_path(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """The folders that hold voices, the first one wins."""
    own = [Path(folder) for folder in environment.get("EDGETTS_VOICES", "").split(os.pathsep) if folder]
    return (Path(__file__).resolve().parent.parent / "voices", *own, home / ".local" / "share" / "edgetts" / "voices")


def locate(voice: str | os.PathLike[str], folders: Sequence[Path]) -> Path:
    """The folder of a voice. Raises VoiceNotFoundError, naming what there is."""
    text = os.fspath(voice)
    if "\0" in text:
        raise VoiceNotFoundError("a voice's name can't hold a NUL character")
    is_path = not isinstance(voice, str) or "/" in text or os.sep in text or text.startswith(".")
    if is_path:
        path = Path(text).expanduser()
        if not os.path.isdir(path):  # noqa: PTH112 - pathlib's raises on a name that is too long
            raise VoiceNotFoundError(f"no voice at {path}: there is no such folder")
        return path
    found = installed(folders)
    if text not in found:
        known = ", ".join(sorted(found)) or "none"
        raise VoiceNotFoundError(f"no voice is called {text[:60]!r} (installed: {known}); give its name or its path")
    return found[text]


def installed(folders: Sequence[Path]) -> dict[str, Path]:
    """Every folder with a manifest, by name. What can't be listed is passed over."""
    found: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
            continue
        for path in sorted(folder.iterdir()):
            if (path / "manifest.json").is_file():
                found.setdefault(path.name, path)
    return found
