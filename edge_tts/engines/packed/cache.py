"""The cache of packed voices: one entry per bundle, processor and version of ONNX Runtime (docs/packed.md).

    <cache>/packed/<key>/NAME.onnx     each graph as it was optimized here
    <cache>/packed/<key>/weights       all their weights, mapped by every process that speaks with them
    <cache>/packed/<key>/record.json   the key's parts; sizes and SHA-256 of the files; which files of the bundle each
                                       graph stands for, and which kernels it was given

An entry is used only if its parts are the wanted ones, nobody else could have written it, and its files are the
recorded ones to the last byte.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_tts.engines.api import Graph
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.engines.store import RECORD, Store, canonical, locked, read_record
from edge_tts.errors import EngineError

__all__ = ["MOST_BYTES", "MOST_PER_VOICE", "PackedCache", "PackedGraph", "PackedVoice"]

MOST_BYTES = 2 << 30
MOST_PER_VOICE = 2
"""What is kept: of one bundle's folder the entries used last, and of all of them so many bytes."""

_BLOCK_BYTES = 1 << 20
_WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


@dataclass(frozen=True)
class PackedGraph:
    """One graph of an entry: its file, the session settings that it was packed with, and the files of the bundle that
    need not be read because of it."""

    file: str
    settings: Mapping[str, str]
    stands_for: frozenset[str]


@dataclass(frozen=True)
class PackedVoice:
    """An entry whose files have been checked. A graph that could not be packed is not among its `graphs`."""

    folder: Path
    graphs: Mapping[str, PackedGraph]

    def load(self, name: str) -> Graph:
        """Makes a session of one of `graphs`. Raises EngineError."""
        graph = self.graphs[name]
        return OnnxEngine(settings=graph.settings, packed=True).load(name, self.folder / graph.file)


class PackedCache:
    """The entries below a cache folder (edge_tts.engines.store.cache_folder)."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / "packed")

    @contextmanager
    def reading(self, parts: Mapping[str, Any]) -> Iterator[PackedVoice | None]:
        """The entry with these parts, which nobody clears away as long as the context lasts; None where there is none.

        Raises EngineError: it is there, but must not be used.
        """
        folder = self.store.path(parts)
        with ExitStack() as held:
            try:
                record = held.enter_context((folder / RECORD).open("rb"))
                held.enter_context(locked(record.fileno(), shared=True))
                voice = _checked(folder, parts)
            except (FileNotFoundError, NotADirectoryError):
                voice = None
            except OSError as error:
                raise EngineError(f"{folder} can't be read: {error.strerror}") from None
            with suppress(OSError):
                os.utime(folder / RECORD)  # used last: what is cleared away first is what nobody used for long
            yield voice

    def discard(self, parts: Mapping[str, Any]) -> None:
        """Clears the entry with these parts away, so that it is made anew; one that is being read stays."""
        _clear(self.store.path(parts))

    def evict(self, keep: Path) -> None:
        """Clears away what is more than enough, but neither the entry `keep` nor one that is being read. The caller
        holds the store's lock."""
        total, per_voice = 0, dict[Any, int]()
        for folder in sorted(self._folders(), key=lambda folder: (folder == keep, _used(folder)), reverse=True):
            size, place = _size(folder), _place(folder)
            per_voice[place] = per_voice.get(place, 0) + 1
            total += size
            if folder != keep and (total > MOST_BYTES or per_voice[place] > MOST_PER_VOICE) and _clear(folder):
                total -= size

    def _folders(self) -> list[Path]:
        return [record.parent for record in self.store.records()]


def _clear(folder: Path) -> bool:
    """Whether the entry is gone: one that is being read stays. Mapped files of a deleted one live on."""
    try:
        with (folder / RECORD).open("rb") as record, locked(record.fileno(), wait=False):
            shutil.rmtree(folder)
    except OSError:
        return False
    return True


def _used(folder: Path) -> float:
    try:
        return (folder / RECORD).stat().st_mtime
    except OSError:
        return 0.0


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.iterdir())


def _place(folder: Path) -> Any:
    """Which bundle's folder the entry was made of."""
    try:
        return read_record(folder).get("bundle_path")
    except (OSError, ValueError):
        return None


def _checked(folder: Path, parts: Mapping[str, Any]) -> PackedVoice:
    """Raises EngineError: one line that says what is wrong."""
    try:
        record = read_record(folder)
        if record["parts"] != json.loads(canonical(parts)):
            raise EngineError(f"{folder} is recorded under another key")
        _check_owner(folder)
        for name, wanted in record["files"].items():
            _check_file(folder, name, wanted["bytes"], wanted["sha256"])
        graphs = {
            name: PackedGraph(_file(record, graph["file"]), dict(graph["settings"]), frozenset(graph["stands_for"]))
            for name, graph in record["graphs"].items()
        }
    except OSError as error:
        raise EngineError(f"{folder} can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EngineError(f"{folder / RECORD} is damaged") from None
    return PackedVoice(folder, graphs)


def _file(record: Mapping[str, Any], name: str) -> str:
    """The name of a file whose bytes were checked. Raises KeyError."""
    record["files"][name]
    return name


def _check_file(folder: Path, name: str, size: int, sha256: str) -> None:
    path = folder / name
    if path.parent != folder or not stat.S_ISREG(path.lstat().st_mode):
        raise EngineError(f"{path} is no regular file")
    _check_owner(path)
    digest, found = hashlib.sha256(), 0
    with path.open("rb") as file:
        while found <= size and (block := file.read(_BLOCK_BYTES)):
            digest.update(block)
            found += len(block)
    if found != size or digest.hexdigest() != sha256:
        raise EngineError(f"{path} differs from its record (SHA-256)")


def _check_owner(path: Path) -> None:
    """Who could write a packed graph could make ONNX Runtime read beyond its memory. Raises EngineError, OSError."""
    status = path.lstat()
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & _WRITABLE_BY_OTHERS:
        raise EngineError(f"{path} could have been written by another user")
