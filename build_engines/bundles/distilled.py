"""The bundle of a distilled voice: trained networks' dimensions, graphs and speakers, as a manifest says them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from build_engines.bundles.writer import draft, graph_entry, seal, write_goldens
from build_engines.models.decoder import DecoderConfig
from build_engines.models.gpt import GPTConfig
from edge_tts.bundle import Sampling
from edge_tts.bundle.manifest import GRAPHS

__all__ = ["BundleSpeaker", "write_bundle"]

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
    adapters: Mapping[str, Any] | None = None,
) -> None:
    """Make the bundle beside ``target`` and rename it into place when it is whole; an older one is replaced.

    ``graphs`` is the folder of the ``.onnx`` files (``reference.onnx``, for enrolment, may be missing), ``golden``
    names arrays per file of inputs and outputs, ``adapters`` says which linears of the graphs take a LoRA delta.
    Raises BundleError, and leaves an older bundle as it was, when a reader would refuse the manifest.
    """
    with draft(target) as part:
        manifest = {
            "name": name,
            "model": {"family": "gpt-sovits-distilled", "version": "1"},
            **_rates(decoder),
            "languages": sorted({speaker.language for speaker in speakers.values()}),
            "symbols": "gpt-sovits-v2",
            "gpt": _gpt(gpt),
            "decoder": _decoder(decoder),
            "sampling": asdict(sampling),
            "graphs": {graph: _copy(graphs, part, "graphs", graph) for graph in GRAPHS},
            "enrollment": {
                graph: _copy(graphs, part, "enrollment", graph)
                for graph in ("reference",)
                if (graphs / f"{graph}.onnx").exists()
            },
            "speakers": _write_speakers(speakers, part),
            "default_speaker": default_speaker,
            "adapters": dict(adapters or {"targets": [], "max_rank": 0}),
            "licence": "Apache-2.0",
            "provenance": dict(provenance),
        }
        write_goldens(part, golden or {})
        (part / "card.md").write_text(card, encoding="utf-8")
        seal(part, target, manifest)


def _copy(source: Path, part: Path, folder: str, graph: str) -> dict[str, Any]:
    (part / folder).mkdir(exist_ok=True)
    shutil.copyfile(source / f"{graph}.onnx", part / folder / f"{graph}.onnx")
    return graph_entry(part, f"{folder}/{graph}.onnx")


def _write_speakers(speakers: Mapping[str, BundleSpeaker], part: Path) -> dict[str, Any]:
    """Write one file of speaker tokens each (no prompt); returns their manifest entries."""
    (part / "speakers").mkdir()
    entries = {}
    for name, speaker in speakers.items():
        ge = speaker.ge.astype(np.float32)
        arrays: dict[str, NDArray[Any]] = {
            "prompt_semantic": np.zeros(0, np.int64),
            "prompt_phones": np.zeros(0, np.int64),
            "prompt_features": np.zeros((0, len(speaker.features)), np.float32),
            "features": speaker.features.astype(np.float32),
            "ge": ge,
            "latents_condition": ge,
            "vocoder_condition": ge.copy(),
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


def _decoder(config: DecoderConfig) -> dict[str, float]:
    return {
        "frames_per_token": _FRAMES_PER_TOKEN,
        "samples_per_frame": config.hop,
        "latent_channels": config.dim,
        "latent_context_tokens": config.latent_context_tokens,
        "vocoder_context_frames": _VOCODER_CONTEXT_FRAMES,
        "noise_scale": 0.0,
    }
