"""The manifest of a bundle: a typed model of manifest.json, format version 1 (docs/bundle.md).

Pure: bytes in, dataclasses out. Every rule that concerns one key alone is checked here; rules that concern the files
themselves are checked in `edge_tts.bundle.reader`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from edge_tts.bundle.fields import Fields, parse_object
from edge_tts.errors import BundleError

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "GRAPHS",
    "MAX_MANIFEST_BYTES",
    "DecoderSpec",
    "FileEntry",
    "GptSpec",
    "GraphEntry",
    "Manifest",
    "Sampling",
    "SpeakerEntry",
    "TensorSpec",
    "parse_manifest",
]

FORMAT = "edge-tts-bundle"
FORMAT_VERSION = 1
GRAPHS = ("gpt_prefill", "gpt_step", "latents", "vocoder")
DTYPES = ("float32", "float16", "int64", "int32", "int8", "uint8")
MAX_MANIFEST_BYTES = 1 << 20
MAX_FILE_BYTES = 1 << 30
MAX_FILES = 1000

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


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
    """Dimensions of the acoustic decoder; the two contexts are its receptive fields on each side."""

    frames_per_token: int
    samples_per_frame: int
    latent_channels: int
    latent_context_tokens: int
    vocoder_context_frames: int
    ge_dim: int


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
class FileEntry:
    """What a file's bytes must be."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Manifest:
    """manifest.json, checked."""

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
    default_speaker: str
    licence: str
    files: Mapping[str, FileEntry]


def parse_manifest(raw: bytes, what: str = "manifest.json") -> Manifest:
    """Bytes of manifest.json → Manifest. Raises BundleError with one line that names the key."""
    if len(raw) > MAX_MANIFEST_BYTES:
        raise BundleError(f"{what} is larger than {MAX_MANIFEST_BYTES} bytes")
    root = parse_object(raw, what)
    if root.text("format") != FORMAT:
        raise root.fail("format", f"must be {FORMAT!r}: this is not a bundle of ours")
    version = root.integer("format_version", 0, 1 << 31)
    if version != FORMAT_VERSION:
        raise root.fail("format_version", f"is {version}, this program reads {FORMAT_VERSION}; update the older one")
    model = root.object("model")
    root.object("adapters")
    root.object("provenance")
    manifest = Manifest(
        name=_name(root, "name"),
        family=model.text("family"),
        version=model.text("version"),
        sample_rate=root.integer("sample_rate", 8000, 96000),
        token_rate_hz=root.number("token_rate_hz", 1, 1000),
        languages=root.texts("languages"),
        symbols=root.text("symbols"),
        gpt=_gpt(root.object("gpt")),
        decoder=_decoder(root.object("decoder")),
        sampling=_sampling(root.object("sampling")),
        graphs=_graphs(root.object("graphs")),
        speakers=_speakers(root.object("speakers")),
        default_speaker=root.text("default_speaker"),
        licence=root.text("licence"),
        files=_files(root.object("files")),
    )
    _check_references(root, manifest)
    return manifest


def _check_references(root: Fields, manifest: Manifest) -> None:
    """Rules between keys: what one names, another must list."""
    decoder = manifest.decoder
    rate = manifest.token_rate_hz * decoder.frames_per_token * decoder.samples_per_frame
    if rate != manifest.sample_rate:
        raise root.fail("sample_rate", f"is {manifest.sample_rate}, but tokens, frames and samples make {rate:g}")
    if manifest.default_speaker not in manifest.speakers:
        raise root.fail("default_speaker", f"is {manifest.default_speaker!r}, which 'speakers' does not list")
    for kind, entries in (("graphs", manifest.graphs), ("speakers", manifest.speakers)):
        for name, entry in entries.items():
            if entry.file not in manifest.files:
                raise root.fail(f"{kind}.{name}.file", f"is {entry.file!r}, which 'files' does not list")


def _name(fields: Fields, key: str) -> str:
    value = fields.text(key)
    if not _NAME.fullmatch(value):
        raise fields.fail(key, f"must be letters, digits, '.', '_' and '-', not {value[:60]!r}")
    return value


def _gpt(fields: Fields) -> GptSpec:
    spec = GptSpec(
        vocab_size=fields.integer("vocab_size", 2, 1 << 20),
        eos=fields.integer("eos", 0, 1 << 20),
        layers=fields.integer("layers", 1, 256),
        heads=fields.integer("heads", 1, 256),
        head_dim=fields.integer("head_dim", 1, 1024),
        max_context=fields.integer("max_context", 2, 1 << 16),
        feature_dim=fields.integer("feature_dim", 1, 1 << 14),
        state_dim=fields.integer("state_dim", 0, 1 << 14),
    )
    # The sampler drops the end-of-sequence column by slicing it off, as GPT-SoVITS does.
    if spec.eos != spec.vocab_size - 1:
        raise fields.fail("eos", f"must be vocab_size - 1 = {spec.vocab_size - 1}, not {spec.eos}")
    return spec


def _decoder(fields: Fields) -> DecoderSpec:
    return DecoderSpec(
        frames_per_token=fields.integer("frames_per_token", 1, 64),
        samples_per_frame=fields.integer("samples_per_frame", 1, 1 << 13),
        latent_channels=fields.integer("latent_channels", 1, 1 << 14),
        latent_context_tokens=fields.integer("latent_context_tokens", 0, 1000),
        vocoder_context_frames=fields.integer("vocoder_context_frames", 0, 1000),
        ge_dim=fields.integer("ge_dim", 1, 1 << 14),
    )


def _sampling(fields: Fields) -> Sampling:
    return Sampling(
        top_k=fields.integer("top_k", 1, 1 << 20),
        top_p=fields.number("top_p", 0.0, 1.0),
        temperature=fields.number("temperature", 0.0, 10.0),
        repetition_penalty=fields.number("repetition_penalty", 0.1, 10.0),
        min_tokens=fields.integer("min_tokens", 0, 1000),
    )


def _graphs(fields: Fields) -> dict[str, GraphEntry]:
    return {name: _graph(fields.object(name)) for name in GRAPHS}


def _graph(fields: Fields) -> GraphEntry:
    return GraphEntry(fields.text("file"), _tensors(fields.object("inputs")), _tensors(fields.object("outputs")))


def _tensors(fields: Fields) -> dict[str, TensorSpec]:
    tensors = {}
    for name, entry in fields.items():
        dtype = entry.text("dtype")
        if dtype not in DTYPES:
            raise entry.fail("dtype", f"must be one of {', '.join(DTYPES)}, not {dtype[:60]!r}")
        tensors[name] = TensorSpec(dtype, entry.dimensions("shape"))
    return tensors


def _speakers(fields: Fields) -> dict[str, SpeakerEntry]:
    speakers = {}
    for name, entry in fields.items():
        if not _NAME.fullmatch(name):
            raise fields.fail(name[:60], "must be a name of letters, digits, '.', '_' and '-'")
        speakers[name] = SpeakerEntry(
            entry.text("file"), entry.text("language"), entry.text("description"), entry.flag("phrase_breaks", False)
        )
    return speakers


def _files(fields: Fields) -> dict[str, FileEntry]:
    if len(fields) > MAX_FILES:
        raise BundleError(f"manifest.json lists {len(fields)} files; at most {MAX_FILES} are read")
    files = {}
    for path, entry in fields.items():
        if not _is_confined(path):
            raise fields.fail(path[:100], "must be a plain relative path inside the bundle")
        digest = entry.text("sha256")
        if not _SHA256.fullmatch(digest):
            raise entry.fail("sha256", "must be 64 lower-case hexadecimal digits")
        files[path] = FileEntry(digest, entry.integer("bytes", 0, MAX_FILE_BYTES))
    return files


def _is_confined(path: str) -> bool:
    """A relative POSIX path of plain components: no drive, no backslash, no '.', '..' or empty component."""
    parts = path.split("/")
    plain = not any(c in path for c in "\\:\0") and path.isprintable() and len(path) <= 240
    return plain and path != "manifest.json" and all(part not in ("", ".", "..") for part in parts)
