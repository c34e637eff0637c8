"""Loads a bundle's four graphs and holds them to the manifest: names, types and sizes of all inputs and outputs.

What each graph must take and give is fixed by the bundle format; what it may take besides is what the runtime knows to
feed. A manifest that lists less (a genuine GPT-SoVITS voice has no pointer) is fine, an engine that sees something
else than the manifest says is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_tts.bundle import Bundle, Manifest, TensorSpec
from edge_tts.bundle.manifest import GRAPHS
from edge_tts.bundle.spec import GptSpec, GraphEntry
from edge_tts.engines import Engine, Graph, TensorInfo
from edge_tts.errors import BundleError, EngineError
from edge_tts.gpt.decoder import GptGraphs
from edge_tts.sovits.stream import AcousticGraphs
from edge_tts.text_features import TextFeatures

if TYPE_CHECKING:
    from edge_tts.engines.packed.cache import PackedVoice

__all__ = ["VoiceGraphs", "load_graphs"]


@dataclass(frozen=True)
class VoiceGraphs:
    """All graphs of a voice."""

    gpt: GptGraphs
    acoustic: AcousticGraphs
    text_features: Mapping[str, TextFeatures]


@dataclass(frozen=True)
class _Interface:
    """Names that a graph must have, and those it may have."""

    inputs: frozenset[str]
    optional_inputs: frozenset[str]
    outputs: frozenset[str]


def load_graphs(
    bundle: Bundle,
    engine: Engine,
    accelerated: Mapping[str, Graph] | None = None,
    packed: PackedVoice | None = None,
) -> VoiceGraphs:
    """Reads, checks and loads each graph, and checks the bundle's other files. Raises BundleError, EngineError.

    `accelerated` are graphs that run on TensorRT already, `packed` has packed forms of others; the engine loads the
    rest.
    """
    manifest, accelerated = bundle.manifest, accelerated or {}
    _check_interfaces(manifest)
    used: set[str] = set()

    def from_bundle(name: str, entry: GraphEntry) -> Graph:
        model, files = bundle.graph(entry, used)
        used.update(files)
        try:
            return engine.load(name, model)
        except EngineError as error:
            raise _explained(name, manifest, error) from None

    def from_packed(name: str, packed: PackedVoice) -> Graph:
        stands_for = packed.graphs[name].stands_for
        bundle.check_present(stands_for)
        used.update(stands_for)
        return packed.load(name)

    def load(name: str, entry: GraphEntry) -> Graph:
        if name in accelerated:
            return _checked(name, entry, manifest, accelerated[name])
        graph = from_packed(name, packed) if packed is not None and name in packed.graphs else from_bundle(name, entry)
        _compare(name, "input", entry.inputs, graph.inputs)
        _compare(name, "output", entry.outputs, graph.outputs)
        return graph

    graphs = {name: load(name, manifest.graphs[name]) for name in GRAPHS}
    text_features = {}
    for language, features in manifest.text_features.items():
        graph = load(f"text_features.{language}", features.graph)
        used.add(features.vocabulary)
        made = TextFeatures(graph, bundle.read(features.vocabulary))
        if made.width != manifest.gpt.feature_dim:
            wanted = manifest.gpt.feature_dim
            raise BundleError(f"the text features of {language!r} are {made.width} wide, the GPT takes {wanted}")
        text_features[language] = made
    bundle.verify_rest(used)
    return VoiceGraphs(
        GptGraphs(graphs["gpt_prefill"], graphs["gpt_step"], manifest.gpt, "gpt_step" in accelerated),
        AcousticGraphs(graphs["latents"], graphs["vocoder"], manifest.decoder, manifest.sample_rate),
        text_features,
    )


def _explained(name: str, manifest: Manifest, error: EngineError) -> EngineError:
    """The error, with the remedy where the engine is too old for what the manifest says."""
    if name != "gpt_step" or manifest.quantization is None or manifest.quantization.kv_cache != "int8":
        return error
    remedy = "use onnxruntime 1.27 or newer, or quantize the voice with --kv-cache float32"
    return EngineError(f"voice {manifest.name!r} has an INT8 KV cache: {remedy} ({error})")


def _checked(name: str, entry: GraphEntry, manifest: Manifest, graph: Graph) -> Graph:
    """A graph on TensorRT, held to the manifest's list for it and to what the runtime feeds. Raises BundleError."""
    listed = manifest.tensorrt.graphs[name] if manifest.tensorrt else entry
    _compare(name, "input", listed.inputs, graph.inputs)
    _compare(name, "output", listed.outputs, graph.outputs)
    lacking = set(_interfaces(manifest.gpt)[name].outputs if name in GRAPHS else entry.outputs) - set(listed.outputs)
    for word, names in (
        ("has an unknown input", set(listed.inputs) - set(entry.inputs)),
        ("lacks the output", lacking),
    ):
        if names:
            raise BundleError(f"the manifest's TensorRT graph {name!r} {word} {min(names)[:60]!r}")
    return graph


def _interfaces(gpt: GptSpec) -> dict[str, _Interface]:
    layers = range(gpt.layers)
    past = {f"past_{kind}_{i}" for kind in ("key", "value") for i in layers}
    present = {f"present_{kind}_{i}" for kind in ("key", "value") for i in layers}

    def interface(inputs: set[str], optional: set[str], outputs: set[str]) -> _Interface:
        return _Interface(frozenset(inputs), frozenset(optional), frozenset(outputs))

    return {
        "gpt_prefill": interface({"phones"}, {"features", "prompt"}, {"logits", "keys", "values"}),
        "gpt_step": interface(
            {"token", "position", "seqlens_k", "total_length", *past}, {"pointer", "state"}, {"logits", *present}
        ),
        "latents": interface({"codes"}, {"phones", "align", "condition", "frames", "noise"}, {"z"}),
        "vocoder": interface({"z"}, {"condition", "phase", "noise"}, {"audio"}),
    }


def _check_interfaces(manifest: Manifest) -> None:
    """The manifest's lists against what the runtime can bind. Raises BundleError."""
    for name, wanted in _interfaces(manifest.gpt).items():
        entry = manifest.graphs[name]
        lacking = {"input": wanted.inputs - set(entry.inputs), "output": wanted.outputs - set(entry.outputs)}
        for kind, missing in lacking.items():
            if missing:
                raise BundleError(f"the manifest's graph {name!r} lacks the {kind} {min(missing)!r}")
        unknown = set(entry.inputs) - wanted.inputs - wanted.optional_inputs
        if unknown:
            raise BundleError(f"the manifest's graph {name!r} has an unknown input {min(unknown)[:60]!r}")
    _check_pairs(manifest)


def _check_pairs(manifest: Manifest) -> None:
    """What one graph takes, another must give."""
    graphs = manifest.graphs
    given = graphs["gpt_prefill"].outputs
    points = "pointer" in given
    pairs = [
        ("gpt_step", "pointer", points),
        ("gpt_step", "state", "state" in given),
        ("latents", "align", points),
        ("vocoder", "phase", "phases" in graphs["vocoder"].outputs),
    ]
    for graph, name, present in pairs:
        if name in graphs[graph].inputs and not present:
            raise BundleError(f"the manifest's graph {graph!r} takes {name!r}, which no graph gives")
    _check_latents(manifest)
    if points != ("next_pointer" in graphs["gpt_step"].outputs):
        raise BundleError("the manifest's graph 'gpt_step' must give 'next_pointer' if 'gpt_prefill' gives 'pointer'")


def _compare(graph: str, kind: str, listed: Mapping[str, TensorSpec], real: Mapping[str, TensorInfo]) -> None:
    """The manifest's tensors against the engine's. Raises BundleError."""
    for name in sorted(set(listed) ^ set(real)):
        where = "the manifest lists but the graph lacks" if name in listed else "the graph has but the manifest lacks"
        raise BundleError(f"graph {graph!r}: {where} the {kind} {name[:60]!r}")
    for name, spec in listed.items():
        info = real[name]
        fits = info.dtype.name == spec.dtype and len(info.shape) == len(spec.shape)
        if not fits or not all(_agrees(a, b) for a, b in zip(spec.shape, info.shape, strict=True)):
            shown = f"{info.dtype.name} {list(info.shape)}"
            raise BundleError(f"graph {graph!r}: the {kind} {name!r} is {shown}, not {spec.dtype} {list(spec.shape)}")


def _agrees(listed: int | str, real: int | None) -> bool:
    """Sizes that both state must be equal. An engine may infer a size that the manifest only has a name for."""
    return real is None or isinstance(listed, str) or listed == real


def _check_latents(manifest: Manifest) -> None:
    """A window can be given its frames only where it is the whole sentence."""
    inputs = manifest.graphs["latents"].inputs
    for name in ("frames", "noise"):
        if name in inputs and manifest.decoder.latent_context_tokens is not None:
            raise BundleError(f"the manifest's graph 'latents' takes {name!r}: 'latent_context_tokens' must be null")
