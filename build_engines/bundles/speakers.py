"""Adds speakers to a bundle that exists: a whole new folder is made beside it and put in its place in one step.

Nothing in between can be seen, and whoever is interrupted leaves the old bundle as it was. Graphs and weights are
linked, not read. A speaker's file says which graphs and which recording it was made of, so that the same work is
recognised when it is asked for again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from safetensors.numpy import save

from build_engines.bundles.exchange import check_replaceable, exchange, synchronise
from build_engines.errors import BuildError
from edge_tts.bundle import Bundle, SpeakerTokens, open_bundle, parse_manifest
from edge_tts.bundle.speaker import parse_speaker

__all__ = [
    "Key", "NewSpeaker", "add_speaker", "check_free", "content_hash", "find_speaker", "graphs_hash", "is_name",
]  # fmt: skip

_RECIPE = "1"
"""Counted up whenever the same recording would give other tokens."""

_MANIFEST = "manifest.json"
_ACCOUNTS = (".md", ".json")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Key:
    """What tokens were made of: the bundle's graphs, the recordings with their text (SHA-256 each), and the method."""

    model: str
    content: str
    recipe: str = _RECIPE


@dataclass(frozen=True)
class NewSpeaker:
    """A speaker to be added; the fields are those of a manifest's speakers (docs/bundle.md)."""

    name: str
    language: str
    description: str
    tokens: SpeakerTokens
    key: Key
    phrase_breaks: bool = False


def is_name(text: str) -> bool:
    """Whether a bundle or a speaker may go by this name: it becomes part of a path."""
    return _NAME.fullmatch(text) is not None


def graphs_hash(bundle: Bundle) -> str:
    """SHA-256 over all that makes and understands tokens: every file but speakers, goldens and accounts for people."""
    speakers = {entry.file for entry in bundle.manifest.speakers.values()}
    digest = hashlib.sha256(bundle.manifest.symbols.encode())
    for name, entry in sorted(bundle.manifest.files.items()):
        if name not in speakers and not name.startswith("golden/") and PurePosixPath(name).suffix not in _ACCOUNTS:
            digest.update(f"\n{entry.sha256} {name}".encode())
    return digest.hexdigest()


def content_hash(recordings: Sequence[str], text: str, language: str) -> str:
    """SHA-256 over the recordings' hashes and the text. Nobody can guess the text from it without the recordings."""
    return hashlib.sha256(json.dumps([list(recordings), text, language]).encode()).hexdigest()


def find_speaker(bundle: Bundle, key: Key) -> str | None:
    """The speaker of the bundle that was made of just this. Raises BundleError: a speaker's file is damaged."""
    for name, entry in bundle.manifest.speakers.items():
        bundle.speaker(name)  # checks that the file is what `_metadata` relies on
        if _metadata(bundle.read(entry.file)) == asdict(key):
            return name
    return None


def check_free(bundle: Bundle, name: str, output: Path | None) -> None:
    """Raises BuildError: the bundle has such a speaker already, or there is something at `output`."""
    if name in bundle.manifest.speakers:
        raise BuildError(f"{bundle.path} has a speaker {name!r}: choose another --name, or add --replace")
    if output is not None and output.exists():
        raise BuildError(f"{output} exists: choose another folder with -o, or add --replace")


def add_speaker(
    folder: Path, speaker: NewSpeaker, *, output: Path | None = None, replace: bool = False, make_default: bool = False
) -> Bundle:
    """Adds a speaker to the bundle in `folder`, or writes a copy with him to `output` and leaves `folder` alone.

    A copy goes by the name of its folder, where that can be one. `replace`: a speaker of that name, or a bundle at
    `output`, gives way. `make_default`: he speaks when nobody is named; a bundle's first speaker always does. Returns
    the bundle as it now is.

    Raises BuildError (name or folder are taken, the bundle was changed meanwhile), BundleError (it can't be read, or a
    reader would refuse the new one), OSError; then nothing has changed.
    """
    source = open_bundle(folder)
    target = (folder if output is None else output).resolve()
    if not replace:
        check_free(source, speaker.name, output)
    check_replaceable(target)
    tree = _manifest(source)
    if output is not None and is_name(target.name):
        tree["name"] = target.name
    file = _enter(tree, speaker, make_default)
    tokens = save(_tensors(speaker.tokens), metadata=asdict(speaker.key))
    tree["files"][file] = {"sha256": hashlib.sha256(tokens).hexdigest(), "bytes": len(tokens)}
    raw = json.dumps(tree, indent=1, ensure_ascii=False).encode()
    parse_speaker(tokens, parse_manifest(raw), f"speaker {speaker.name!r}")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for name in tree["files"]:
            if name != file:
                _take(source.path / name, part / name, link=output is None)
        _write(part / file, tokens)
        _write(part / _MANIFEST, raw)
        synchronise(part)
        if output is None and hashlib.sha256((folder / _MANIFEST).read_bytes()).hexdigest() != source.id:
            raise BuildError(f"{folder} was changed meanwhile: run the same command again")
        exchange(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return open_bundle(target)


def _manifest(bundle: Bundle) -> dict[str, Any]:
    """The manifest as JSON, with all that readers skip. Raises BuildError: it is no longer the one that was opened."""
    raw = (bundle.path / _MANIFEST).read_bytes()
    if hashlib.sha256(raw).hexdigest() != bundle.id:
        raise BuildError(f"{bundle.path} was changed meanwhile: run the same command again")
    tree: dict[str, Any] = json.loads(raw)
    return tree


def _enter(tree: dict[str, Any], speaker: NewSpeaker, make_default: bool) -> str:
    """Enters the speaker in the manifest, and drops the file of one who gives way; returns the new file's name."""
    old = tree["speakers"].pop(speaker.name, None)
    others = {entry["file"] for entry in tree["speakers"].values()}
    if old is not None and old["file"] not in others:
        tree["files"].pop(old["file"], None)
    file, count = f"speakers/{speaker.name}.safetensors", 1
    while file in tree["files"]:
        count += 1
        file = f"speakers/{speaker.name}-{count}.safetensors"
    entry = {"file": file, "language": speaker.language, "description": speaker.description}
    tree["speakers"][speaker.name] = {**entry, "phrase_breaks": speaker.phrase_breaks}
    if make_default or tree.get("default_speaker") is None:
        tree["default_speaker"] = speaker.name
    return file


def _tensors(tokens: SpeakerTokens) -> dict[str, Any]:
    return {name: getattr(tokens, name) for name in tokens.__dataclass_fields__}


def _metadata(raw: bytes) -> dict[str, str]:
    """The free text of a safetensors file: eight bytes of length, then JSON with the key `__metadata__`."""
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    found: dict[str, str] = header.get("__metadata__") or {}
    return found


def _take(source: Path, target: Path, *, link: bool) -> None:
    """A hard link where the file system has them; else, or where the copy is to live apart, a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(source, target)
        except OSError:  # another file system, none that links, or a file of somebody else's
            shutil.copyfile(source, target)
    else:
        shutil.copyfile(source, target)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    synchronise(path)
