"""What this machine made for itself, on disk: one folder per entry, named by the hash of everything that it depends on.

    <cache>/<kind>/<key>/record.json     the key's parts, and what the kind notes about its files
    <cache>/<kind>/<key>/...             the files

An entry is stored whole or not at all: written to a folder beside, then renamed, under a lock that keeps two writers
apart. Whoever is killed in between leaves a folder that the next writer clears away.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["RECORD", "Store", "cache_folder", "canonical", "key_of", "locked", "read_record", "write"]

RECORD = "record.json"
_MAX_RECORD_BYTES = 1 << 20
_LOCK, _UNFINISHED = ".lock", ".unfinished-"


def cache_folder(environment: Mapping[str, str], home: Path) -> Path:
    """$EDGETTS_CACHE, or ~/.cache/edgetts."""
    own = environment.get("EDGETTS_CACHE")
    return Path(own) if own else home / ".cache" / "edgetts"


def canonical(parts: Mapping[str, Any]) -> str:
    """Parts as JSON text that is the same whatever their order."""
    return json.dumps(parts, sort_keys=True, separators=(",", ":"))


def key_of(parts: Mapping[str, Any]) -> str:
    """The key of an entry: SHA-256 of its parts, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()


class Store:
    """The entries in a folder; nothing is created before one is stored."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, parts: Mapping[str, Any]) -> Path:
        """The folder that the entry with these parts has, or would have."""
        return self.folder / key_of(parts)

    def records(self) -> list[Path]:
        """The records of all entries."""
        return sorted(self.folder.glob(f"[0-9a-f]*/{RECORD}"))

    def put(self, parts: Mapping[str, Any], fill: Callable[[Path], Mapping[str, Any]]) -> Path:
        """Keeps an entry in place of one with the same key, and returns its folder.

        `fill` writes the files into the folder that it is given, and returns what the record says besides `parts`.
        Raises OSError (the disk is full, the folder can't be written) and what `fill` raises; nothing is left behind.
        """
        with self.writing():
            return self.put_locked(parts, fill)

    def put_locked(self, parts: Mapping[str, Any], fill: Callable[[Path], Mapping[str, Any]]) -> Path:
        """The same, by whoever holds the lock already (`writing`)."""
        target = self.path(parts)
        made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
        try:
            made.chmod(0o755)
            record = {"parts": dict(parts), **fill(made)}
            write(made / RECORD, json.dumps(record, indent=1, sort_keys=True).encode())
            if target.exists():
                shutil.rmtree(target)
            made.rename(target)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        _sync_folder(self.folder)
        return target

    @contextmanager
    def writing(self, wait: bool = True) -> Iterator[None]:
        """Holds the lock of all writers, and clears away what a killed one left. Raises OSError; BlockingIOError where
        somebody holds it and `wait` is false."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / _LOCK).open("ab") as file, locked(file.fileno(), wait=wait):
            for path in self.folder.glob(f"{_UNFINISHED}*"):
                shutil.rmtree(path, ignore_errors=True)
            yield


def read_record(folder: Path) -> dict[str, Any]:
    """The record of an entry. Raises OSError; ValueError: it is none."""
    with (folder / RECORD).open("rb") as file:
        raw = file.read(_MAX_RECORD_BYTES + 1)
    try:
        record = json.loads(raw) if len(raw) <= _MAX_RECORD_BYTES else None
    except RecursionError:
        record = None
    if not isinstance(record, dict):
        raise ValueError("no record")
    return record


@contextmanager
def locked(descriptor: int, *, wait: bool = True, shared: bool = False) -> Iterator[None]:
    """Holds a lock on an open file; it is given back in any case when the process dies. Raises OSError."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    fcntl.flock(descriptor, kind if wait else kind | fcntl.LOCK_NB)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def write(path: Path, data: bytes | memoryview) -> None:
    """A new file, on the disk when this returns. Raises OSError."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(path: Path) -> None:
    """Makes a rename in the folder survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
