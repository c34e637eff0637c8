"""What a manifest says, as dataclasses; `edge_tts.bundle.manifest` reads and checks it (docs/bundle.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = [
    "AdapterSpec",
    "CertificateEntry",
    "DecoderSpec",
    "FileEntry",
    "GptSpec",
    "GraphEntry",
    "Manifest",
    "Profile",
    "QuantizationEntry",
    "Sampling",
    "SpeakerEntry",
    "TensorRTEntry",
    "TensorRTGraphEntry",
    "TensorSpec",
    "TextFeaturesEntry",
]

Profile = Mapping[str, tuple[int, int, int]]
"""Sizes that vary → (least, most usual, greatest)."""


@dataclass(frozen=True)
class TensorSpec:
    """A graph's input or output. `shape` holds sizes, and names where the size varies."""

    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class GraphEntry:
    """One graph: its file and all that goes in and out of it."""

    file: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


@dataclass(frozen=True)
class GptSpec:
    """Dimensions of the GPT. `max_context` counts rows of the KV cache, `state_dim` is 0 where there is no state."""

    vocab_size: int
    eos: int
    layers: int
    heads: int
    head_dim: int
    max_context: int
    feature_dim: int
    state_dim: int


@dataclass(frozen=True)
class DecoderSpec:
    """Dimensions of the acoustic decoder; the two contexts are its receptive fields on each side.

    `latent_context_tokens` is None where a token's latents depend on all tokens of the sentence (GPT-SoVITS's text
    encoder attends to everything). `noise_scale` multiplies the standard normal noise that `latents` takes.
    """

    frames_per_token: int
    samples_per_frame: int
    latent_channels: int
    latent_context_tokens: int | None
    vocoder_context_frames: int
    noise_scale: float


@dataclass(frozen=True)
class Sampling:
    """The voice's own sampling settings, in the sense of GPT-SoVITS."""

    top_k: int
    top_p: float
    temperature: float
    repetition_penalty: float
    min_tokens: int


@dataclass(frozen=True)
class SpeakerEntry:
    """One speaker: its file, language code and a description for people. `phrase_breaks`: it was trained with a
    pause wherever the reader made one, so those that no punctuation gives must be predicted."""

    file: str
    language: str
    description: str
    phrase_breaks: bool = False


@dataclass(frozen=True)
class TextFeaturesEntry:
    """The graph that makes text features of a language's characters, and its vocabulary file."""

    graph: GraphEntry
    vocabulary: str


@dataclass(frozen=True)
class AdapterSpec:
    """Which linears of the GPT take a LoRA delta, and the greatest rank that is provided for."""

    targets: tuple[str, ...]
    max_rank: int


@dataclass(frozen=True)
class QuantizationEntry:
    """How a bundle became INT8: the float bundle's id, for whom ("cpu", "tensorrt"), and the KV cache's type."""

    source: str
    targets: tuple[str, ...]
    kv_cache: str


@dataclass(frozen=True)
class CertificateEntry:
    """The file that says how an INT8 bundle compares with its float one, and whether it met every bar."""

    file: str
    passed: bool


@dataclass(frozen=True)
class TensorRTGraphEntry(GraphEntry):
    """A graph for TensorRT; a profile bounds every size that varies, and there is one engine for all profiles."""

    profiles: tuple[Profile, ...]


@dataclass(frozen=True)
class TensorRTEntry:
    """The graphs that a board may build engines of; their adapters have `max_rank` rows, padded with zeros."""

    max_rank: int
    graphs: Mapping[str, TensorRTGraphEntry]


@dataclass(frozen=True)
class FileEntry:
    """What a file's bytes must be."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Manifest:
    """manifest.json, checked. A voice that was just imported has no speakers, and `default_speaker` is None.

    `enrollment` holds the graphs that make speaker tokens (the builder runs them), `text_features` what each language
    has of text features. `quantization` is None in a float bundle.
    """

    name: str
    family: str
    version: str
    sample_rate: int
    token_rate_hz: float
    languages: tuple[str, ...]
    symbols: str
    gpt: GptSpec
    decoder: DecoderSpec
    sampling: Sampling
    graphs: Mapping[str, GraphEntry]
    speakers: Mapping[str, SpeakerEntry]
    default_speaker: str | None
    adapters: AdapterSpec
    enrollment: Mapping[str, GraphEntry]
    text_features: Mapping[str, TextFeaturesEntry]
    licence: str
    files: Mapping[str, FileEntry]
    quantization: QuantizationEntry | None = None
    certificate: CertificateEntry | None = None
    tensorrt: TensorRTEntry | None = None
