"""Puts a finished folder in the place of an older one, so that at every moment one of the two is there, whole."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
from pathlib import Path

from build_engines.errors import BuildError
from edge_tts.bundle.manifest import FORMAT, MAX_MANIFEST_BYTES

__all__ = ["check_replaceable", "exchange", "synchronise"]

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_UNSUPPORTED = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)


def check_replaceable(target: Path) -> None:
    """Raises BuildError: what lies there is neither a bundle, which can be made again, nor an empty folder."""
    if not target.exists():
        return
    manifest = target / "manifest.json"
    if target.is_dir() and not any(target.iterdir()):
        return
    small = manifest.is_file() and manifest.stat().st_size <= MAX_MANIFEST_BYTES
    if small and FORMAT.encode() in manifest.read_bytes():
        return
    raise BuildError(f"{target} is not a bundle, so it is not replaced: choose another folder")


def exchange(made: Path, target: Path) -> None:
    """Moves the folder `made` to `target`, on the same file system; what was there is removed. Raises OSError.

    Linux swaps two names in one step (renameat2). Elsewhere, and on file systems that can't, the older folder is moved
    aside first and moved back when the second step fails.
    """
    if not target.exists():
        made.rename(target)
    elif _swap(made, target):
        shutil.rmtree(made, ignore_errors=True)
    else:
        aside = target.with_name(f".{target.name}.old")
        shutil.rmtree(aside, ignore_errors=True)
        target.rename(aside)
        try:
            made.rename(target)
        except OSError:
            aside.rename(target)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    synchronise(target.parent)


def synchronise(path: Path) -> None:
    """Waits until a file or a folder's list of names is on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _swap(one: Path, other: Path) -> bool:
    """Whether the system could swap the two names. Raises OSError where it tried and failed."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(other))
