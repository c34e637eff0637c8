"""What a bundle is: every file checked against the manifest, then its dimensions, graphs and speakers."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edge_tts.bundle import locate, open_bundle, search_path

__all__ = ["describe", "render"]


def describe(voice: str) -> dict[str, Any]:
    """Facts of a bundle by its name or folder. Raises BundleError where a file isn't what the manifest says."""
    bundle = open_bundle(locate(voice, search_path(os.environ, Path.home())))
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
        "speakers": {name: entry.description for name, entry in manifest.speakers.items()},
        "files_bytes": {name: entry.size_bytes for name, entry in manifest.files.items()},
        "total_bytes": sum(entry.size_bytes for entry in manifest.files.values()),
    }


def render(facts: dict[str, Any]) -> str:
    """The facts as lines for people."""
    lines = [
        f"{facts['name']}: {facts['model']}, {facts['sample_rate_hz']} Hz, {facts['total_bytes'] / 1e6:.1f} MB",
        f"  id        {facts['id']}",
        f"  licence   {facts['licence']}",
        f"  languages {', '.join(facts['languages'])}",
    ]
    for part in ("gpt", "decoder", "sampling"):
        lines.append(f"  {part:9} " + ", ".join(f"{key} {value}" for key, value in facts[part].items()))
    lines += [f"  speaker   {name}: {text}" for name, text in facts["speakers"].items()]
    lines += [f"  file      {size / 1e6:8.2f} MB  {name}" for name, size in facts["files_bytes"].items()]
    return "\n".join(lines) + "\n"
