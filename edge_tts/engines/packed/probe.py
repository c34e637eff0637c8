"""Inputs that a graph of a voice can be run with, to compare two forms of it (docs/bundle.md: The graphs)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edge_tts.bundle.spec import GraphEntry, Manifest, TensorSpec
from edge_tts.engines.api import Array

__all__ = ["LONG", "SHORT", "Sizes", "probe"]


@dataclass(frozen=True)
class Sizes:
    """How much a probe holds: phones, tokens (of the prompt, of `latents`), rows of the KV cache, frames."""

    phones: int
    tokens: int
    rows: int
    frames: int


SHORT = Sizes(phones=11, tokens=7, rows=20, frames=20)
LONG = Sizes(phones=60, tokens=90, rows=400, frames=50)
"""About a sentence of twelve words in its middle, where speed is measured."""

_INTS = ("phones", "codes", "prompt", "token")


def probe(entry: GraphEntry, manifest: Manifest, sizes: Sizes) -> dict[str, Array]:
    """Inputs of one of a bundle's graphs for the runtime, the same at every call; adapters keep their defaults."""
    random = np.random.Generator(np.random.Philox(7))
    return {name: _array(name, spec, entry, manifest, sizes, random) for name, spec in sorted(entry.inputs.items())}


def _array(
    name: str, spec: TensorSpec, entry: GraphEntry, manifest: Manifest, sizes: Sizes, random: np.random.Generator
) -> Array:
    rows = min(sizes.rows, manifest.gpt.max_context)
    values = {
        "position": sizes.tokens,
        "seqlens_k": rows - 2,
        "total_length": rows - 1,
        "frames": _frames(entry, manifest, sizes),
    }
    shape = tuple(size if isinstance(size, int) else _size(name, entry, manifest, sizes) for size in spec.shape)
    dtype = np.dtype(spec.dtype)
    if name in values:
        return np.full(shape, values[name], dtype)
    if name in _INTS:
        return random.integers(0, 60, shape).astype(dtype)
    if dtype == np.int8:
        return random.integers(-90, 91, shape).astype(dtype)
    if dtype.kind == "f":
        return random.standard_normal(shape).astype(dtype)
    return np.zeros(shape, dtype)  # pointers, and the ids of text features


def _size(name: str, entry: GraphEntry, manifest: Manifest, sizes: Sizes) -> int:
    """The varying size of an input; none has two."""
    if name.startswith("past_"):
        return min(sizes.rows, manifest.gpt.max_context)
    if name == "noise":
        frames = _frames(entry, manifest, sizes)
        return frames if "codes" in entry.inputs else frames * manifest.decoder.samples_per_frame
    known: Mapping[str, int] = {"codes": sizes.tokens, "prompt": sizes.tokens, "align": sizes.tokens, "z": sizes.frames}
    return known.get(name, sizes.phones)


def _frames(entry: GraphEntry, manifest: Manifest, sizes: Sizes) -> int:
    return sizes.tokens * manifest.decoder.frames_per_token if "codes" in entry.inputs else sizes.frames
