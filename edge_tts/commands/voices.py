"""`edgetts voices`: which voices are installed, and who speaks in them."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge_tts.bundle import home_folder, installed, open_bundle, search_path
from edge_tts.command import EXIT_OK, Command
from edge_tts.errors import BundleError
from edge_tts.terminal import one_line, say

__all__ = ["command", "describe", "table"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `voices`."""
    parser.add_argument("--json", action="store_true", help="as a JSON list")


def run(args: argparse.Namespace) -> int:
    """Lists the voices. One that can't be read is listed with the reason."""
    found = installed(search_path(os.environ, home_folder()))
    entries = [describe(name, path) for name, path in sorted(found.items())]
    if args.json:
        say(json.dumps(entries, indent=2))
    else:
        for line in table(entries):
            say(line)
    return EXIT_OK


def describe(name: str, path: Path) -> dict[str, Any]:
    """A voice as JSON; with the key `error` when its manifest can't be read."""
    try:
        bundle = open_bundle(path)
    except BundleError as error:
        return {"name": name, "path": str(path), "error": str(error)}
    manifest = bundle.manifest
    speakers = {
        speaker: {"language": entry.language, "description": entry.description}
        for speaker, entry in manifest.speakers.items()
    }
    return {
        "name": name,
        "path": str(path),
        "bundle_id": bundle.id,
        "sample_rate": manifest.sample_rate,
        "languages": list(manifest.languages),
        "licence": manifest.licence,
        "bytes": sum(entry.size_bytes for entry in manifest.files.values()),
        "default_speaker": manifest.default_speaker,
        "speakers": speakers,
    }


def table(entries: list[dict[str, Any]]) -> list[str]:
    """Lines for people: one per speaker, the default one marked with a star."""
    if not entries:
        return ["no voices are installed"]
    rows = [("VOICE", "SPEAKER", "LANGUAGE", "RATE", "DESCRIPTION")]
    for entry in entries:
        rows += _rows(entry)
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = (
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]) for row in rows
    )
    return [line.rstrip() for line in lines]


def _rows(entry: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    if "error" in entry:
        return [(one_line(entry["name"]), "-", "-", "-", f"unusable: {one_line(entry['error'])}")]
    rate = f"{entry['sample_rate'] / 1000:g} kHz"
    return [
        (
            one_line(entry["name"]),
            name + ("*" if name == entry["default_speaker"] else ""),
            speaker["language"],
            rate,
            one_line(speaker["description"]),
        )
        for name, speaker in entry["speakers"].items()
    ]


command = Command("voices", "list the installed voices and their speakers", configure, run)
