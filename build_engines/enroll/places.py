"""Where the models of others lie that enrolment for a genuine GPT-SoVITS voice needs; nothing is ever downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from build_engines.errors import BuildError

__all__ = ["HUBERT", "check_hubert", "check_verifier", "hubert_advice", "hubert_folder", "verifier_file"]

HUBERT = "chinese-hubert-base"
_VERIFIER = "pretrained_eres2netv2w24s4ep4.ckpt"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


def hubert_folder(given: Path | None, environment: Mapping[str, str], home: Path) -> Path:
    """The folder of HuBERT: an argument, $EDGETTS_HUBERT, or below the models of ~/.local/share/edgetts."""
    return _place(given, environment.get("EDGETTS_HUBERT"), home, HUBERT)


def verifier_file(given: Path | None, environment: Mapping[str, str], home: Path) -> Path:
    """The checkpoint of ERes2NetV2: an argument, $EDGETTS_ERES2NET, or below the models of ~/.local/share/edgetts."""
    return _place(given, environment.get("EDGETTS_ERES2NET"), home, _VERIFIER)


def check_hubert(folder: Path) -> None:
    """Raises BuildError that says what to put where, unless the folder holds a model."""
    if not (folder / "config.json").is_file() or not any((folder / name).is_file() for name in _WEIGHTS):
        raise BuildError(f"no {HUBERT} in {folder}: {hubert_advice()}")


def check_verifier(file: Path) -> None:
    """Raises BuildError that says what to put where, unless the file is there."""
    if not file.is_file():
        raise BuildError(
            f"no speaker-verification model at {file}: this is a Pro voice; put {_VERIFIER} there (from "
            "pretrained_models/sv of GPT-SoVITS's downloads), or name it with --eres2net or $EDGETTS_ERES2NET"
        )


def hubert_advice() -> str:
    """What to do about a HuBERT that is missing or damaged."""
    return (
        f"put the folder {HUBERT} there (config.json and pytorch_model.bin; from TencentGameMate/{HUBERT} of Hugging "
        "Face, or GPT-SoVITS's pretrained_models), or name it with --hubert or $EDGETTS_HUBERT"
    )


def _place(given: Path | None, variable: str | None, home: Path, name: str) -> Path:
    if given is not None:
        return given
    return Path(variable).expanduser() if variable else home / ".local" / "share" / "edgetts" / "models" / name
