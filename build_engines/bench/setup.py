"""The voices that are measured: full-size ones of random weights are made here, by the builder's own commands.

What is there already is used again. Each step writes beside its target and gives it the name when it is complete.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from build_engines.bench.random_models import make_hubert, make_recording
from build_engines.bundles.exchange import exchange
from build_engines.errors import BuildError

__all__ = ["Checkpoints", "Voices", "make_voices", "with_least_tokens"]

REFERENCE_TEXT = "This is what the reference says."
_MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Checkpoints:
    """GPT-SoVITS's two files."""

    gpt: Path
    sovits: Path


@dataclass(frozen=True)
class Voices:
    """What is measured: the INT8 bundle, the float one that it was made of, and its checkpoints, if they are there."""

    int8: Path
    float32: Path
    checkpoints: Checkpoints | None


def make_voices(
    work: Path, write_gpt: Callable[[Path], object], write_sovits: Callable[[Path], object], told: Callable[[str], None]
) -> Voices:
    """Random checkpoints → import → enroll → quantize for a CPU, in the folder `work`; takes minutes the first time.

    `told` is called with each step's name. Raises BuildError: a step failed, and the folder can be used again.
    """
    work.mkdir(parents=True, exist_ok=True)
    checkpoints = Checkpoints(work / "v2.ckpt", work / "v2.pth")
    voices = Voices(work / "int8", work / "float", checkpoints)
    recording, hubert = work / "reference.wav", work / "hubert"
    steps: list[tuple[Path, str, Callable[[Path], object]]] = [
        (checkpoints.gpt, "a random GPT", write_gpt),
        (checkpoints.sovits, "a random acoustic model", write_sovits),
        (recording, "a reference recording", make_recording),
        (hubert, "a random HuBERT", make_hubert),
        (voices.float32, "import and enroll", lambda part: _import(part, checkpoints, recording, hubert)),
        (voices.int8, "quantize (minutes)",
         lambda part: _build("quantize", voices.float32, "-o", part, "--target", "cpu", "--no-certify")),
    ]  # fmt: skip
    for target, name, make in steps:
        if not target.exists():
            told(name)
            part = target.with_name(f"part-{target.name}")
            _remove(part)
            make(part)
            part.rename(target)
    return voices


def with_least_tokens(bundle: Path, target: Path, least: int) -> Path:
    """A copy of a bundle in `target` that ends no sentence before so many tokens; its files are links if they can be.

    The same graphs under another name: a voice of random weights then speaks sentences of that length, however it is
    loaded. A copy of another bundle or length gives way.
    """
    tree: dict[str, Any] = json.loads((bundle / _MANIFEST).read_text(encoding="utf-8"))
    tree["sampling"]["min_tokens"] = least
    manifest = json.dumps(tree, indent=1, ensure_ascii=False)
    if target.is_dir() and (target / _MANIFEST).read_text(encoding="utf-8") == manifest:
        return target
    part = target.with_name(f"part-{target.name}")
    _remove(part)
    for name in tree["files"]:
        (part / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link((bundle / name).resolve(), part / name)
        except OSError:  # another file system, or none that links
            shutil.copyfile(bundle / name, part / name)
    (part / _MANIFEST).write_text(manifest, encoding="utf-8")
    exchange(part, target)
    return target


def _import(part: Path, checkpoints: Checkpoints, recording: Path, hubert: Path) -> None:
    _build("import", "--gpt", checkpoints.gpt, "--sovits", checkpoints.sovits, "-o", part, "--name", "bench")
    _build(
        "enroll", part, "--audio", recording, "--text", REFERENCE_TEXT, "--lang", "en", "--name", "ann",
        environment={"EDGETTS_HUBERT": str(hubert)},
    )  # fmt: skip


def _build(*arguments: str | Path, environment: Mapping[str, str] | None = None) -> None:
    """A command of edgetts-build. Raises BuildError: it failed; its complaints and its progress are on stderr."""
    command = [sys.executable, "-m", "build_engines.cli", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, env=os.environ | dict(environment or {}), check=False)
    if done.returncode != 0:
        raise BuildError(f"edgetts-build {arguments[0]} failed with exit code {done.returncode}: see above")


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
