"""What a bundle or a GPT-SoVITS checkpoint is.

Of a bundle every file is checked against the manifest, then its dimensions, graphs and speakers are told; of a
checkpoint its version, dimensions, and what is missing, too much or wrong.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from build_engines.bundles.places import folder_of
from build_engines.checkpoint import identify
from edge_tts.bundle import Manifest, open_bundle

__all__ = ["describe", "render"]

_SUFFIXES = (".ckpt", ".pth")
_KINDS = {"gpt": "GPT", "sovits": "SoVITS"}
_SHOWN = 20
_CERTIFIED = {True: ", certified", False: ", failed its certification", None: ", not certified"}


def describe(voice: str) -> dict[str, Any]:
    """Facts of a bundle by its name or folder, or of a checkpoint by its path; ready for JSON.

    Raises BundleError where a bundle's file isn't what the manifest says, CheckpointError where a checkpoint can't be
    read as one. A checkpoint that can be read but not be used has its reasons under ``problems``.
    """
    if "\0" not in voice:
        path = Path(voice).expanduser()
        if os.path.isfile(path) or (path.suffix in _SUFFIXES and not os.path.isdir(path)):  # noqa: PTH112, PTH113
            return _describe_checkpoint(path)
    return _describe_bundle(voice)


def render(facts: dict[str, Any]) -> str:
    """The facts as lines for people."""
    return _render_checkpoint(facts) if "kind" in facts else _render_bundle(facts)


def _describe_bundle(voice: str) -> dict[str, Any]:
    bundle = open_bundle(folder_of(voice))
    bundle.verify_rest(set())
    manifest = bundle.manifest
    return {
        "name": manifest.name,
        "id": bundle.id,
        "model": f"{manifest.family} {manifest.version}",
        "licence": manifest.licence,
        "sample_rate_hz": manifest.sample_rate,
        "token_rate_hz": manifest.token_rate_hz,
        "languages": list(manifest.languages),
        "gpt": asdict(manifest.gpt),
        "decoder": asdict(manifest.decoder),
        "sampling": asdict(manifest.sampling),
        "precision": _precision(manifest),
        "certified": None if manifest.certificate is None else manifest.certificate.passed,
        "tensorrt": [] if manifest.tensorrt is None else list(manifest.tensorrt.graphs),
        "speakers": {name: entry.description for name, entry in manifest.speakers.items()},
        "files_bytes": {name: entry.size_bytes for name, entry in manifest.files.items()},
        "total_bytes": sum(entry.size_bytes for entry in manifest.files.values()),
    }


def _precision(manifest: Manifest) -> str:
    if manifest.quantization is None:
        return "float"
    return f"INT8 for {' and '.join(manifest.quantization.targets)}, KV cache {manifest.quantization.kv_cache}"


def _describe_checkpoint(path: Path) -> dict[str, Any]:
    facts = identify(path)
    return {
        "name": path.name,
        "kind": facts.kind,
        "version": facts.version,
        "header": facts.header,
        "info": facts.info,
        "total_bytes": facts.size_bytes,
        "tensors": facts.tensors,
        "parameters": facts.parameters,
        "dimensions": dict(facts.dimensions),
        "missing": list(facts.missing),
        "extra": list(facts.extra),
        "problems": list(facts.problems),
    }


def _render_bundle(facts: dict[str, Any]) -> str:
    lines = [
        f"{facts['name']}: {facts['model']}, {facts['sample_rate_hz']} Hz, {facts['total_bytes'] / 1e6:.1f} MB",
        f"  id        {facts['id']}",
        f"  licence   {facts['licence']}",
        f"  languages {', '.join(facts['languages'])}",
        f"  precision {facts['precision']}{_CERTIFIED[facts['certified']] if facts['precision'] != 'float' else ''}",
    ]
    if facts["tensorrt"]:
        lines.append(f"  tensorrt  {', '.join(facts['tensorrt'])}")
    for part in ("gpt", "decoder", "sampling"):
        lines.append(f"  {part:9} " + ", ".join(f"{key} {value}" for key, value in facts[part].items()))
    lines += [f"  speaker   {name}: {text}" for name, text in facts["speakers"].items()]
    lines += [f"  file      {size / 1e6:8.2f} MB  {name}" for name, size in facts["files_bytes"].items()]
    return "\n".join(lines) + "\n"


def _render_checkpoint(facts: dict[str, Any]) -> str:
    lines = [
        f"{facts['name']}: {_KINDS[facts['kind']]} {facts['version'] or 'of unknown version'}, "
        f"{facts['parameters'] / 1e6:.2f} M parameters in {facts['tensors']} tensors, "
        f"{facts['total_bytes'] / 1e6:.1f} MB",
        f"  header     {facts['header']}",
        f"  info       {facts['info']}",
    ]
    lines += [f"  {name:28} {value}" for name, value in facts["dimensions"].items() if name != "version"]
    for title in ("missing", "extra"):
        lines += _listed(title, facts[title])
    lines += _listed("problem", facts["problems"]) or ["  sound: a voice can be made of it"]
    return "\n".join(lines) + "\n"


def _listed(title: str, values: Sequence[str]) -> list[str]:
    """One line each; the last says how many are left out."""
    lines = [f"  {title:10} {value}" for value in values[:_SHOWN]]
    return [*lines, f"  {title:10} ... and {len(values) - _SHOWN} more"] if len(values) > _SHOWN else lines
