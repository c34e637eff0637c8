"""Which bundle a command's argument means, and how a bundle is called on the next command line."""

from __future__ import annotations

import os
from pathlib import Path

from edge_tts.bundle import installed, locate, search_path

__all__ = ["folder_of", "voice_of"]


def folder_of(bundle: str) -> Path:
    """A bundle's folder: a voice that is installed under that name, or a path, even without a slash in it.

    Raises VoiceNotFoundError.
    """
    folders, path = search_path(os.environ, Path.home()), Path(bundle)
    if "\0" not in bundle and bundle not in installed(folders) and (path / "manifest.json").is_file():
        return path
    return locate(bundle, folders)


def voice_of(folder: Path) -> str:
    """How `edgetts say --voice` finds a bundle: by its name where that leads there, else by its path."""
    found = installed(search_path(os.environ, Path.home())).get(folder.name)
    if found is not None and found.resolve() == folder.resolve():
        return folder.name
    text = os.fspath(folder)
    return text if os.sep in text else os.path.join(os.curdir, text)  # noqa: PTH118 - pathlib drops the dot
