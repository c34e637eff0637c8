"""What was found, as a record that goes into the bundle: figures, bars, versions and hashes (docs/certify.md).

Speed is left out of the file: it belongs to a machine and a moment, and the same bundle must give the same certificate.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from build_engines.certify.bars import Check, Figure, worst
from build_engines.certify.rows import Example, ForcedRow, FreeRow, Speed, Spoken

__all__ = ["FILE", "Certificate", "content_hash", "environment"]

FILE = "certificate.json"
_FORMAT, _FORMAT_VERSION = "edge-tts-certificate", 1
_PACKAGES = (
    "edge-tts-jetson",
    "onnxruntime",
    "numpy",
    "pesq",
    "pystoi",
    "pyloudnorm",
    "soxr",
    "resemblyzer",
    "pocketsphinx",
)
_CPU_FEATURES = (
    "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8", "asimddp",
    "i8mm", "bf16", "sve",
)  # fmt: skip
_DIGITS = 6


@dataclass(frozen=True)
class Certificate:
    """All that `gate.certify` found.

    identity: names and hashes of both bundles and of the sentences. others: figures without a bar. examples and speed
    are for the report and don't go into the file.
    """

    identity: Mapping[str, Any]
    checks: tuple[Check, ...]
    others: Mapping[str, Figure]
    forced: tuple[ForcedRow, ...]
    free: tuple[FreeRow, ...]
    environment: Mapping[str, Any]
    speed: Speed
    examples: tuple[Example, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether no bar is missed."""
        return all(check.passed is not False for check in self.checks)

    @property
    def verdict(self) -> str:
        """One line: how many bars are met, or the worst figure against its bar."""
        failing = worst(self.checks)
        if failing is not None:
            more = sum(check.passed is False for check in self.checks) - 1
            return failing.line + (f"; and {more} more" if more else "")
        excused = sum(check.passed is None for check in self.checks)
        told = f", {excused} could not be judged" if excused else ""
        return f"all bars are met ({len(self.checks) - excused} figures{told})"

    @property
    def entry(self) -> dict[str, Any]:
        """What the manifest says of it."""
        return {"file": FILE, "passed": self.passed}

    def to_json(self) -> bytes:
        """The file."""
        tree = {
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "passed": self.passed,
            **self.identity,
            "bytes": {"float": self.speed.before_bytes, "int8": self.speed.after_bytes},
            "checks": [_check(check) for check in self.checks],
            "others": {key: _figure(figure) for key, figure in self.others.items()},
            "environment": self.environment,
            "forced": [_forced(row) for row in self.forced],
            "free": [_free(row) for row in self.free],
        }
        return (json.dumps(_rounded(tree), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def content_hash(manifest: bytes) -> str:
    """SHA-256 of a bundle's manifest without its certificate: the same before and after one is written.

    The manifest is read as JSON and written with sorted keys; left out are the key `certificate` and that file's hash.
    """
    tree = json.loads(manifest)
    named = tree.pop("certificate", None)
    for file in {FILE, (named or {}).get("file")}:
        tree["files"].pop(file, None)
    return hashlib.sha256(json.dumps(tree, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def environment(threads: int) -> dict[str, Any]:
    """Versions of what computes and judges, and the processor: INT8 kernels differ by what it can do."""
    return {
        "packages": {name: version for name in _PACKAGES if (version := _version(name)) is not None},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cpu": _cpu(),
        "threads": threads,
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _cpu(path: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {"model": platform.processor(), "features": []}
    facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in reversed(lines)) if value}
    flags = set((facts.get("flags") or facts.get("Features") or "").split())
    return {"model": facts.get("model name", ""), "features": [name for name in _CPU_FEATURES if name in flags]}


def _check(check: Check) -> dict[str, Any]:
    bar = check.bar
    limits = {"low": bar.low, "high": bar.high, "unit": bar.unit, "passed": check.passed}
    return {"figure": bar.key, "title": bar.title, **_figure(check.figure), **limits}


def _figure(figure: Figure) -> dict[str, Any]:
    return {"value": figure.value} | {
        key: said for key, said in (("speaker", figure.where), ("note", figure.note)) if said
    }


def _forced(row: ForcedRow) -> dict[str, Any]:
    return {
        "speaker": row.speaker,
        "text": row.text,
        "tokens": row.tokens,
        **row.figures,
        "unjudged": dict(row.unjudged),
    }


def _free(row: FreeRow) -> dict[str, Any]:
    told = {"speaker": row.speaker, "text": row.text, "seed": row.seed}
    return told | {"float": _spoken(row.before), "int8": _spoken(row.after)}


def _spoken(spoken: Spoken) -> dict[str, Any]:
    return {key: value for key, value in asdict(spoken).items() if value is not None}


def _rounded(tree: Any) -> Any:
    """Floats with six significant digits."""
    if isinstance(tree, float):
        return float(f"{tree:.{_DIGITS}g}")
    if isinstance(tree, Mapping):
        return {key: _rounded(value) for key, value in tree.items()}
    if isinstance(tree, Sequence) and not isinstance(tree, str):
        return [_rounded(value) for value in tree]
    return tree
