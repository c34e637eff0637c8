"""Writes a bundle: graphs, speakers, goldens, the card, and last the manifest that hashes them (docs/bundle.md)."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from safetensors.numpy import save

from build_engines.models.decoder import DecoderConfig
from build_engines.models.gpt import GPTConfig
from edge_tts.bundle.manifest import FORMAT, FORMAT_VERSION, GRAPHS, Sampling, parse_manifest

__all__ = ["BundleSpeaker", "write_bundle"]

_DTYPES = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.INT64: "int64", onnx.TensorProto.INT32: "int32"}
_MAX_CONTEXT = 1024
_FRAMES_PER_TOKEN = 4
_VOCODER_CONTEXT_FRAMES = 4  # a 720-sample window and a 1024-sample filtered frame at a hop of 240


@dataclass(frozen=True)
class BundleSpeaker:
    """``ge`` float32 [G] conditions the decoder; ``features`` [F] is the GPT's text feature, tiled over the phones.

    ``phrase_breaks``: pauses that no punctuation gives are predicted for this speaker.
    """

    features: NDArray[np.float32]
    ge: NDArray[np.float32]
    language: str
    description: str
    phrase_breaks: bool = False


def _tensors(values: Any) -> dict[str, dict[str, Any]]:
    described = {}
    for value in values:
        tensor = value.type.tensor_type
        shape = [d.dim_param or d.dim_value for d in tensor.shape.dim]
        described[value.name] = {"dtype": _DTYPES[tensor.elem_type], "shape": shape}
    return described


def _file_entry(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def write_bundle(
    target: Path,
    name: str,
    graphs: Path,
    speakers: Mapping[str, BundleSpeaker],
    default_speaker: str,
    gpt: GPTConfig,
    decoder: DecoderConfig,
    sampling: Sampling,
    card: str,
    provenance: Mapping[str, Any],
    golden: Mapping[str, Mapping[str, NDArray[Any]]] | None = None,
) -> None:
    """Make the bundle beside ``target`` and rename it into place when it is whole; an older one is replaced.

    ``graphs`` is the folder of the four ``.onnx`` files, ``golden`` names arrays per file of inputs and outputs.
    Raises BundleError, and leaves an older bundle as it was, when a reader would refuse the manifest.
    """
    part, old = target.with_name(target.name + ".part"), target.with_name(target.name + ".old")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        manifest = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "name": name,
            "model": {"family": "gpt-sovits-distilled", "version": "1"},
            **_rates(decoder),
            "languages": sorted({speaker.language for speaker in speakers.values()}),
            "symbols": "gpt-sovits-v2",
            "gpt": _gpt(gpt),
            "decoder": _decoder(decoder),
            "sampling": asdict(sampling),
            "graphs": _copy_graphs(graphs, part),
            "speakers": _write_speakers(speakers, part),
            "default_speaker": default_speaker,
            "adapters": {"targets": [], "max_rank": 0},
            "licence": "Apache-2.0",
            "provenance": dict(provenance),
        }
        for stem, tensors in (golden or {}).items():
            (part / "golden").mkdir(exist_ok=True)
            arrays: dict[str, Any] = dict(tensors)
            np.savez_compressed(part / "golden" / f"{stem}.npz", **arrays)
        (part / "card.md").write_text(card, encoding="utf-8")
        written = sorted(p for p in part.rglob("*") if p.is_file())
        files = {p.relative_to(part).as_posix(): _file_entry(p) for p in written}
        raw = json.dumps({**manifest, "files": files}, indent=1, ensure_ascii=False).encode()
        parse_manifest(raw)
        (part / "manifest.json").write_bytes(raw)
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        part.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _copy_graphs(source: Path, part: Path) -> dict[str, Any]:
    """Copy the four graphs; returns their manifest entries."""
    (part / "graphs").mkdir()
    entries = {}
    for graph in GRAPHS:
        path = part / "graphs" / f"{graph}.onnx"
        shutil.copyfile(source / f"{graph}.onnx", path)
        model = onnx.load(str(path)).graph
        entries[graph] = {
            "file": f"graphs/{graph}.onnx",
            "inputs": _tensors(model.input),
            "outputs": _tensors(model.output),
        }
    return entries


def _write_speakers(speakers: Mapping[str, BundleSpeaker], part: Path) -> dict[str, Any]:
    """Write one file of speaker tokens each (no prompt); returns their manifest entries."""
    (part / "speakers").mkdir()
    entries = {}
    for name, speaker in speakers.items():
        arrays: dict[str, NDArray[Any]] = {
            "prompt_semantic": np.zeros(0, np.int64),
            "prompt_phones": np.zeros(0, np.int64),
            "prompt_features": np.zeros((0, len(speaker.features)), np.float32),
            "features": speaker.features.astype(np.float32),
            "ge": speaker.ge.astype(np.float32),
        }
        (part / "speakers" / f"{name}.safetensors").write_bytes(save(arrays))
        entries[name] = {
            "file": f"speakers/{name}.safetensors",
            "language": speaker.language,
            "description": speaker.description,
            "phrase_breaks": speaker.phrase_breaks,
        }
    return entries


def _rates(decoder: DecoderConfig) -> dict[str, int]:
    rate = decoder.sample_rate
    return {"sample_rate": rate, "token_rate_hz": rate // decoder.hop // _FRAMES_PER_TOKEN}


def _gpt(config: GPTConfig) -> dict[str, int]:
    return {
        "vocab_size": config.vocab_size,
        "eos": config.eos,
        "layers": config.n_layer,
        "heads": config.head,
        "head_dim": config.hidden_dim // config.head,
        "max_context": _MAX_CONTEXT,
        "feature_dim": config.feature_dim,
        "state_dim": config.hidden_dim,
    }


def _decoder(config: DecoderConfig) -> dict[str, int]:
    return {
        "frames_per_token": _FRAMES_PER_TOKEN,
        "samples_per_frame": config.hop,
        "latent_channels": config.dim,
        "latent_context_tokens": config.latent_context_tokens,
        "vocoder_context_frames": _VOCODER_CONTEXT_FRAMES,
        "ge_dim": config.ge_dim,
    }
