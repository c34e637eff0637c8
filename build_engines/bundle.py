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
_VOCODER_CONTEXT_FRAMES = 4  # a 720-sample window and a 1024-sample filtered frame at a hop of 240


@dataclass(frozen=True)
class BundleSpeaker:
    """``ge`` float32 [G] conditions the decoder; ``features`` [F] is the GPT's text feature, tiled over the phones."""

    features: NDArray[np.float32]
    ge: NDArray[np.float32]
    language: str
    description: str


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
    """Make the bundle beside ``target`` and rename it into place when it is whole; an older one is replaced."""
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "graphs").mkdir(parents=True)
    (part / "speakers").mkdir()
    entries = {}
    for graph in GRAPHS:
        path = part / "graphs" / f"{graph}.onnx"
        shutil.copyfile(graphs / f"{graph}.onnx", path)
        model = onnx.load(str(path)).graph
        entries[graph] = {
            "file": f"graphs/{graph}.onnx",
            "inputs": _tensors(model.input),
            "outputs": _tensors(model.output),
        }
    listed = {}
    for speaker, tokens in speakers.items():
        arrays = {
            "prompt_semantic": np.zeros(0, np.int64),
            "prompt_phones": np.zeros(0, np.int64),
            "prompt_features": np.zeros((0, len(tokens.features)), np.float32),
            "features": tokens.features.astype(np.float32),
            "ge": tokens.ge.astype(np.float32),
        }
        path = part / "speakers" / f"{speaker}.safetensors"
        path.write_bytes(save(arrays))
        listed[speaker] = {
            "file": f"speakers/{speaker}.safetensors",
            "language": tokens.language,
            "description": tokens.description,
        }
    for stem, tensors in (golden or {}).items():
        (part / "golden").mkdir(exist_ok=True)
        np.savez_compressed(part / "golden" / f"{stem}.npz", **dict(tensors))
    (part / "card.md").write_text(card, encoding="utf-8")
    files = {str(p.relative_to(part)): _file_entry(p) for p in sorted(part.rglob("*")) if p.is_file()}
    manifest = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": name,
        "model": {"family": "gpt-sovits-distilled", "version": "1"},
        "sample_rate": decoder.sample_rate,
        "token_rate_hz": decoder.sample_rate // decoder.hop // 4,
        "languages": ["en"],
        "symbols": "gpt-sovits-v2",
        "text": {"phrase_breaks": True},
        "gpt": {
            "vocab_size": gpt.vocab_size,
            "eos": gpt.eos,
            "layers": gpt.n_layer,
            "heads": gpt.head,
            "head_dim": gpt.hidden_dim // gpt.head,
            "max_context": _MAX_CONTEXT,
            "feature_dim": gpt.feature_dim,
            "state_dim": gpt.hidden_dim,
        },
        "decoder": {
            "frames_per_token": 4,
            "samples_per_frame": decoder.hop,
            "latent_channels": decoder.dim,
            "latent_context_tokens": decoder.latent_context_tokens,
            "vocoder_context_frames": _VOCODER_CONTEXT_FRAMES,
            "ge_dim": decoder.ge_dim,
        },
        "sampling": asdict(sampling),
        "graphs": entries,
        "speakers": listed,
        "default_speaker": default_speaker,
        "adapters": {"targets": [], "max_rank": 0},
        "licence": "Apache-2.0",
        "provenance": dict(provenance),
        "files": files,
    }
    raw = json.dumps(manifest, indent=1, ensure_ascii=False).encode()
    parse_manifest(raw)
    (part / "manifest.json").write_bytes(raw)
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
