"""The manifest of a bundle: a typed model of manifest.json, format version 2 (docs/bundle.md).

Pure: bytes in, dataclasses out. Every rule that concerns one key alone is checked here; rules that concern the files
themselves are checked in `edge_tts.bundle.reader`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from edge_tts.bundle.fields import Fields, parse_object
from edge_tts.bundle.spec import (
    AdapterSpec,
    CertificateEntry,
    DecoderSpec,
    FileEntry,
    GptSpec,
    GraphEntry,
    Manifest,
    Profile,
    QuantizationEntry,
    Sampling,
    SpeakerEntry,
    TensorRTEntry,
    TensorRTGraphEntry,
    TensorSpec,
    TextFeaturesEntry,
)
from edge_tts.errors import BundleError

__all__ = ["FORMAT", "FORMAT_VERSION", "GRAPHS", "MAX_MANIFEST_BYTES", "parse_manifest"]

FORMAT = "edge-tts-bundle"
FORMAT_VERSION = 2
GRAPHS = ("gpt_prefill", "gpt_step", "latents", "vocoder")
ENROLLMENT_GRAPHS = ("semantic", "reference", "condition")
TARGETS = ("cpu", "tensorrt")
KV_CACHES = ("float32", "int8")
SYMBOLS = ("gpt-sovits-v1", "gpt-sovits-v2")
DTYPES = ("float32", "float16", "int64", "int32", "int8", "uint8")
MAX_MANIFEST_BYTES = 1 << 20
MAX_FILE_BYTES = 1 << 30
MAX_FILES = 1000
MAX_PROFILES = 16
MAX_SIZE = 1 << 24

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


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
    root.object("provenance")
    manifest = Manifest(
        name=_name(root, "name"),
        family=model.text("family"),
        version=model.text("version"),
        sample_rate=root.integer("sample_rate", 8000, 96000),
        token_rate_hz=root.number("token_rate_hz", 1, 1000),
        languages=root.texts("languages"),
        symbols=_symbols(root),
        gpt=_gpt(root.object("gpt")),
        decoder=_decoder(root.object("decoder")),
        sampling=_sampling(root.object("sampling")),
        graphs=_graphs(root.object("graphs")),
        speakers=_speakers(root.object("speakers")),
        default_speaker=root.optional_text("default_speaker"),
        adapters=_adapters(root.object("adapters")),
        enrollment=_enrollment(root),
        text_features=_text_features(root),
        licence=root.text("licence"),
        files=_files(root.object("files")),
        quantization=_quantization(root),
        certificate=_certificate(root),
        tensorrt=_tensorrt(root),
    )
    _check_references(root, manifest)
    return manifest


def _check_references(root: Fields, manifest: Manifest) -> None:
    """Rules between keys: what one names, another must list."""
    decoder = manifest.decoder
    rate = manifest.token_rate_hz * decoder.frames_per_token * decoder.samples_per_frame
    if rate != manifest.sample_rate:
        raise root.fail("sample_rate", f"is {manifest.sample_rate}, but tokens, frames and samples make {rate:g}")
    default = manifest.default_speaker
    if default is None and manifest.speakers:
        raise root.fail("default_speaker", "must name one of 'speakers'")
    if default is not None and default not in manifest.speakers:
        raise root.fail("default_speaker", f"is {default!r}, which 'speakers' does not list")
    for key, file in _named_files(manifest):
        if file not in manifest.files:
            raise root.fail(key, f"is {file!r}, which 'files' does not list")


def _named_files(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Every file that the manifest names, with the key that names it."""
    for kind, graphs in (("graphs", manifest.graphs), ("enrollment", manifest.enrollment)):
        for name, graph in graphs.items():
            yield f"{kind}.{name}.file", graph.file
    for name, speaker in manifest.speakers.items():
        yield f"speakers.{name}.file", speaker.file
    if manifest.certificate is not None:
        yield "certificate.file", manifest.certificate.file
    for name, graph in (manifest.tensorrt.graphs if manifest.tensorrt else {}).items():
        yield f"tensorrt.graphs.{name}.file", graph.file
    for language, features in manifest.text_features.items():
        yield f"text_features.{language}.graph.file", features.graph.file
        yield f"text_features.{language}.vocabulary", features.vocabulary


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
        latent_context_tokens=fields.optional_integer("latent_context_tokens", 0, 1000),
        vocoder_context_frames=fields.integer("vocoder_context_frames", 0, 1000),
        noise_scale=fields.number("noise_scale", 0.0, 10.0),
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


def _symbols(root: Fields) -> str:
    name = root.text("symbols")
    if name not in SYMBOLS:
        raise root.fail("symbols", f"must be one of {', '.join(SYMBOLS)}, not {name[:60]!r}")
    return name


def _adapters(fields: Fields) -> AdapterSpec:
    return AdapterSpec(fields.texts("targets"), fields.integer("max_rank", 0, 1 << 10))


def _enrollment(root: Fields) -> dict[str, GraphEntry]:
    if "enrollment" not in root:
        return {}
    fields = root.object("enrollment")
    return {name: _graph(fields.object(name)) for name in ENROLLMENT_GRAPHS if name in fields}


def _text_features(root: Fields) -> dict[str, TextFeaturesEntry]:
    if "text_features" not in root:
        return {}
    entries = root.object("text_features").items()
    return {
        language: TextFeaturesEntry(_graph(entry.object("graph")), entry.text("vocabulary"))
        for language, entry in entries
    }


def _quantization(root: Fields) -> QuantizationEntry | None:
    if "quantization" not in root:
        return None
    fields = root.object("quantization")
    targets, kv_cache = fields.texts("targets"), fields.text("kv_cache")
    if not targets or not set(targets) <= set(TARGETS):
        raise fields.fail("targets", f"must be among {', '.join(TARGETS)}")
    if kv_cache not in KV_CACHES:
        raise fields.fail("kv_cache", f"must be one of {', '.join(KV_CACHES)}, not {kv_cache[:60]!r}")
    return QuantizationEntry(fields.text("source"), targets, kv_cache)


def _certificate(root: Fields) -> CertificateEntry | None:
    if "certificate" not in root:
        return None
    fields = root.object("certificate")
    return CertificateEntry(fields.text("file"), fields.flag("passed", False))


def _tensorrt(root: Fields) -> TensorRTEntry | None:
    if "tensorrt" not in root:
        return None
    fields = root.object("tensorrt")
    graphs = {}
    for name, entry in fields.object("graphs").items():
        if name not in GRAPHS:
            raise entry.fail("file", f"belongs to no graph that is known: {', '.join(GRAPHS)}")
        graph = _graph(entry)
        graphs[name] = TensorRTGraphEntry(graph.file, graph.inputs, graph.outputs, _profiles(entry, graph))
    return TensorRTEntry(fields.integer("max_rank", 0, 1 << 10), graphs)


def _profiles(fields: Fields, graph: GraphEntry) -> tuple[Profile, ...]:
    """Every profile bounds every size that a graph's inputs name."""
    sizes = {size for spec in graph.inputs.values() for size in spec.shape if isinstance(size, str)}
    profiles = []
    for item in fields.objects("profiles", MAX_PROFILES):
        profile = {name: item.bounds(name, 0, MAX_SIZE) for name in item}
        if set(profile) != sizes:
            raise fields.fail("profiles", f"must bound {', '.join(sorted(sizes)) or 'nothing'} each")
        profiles.append(profile)
    if not profiles:
        raise fields.fail("profiles", "must not be empty")
    return tuple(profiles)


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
