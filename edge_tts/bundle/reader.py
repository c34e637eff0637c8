"""Opens a bundle: finds each listed file inside the folder, checks size and SHA-256, and hands out those very bytes.

A file is read once, and what was hashed is what is used, so nothing can change in between. The exception is a graph
with external data, which an engine can only open by its path; its files are checked first.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edge_tts.bundle.external import external_files
from edge_tts.bundle.manifest import MAX_MANIFEST_BYTES, parse_manifest
from edge_tts.bundle.speaker import SpeakerTokens, parse_speaker
from edge_tts.bundle.spec import FileEntry, GraphEntry, Manifest
from edge_tts.errors import BundleError

__all__ = ["Bundle", "open_bundle"]

MANIFEST = "manifest.json"
MAX_TOTAL_BYTES = 4 << 30
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Bundle:
    """A bundle whose manifest has been read. `id` is the SHA-256 of manifest.json."""

    path: Path
    id: str
    manifest: Manifest

    def verify_rest(self, used: set[str]) -> None:
        """Checks every listed file that was not read anyway. Raises BundleError."""
        for name in self.manifest.files:
            if name not in used:
                self._stream(name, lambda block: None)

    def read(self, name: str) -> bytes:
        """The bytes of a listed file, checked. Raises BundleError (missing, wrong size, wrong hash, not listed)."""
        parts = bytearray()
        self._stream(name, parts.extend)
        return bytes(parts)

    def speaker(self, name: str) -> SpeakerTokens:
        """Reads the tokens of a speaker that the manifest lists."""
        file = self.manifest.speakers[name].file
        return parse_speaker(self.read(file), self.manifest, self._show(file))

    def check_present(self, names: Collection[str]) -> None:
        """Checks that listed files are there and as long as the manifest says, without reading them.

        For the files of a graph that another one stands for, made of them when they were checked. Raises BundleError.
        """
        for name in names:
            entry = self.manifest.files.get(name)
            try:
                size = (self.path / name).stat().st_size
            except OSError as error:
                raise BundleError(f"{self._show(name)} can't be read: {error.strerror}") from None
            if entry is None or size != entry.size_bytes:
                raise BundleError(f"{self._show(name)} differs from the manifest (size): install the voice again")

    def graph(self, entry: GraphEntry, checked: Collection[str] = ()) -> tuple[bytes | Path, set[str]]:
        """A graph's bytes, or its path when it keeps weights in external files; and the names of all files it uses.

        External files that are among the `checked` are not read once more: two graphs may have the same weights.
        """
        file = entry.file
        model = self.read(file)
        folder = PurePosixPath(file).parent
        try:
            data = {str(folder / location) for location in external_files(model)}
        except BundleError as error:
            raise BundleError(f"{self._show(file)}: {error}") from None
        for location in sorted(data):
            if location not in self.manifest.files:
                raise BundleError(f"{self._show(file)} needs {location[:100]!r}, which the manifest does not list")
            if location not in checked:
                self._stream(location, lambda block: None)
        return (self.path / file if data else model), {file, *data}

    def _show(self, name: str) -> str:
        return f"{self.path / name}"

    def _stream(self, name: str, consume: Callable[[bytes], object]) -> None:
        """Passes a file on block by block, and raises unless it was what the manifest says to the last byte."""
        entry = self.manifest.files[name]
        digest, size = hashlib.sha256(), 0
        for block in _blocks(self.path, name, entry):
            size += len(block)
            digest.update(block)
            consume(block)
        if size != entry.size_bytes:
            raise BundleError(f"{self._show(name)} has {size} bytes, not {entry.size_bytes}: install the voice again")
        if digest.hexdigest() != entry.sha256:
            raise BundleError(f"{self._show(name)} differs from the manifest (SHA-256): install the voice again")


def open_bundle(path: Path) -> Bundle:
    """Reads the manifest and checks that the folder holds just the files that it lists.

    Contents are checked when they are read (`Bundle.read`, `Bundle.verify_rest`). Raises BundleError.
    """
    if not path.is_dir():
        raise BundleError(f"no bundle at {path}: it is not a folder")
    if not (path / MANIFEST).is_file():
        raise BundleError(f"no bundle at {path}: it has no {MANIFEST}")
    raw = _read_manifest(path / MANIFEST)
    bundle = Bundle(path, hashlib.sha256(raw).hexdigest(), parse_manifest(raw, str(path / MANIFEST)))
    if sum(entry.size_bytes for entry in bundle.manifest.files.values()) > MAX_TOTAL_BYTES:
        raise BundleError(f"{path}: the bundle's files are larger than {MAX_TOTAL_BYTES} bytes together")
    unlisted = sorted(set(_present(path)) - set(bundle.manifest.files) - {MANIFEST})
    if unlisted:
        raise BundleError(f"{path / unlisted[0]} is not listed in the manifest: remove it or install the voice again")
    return bundle


def _read_manifest(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_MANIFEST_BYTES + 1)
    except OSError as error:
        raise BundleError(f"{path} can't be read: {error.strerror}") from None
    if len(raw) > MAX_MANIFEST_BYTES:
        raise BundleError(f"{path} is larger than {MAX_MANIFEST_BYTES} bytes")
    return raw


def _present(root: Path) -> Iterator[str]:
    """Every file below the folder as a POSIX path; a symbolic link counts as a file and is not followed."""
    try:
        for folder, folders, files in os.walk(root):
            links = [name for name in folders if (Path(folder) / name).is_symlink()]
            for name in (*files, *links):
                yield (Path(folder) / name).relative_to(root).as_posix()
    except OSError as error:
        raise BundleError(f"{root} can't be read: {error.strerror}") from None


def _blocks(root: Path, name: str, entry: FileEntry) -> Iterator[bytes]:
    """The file's bytes, at most one more than the manifest says. Only a regular file really inside `root` is opened."""
    path = root / name
    try:
        inside = path.resolve(strict=True).is_relative_to(root.resolve(strict=True))
        if not inside:
            raise BundleError(f"{path} leads out of the bundle")
        if not path.is_file():  # a named pipe would wait for its writer
            raise BundleError(f"{path} is not a regular file")
        with path.open("rb") as file:
            left = entry.size_bytes + 1
            while left > 0 and (block := file.read(min(_BLOCK_BYTES, left))):
                left -= len(block)
                yield block
    except FileNotFoundError:
        raise BundleError(f"{path} is missing: install the voice again") from None
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        raise BundleError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}") from None
