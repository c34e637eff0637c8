"""The cache of engines: one folder per engine, named by the hash of everything that the engine depends on.

    <cache>/engines/<key>/engine.plan     what TensorRT's builder serialized
    <cache>/engines/<key>/record.json     the key's parts, the plan's size and SHA-256, its certificate

An engine is handed out only if the parts in its record are the wanted ones, the plan is the recorded one to the last
byte, and its certificate says that it passed (edge_tts.engines.store keeps it).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_tts.bundle import Bundle
from edge_tts.bundle.spec import TensorRTEntry
from edge_tts.engines.store import RECORD, Store, canonical, read_record, write
from edge_tts.engines.tensorrt.board import Board
from edge_tts.errors import EngineError

__all__ = [
    "BUILDER_FLAGS",
    "CachedEngine",
    "EngineCache",
    "engine_parts",
    "golden_file",
    "model_digest",
]

BUILDER_FLAGS: tuple[str, ...] = ("STRONGLY_TYPED", "no TF32")
"""What the builder is told besides profiles: a part of every key."""

# Raised when engines that were built before must not be used any more.
_FORMAT = 1
_PLAN = "engine.plan"
_BUILD = "run `edgetts-build engine` for this voice on this board"


@dataclass(frozen=True)
class CachedEngine:
    """A certified engine: the plan's bytes, and the certificate as it was stored."""

    plan: bytes
    certificate: Mapping[str, Any]


def golden_file(graph: str) -> str:
    """Where a bundle keeps the golden vectors that an engine of `graph` is certified with."""
    return f"golden/tensorrt/{graph}.npz"


def model_digest(bundle: Bundle, graph: str) -> str:
    """SHA-256 over a TensorRT graph's model and all its external data, each checked against the manifest.

    Raises BundleError: a file is missing or changed.
    """
    _, names = bundle.graph(_section(bundle).graphs[graph])
    lines = "".join(f"{bundle.manifest.files[name].sha256}  {name}\n" for name in sorted(names))
    return hashlib.sha256(lines.encode()).hexdigest()


def engine_parts(bundle: Bundle, graph: str, board: Board) -> dict[str, Any]:
    """Everything that an engine of this graph on this board depends on, as JSON values.

    Raises EngineError: the bundle has no golden vectors for it, so it can't be certified; BundleError.
    """
    section = _section(bundle)
    golden = bundle.manifest.files.get(golden_file(graph))
    if golden is None:
        raise EngineError(f"the bundle has no {golden_file(graph)} to certify an engine with: quantize the voice again")
    profiles = [{name: list(sizes) for name, sizes in profile.items()} for profile in section.graphs[graph].profiles]
    return {
        "format": _FORMAT,
        "graph": graph,
        **board.parts(),
        "onnx_sha256": model_digest(bundle, graph),
        "golden_sha256": golden.sha256,
        "flags": list(BUILDER_FLAGS),
        "profiles": profiles,
        "max_rank": section.max_rank,
    }


class EngineCache:
    """The engines below a cache folder (see `cache_folder`); nothing is created before an engine is stored."""

    def __init__(self, folder: Path) -> None:
        self.engines = folder / "engines"
        self._store = Store(self.engines)

    def path(self, parts: Mapping[str, Any]) -> Path:
        """The folder that the engine with these parts has, or would have."""
        return self._store.path(parts)

    def check_any(self) -> None:
        """Raises EngineError: no engine at all has been built here."""
        if not self._store.records():
            raise EngineError(f"no TensorRT engine is in {self.engines}: {_BUILD}")

    def lookup(self, parts: Mapping[str, Any]) -> CachedEngine:
        """The certified engine with exactly these parts. Raises EngineError: one line that says why there is none."""
        record = self.check(parts)
        return CachedEngine(_read_plan(self.path(parts), record, _what(parts)), record["certificate"])

    def check(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """The record of that engine, before its plan is read. Raises EngineError as `lookup` does."""
        what, folder = _what(parts), self.path(parts)
        if not folder.is_dir():
            raise EngineError(f"{what} is not in {self.engines}{self._nearest(parts)}: {_BUILD}")
        record = _read_record(folder, what)
        if record.get("parts") != json.loads(canonical(parts)):
            raise EngineError(f"{what} in {folder} is recorded under another key: {_BUILD}")
        certificate = record.get("certificate")
        if not isinstance(certificate, dict):
            raise EngineError(f"{what} has no certificate: {_BUILD}")
        if certificate.get("passed") is not True:
            reason = " ".join(str(certificate.get("reason") or "no reason was given").split())[:200]
            raise EngineError(f"{what} failed its certification ({reason}): {_BUILD}")
        return record

    def store(self, parts: Mapping[str, Any], plan: bytes | memoryview, certificate: Mapping[str, Any]) -> Path:
        """Keeps an engine and its certificate, in place of one with the same key, and returns its folder.

        `certificate` holds at least `passed` (bool), and `reason` (one line) where that is False. Raises EngineError
        (the disk is full, the folder can't be written); then nothing is left behind.
        """

        def fill(folder: Path) -> dict[str, Any]:
            write(folder / _PLAN, plan)
            size = {"sha256": hashlib.sha256(plan).hexdigest(), "bytes": len(plan)}
            return {"plan": size, "certificate": dict(certificate)}

        try:
            return self._store.put(parts, fill)
        except OSError as error:
            raise EngineError(f"the engine can't be stored in {self.engines}: {error.strerror or error}") from None

    def _nearest(self, parts: Mapping[str, Any]) -> str:
        """What tells another engine of the same graph from the wanted one, as the rest of a sentence; else nothing."""
        best: tuple[int, str] | None = None
        for path in self._store.records():
            try:
                other = _read_record(path.parent, "it").get("parts")
            except EngineError:
                continue
            if not isinstance(other, dict) or other.get("graph") != parts["graph"]:
                continue
            differing = [name for name in parts if other.get(name) != parts[name]]
            if differing and (best is None or len(differing) < best[0]):
                name = differing[0]
                text = f" (one is there for {name} {_short(other.get(name))}, not {_short(parts[name])})"
                best = len(differing), text
        return best[1] if best else ""


def _section(bundle: Bundle) -> TensorRTEntry:
    section = bundle.manifest.tensorrt
    if section is None:
        raise EngineError(f"{bundle.path} has no graphs for TensorRT: quantize the voice with --target tensorrt")
    return section


def _what(parts: Mapping[str, Any]) -> str:
    return f"the TensorRT engine of {parts['graph']!r}"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return repr(text) if len(text) <= 60 else repr(text[:57] + "...")


def _read_record(folder: Path, what: str) -> dict[str, Any]:
    try:
        return read_record(folder)
    except OSError as error:
        raise EngineError(f"{what} has no record ({folder / RECORD}: {error.strerror}): {_BUILD}") from None
    except ValueError:
        raise EngineError(f"{what} has a record that can't be read ({folder / RECORD}): {_BUILD}") from None


def _read_plan(folder: Path, record: Mapping[str, Any], what: str) -> bytes:
    wanted = record.get("plan")
    if not isinstance(wanted, dict):
        raise EngineError(f"{what} has a record without its plan ({folder / RECORD}): {_BUILD}")
    try:
        plan = (folder / _PLAN).read_bytes()
    except OSError as error:
        raise EngineError(f"{what} can't be read ({folder / _PLAN}: {error.strerror}): {_BUILD}") from None
    if len(plan) != wanted.get("bytes"):
        raise EngineError(f"{what} has {len(plan)} bytes, not {wanted.get('bytes')} ({folder / _PLAN}): {_BUILD}")
    if hashlib.sha256(plan).hexdigest() != wanted.get("sha256"):
        raise EngineError(f"{what} differs from its record (SHA-256, {folder / _PLAN}): {_BUILD}")
    return plan
