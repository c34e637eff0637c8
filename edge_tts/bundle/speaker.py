"""Speaker tokens: all that a reference recording contributes, computed once (one safetensors file per speaker)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import safetensors
from numpy.typing import NDArray
from safetensors.numpy import load

from edge_tts.bundle.spec import Manifest
from edge_tts.errors import BundleError

__all__ = ["SpeakerTokens", "parse_speaker"]


@dataclass(frozen=True)
class SpeakerTokens:
    """What the graphs need to know of a speaker.

    prompt_semantic int64 [S], prompt_phones int64 [Pp], prompt_features float32 [Pp, F], features float32 [F] (the same
    for every target phone that has no text features of its own), ge float32 [G] (the speaker embedding),
    latents_condition float32 [A] and vocoder_condition float32 [B] (what those two graphs need of it). S and Pp may
    be 0.
    """

    prompt_semantic: NDArray[np.int64]
    prompt_phones: NDArray[np.int64]
    prompt_features: NDArray[np.float32]
    features: NDArray[np.float32]
    ge: NDArray[np.float32]
    latents_condition: NDArray[np.float32]
    vocoder_condition: NDArray[np.float32]


def parse_speaker(raw: bytes, manifest: Manifest, what: str) -> SpeakerTokens:
    """Bytes of a safetensors file → SpeakerTokens. Raises BundleError naming the tensor that is wrong."""
    try:
        tensors = load(raw)
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError, AttributeError) as error:
        # KeyError and the like: a data type that numpy lacks.
        raise BundleError(f"{what} is not a safetensors file: {' '.join(str(error).split())}") from None

    def take(name: str, dtype: type[np.generic], rank: int) -> NDArray[np.generic]:
        if name not in tensors:
            raise BundleError(f"{what} has no tensor {name!r}")
        tensor: NDArray[np.generic] = tensors[name]
        if tensor.dtype != np.dtype(dtype) or tensor.ndim != rank:
            expected = f"{np.dtype(dtype)} with {rank} dimensions"
            raise BundleError(f"{what}: {name!r} must be {expected}, not {tensor.dtype} {list(tensor.shape)}")
        return tensor

    speaker = SpeakerTokens(
        prompt_semantic=take("prompt_semantic", np.int64, 1).astype(np.int64),
        prompt_phones=take("prompt_phones", np.int64, 1).astype(np.int64),
        prompt_features=take("prompt_features", np.float32, 2).astype(np.float32),
        features=take("features", np.float32, 1).astype(np.float32),
        ge=take("ge", np.float32, 1).astype(np.float32),
        latents_condition=take("latents_condition", np.float32, 1).astype(np.float32),
        vocoder_condition=take("vocoder_condition", np.float32, 1).astype(np.float32),
    )
    _check(speaker, manifest, what)
    return speaker


def _check(speaker: SpeakerTokens, manifest: Manifest, what: str) -> None:
    gpt = manifest.gpt
    if speaker.prompt_features.shape != (len(speaker.prompt_phones), gpt.feature_dim):
        shape = list(speaker.prompt_features.shape)
        raise BundleError(f"{what}: 'prompt_features' is {shape}, not [prompt phones, {gpt.feature_dim}]")
    if speaker.features.shape != (gpt.feature_dim,):
        raise BundleError(f"{what}: 'features' has {len(speaker.features)} values, not {gpt.feature_dim}")
    for graph in ("latents", "vocoder"):
        name = f"{graph}_condition"
        wanted, found = manifest.graphs[graph].inputs.get("condition"), len(getattr(speaker, name))
        if wanted is not None and wanted.shape[-1:] != (found,):
            raise BundleError(f"{what}: {name!r} has {found} values, not {wanted.shape[-1]}")
    for name in ("prompt_features", "features", "ge", "latents_condition", "vocoder_condition"):
        if not np.isfinite(getattr(speaker, name)).all():
            raise BundleError(f"{what}: {name!r} holds values that are not finite")
    prompt = speaker.prompt_semantic
    if len(prompt) and not 0 <= int(prompt.min()) <= int(prompt.max()) < gpt.eos:
        raise BundleError(f"{what}: 'prompt_semantic' holds tokens outside 0..{gpt.eos - 1}")
    if len(speaker.prompt_phones) and int(speaker.prompt_phones.min()) < 0:
        raise BundleError(f"{what}: 'prompt_phones' holds negative ids")
