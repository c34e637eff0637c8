"""The INT8 bundle's folder, from the float bundle and what was chosen."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import onnx

from build_engines.bundles.writer import graph_entry
from build_engines.errors import BuildError
from build_engines.export.weights import values_of
from build_engines.quantize.bundle import REPORT, fill, save_graphs
from build_engines.quantize.calibrate import session
from build_engines.quantize.cpu import cpu_graph
from build_engines.quantize.kv_cache import KvScales, kv_tensors, quantize_prefill, quantize_step, scales_of
from build_engines.quantize.layers import FloatGraph
from build_engines.quantize.pipeline import Choices
from build_engines.quantize.profiles import profiles, tensorrt_names
from build_engines.quantize.qdq import tensorrt_graph
from build_engines.quantize.widened import widened_run
from build_engines.tensorrt.record import record
from build_engines.tensorrt.rules import input_rules
from edge_tts.bundle import Bundle
from edge_tts.bundle.spec import TensorRTGraphEntry, TensorSpec

__all__ = ["write_int8"]

_ADAPTERS = ("lora_A.", "lora_B.")
Report = Callable[[str], object]


def write_int8(
    part: Path, source: Bundle, tree: dict[str, Any], choices: Choices, kv_cache: str, max_rank: int, tell: Report
) -> None:
    """Fills the folder `part` and the manifest's tree for the targets of `choices`. `tell` hears what is being made.

    Raises BuildError: TensorRT lacks an operator, or a graph gives nothing that an engine could be judged by.
    """
    graphs = _cpu(source, choices, kv_cache, tell) if "cpu" in choices.accounts else {}
    fill(part, source, graphs, tree)
    tree["quantization"] = {
        "source": source.id, "targets": list(choices.accounts),
        "kv_cache": kv_cache if "cpu" in choices.accounts else "float32",
    }  # fmt: skip
    if "tensorrt" in choices.accounts:
        rank = max_rank if source.manifest.adapters.targets else 0
        tree["tensorrt"] = {"max_rank": rank, "graphs": _tensorrt(part, source, choices, rank, tell)}
    account = {
        "format": "edge-tts-quantization", "format_version": 1, "source": source.id, "targets": choices.accounts
    }  # fmt: skip
    (part / REPORT).write_text(json.dumps(account, indent=1) + "\n", encoding="utf-8")


def _cpu(source: Bundle, choices: Choices, kv_cache: str, tell: Report) -> dict[str, onnx.ModelProto]:
    made = {}
    for name, graph in choices.graphs.items():
        tell(f"writing {name}")
        chosen = choices.chosen("cpu", name)
        if name.startswith("gpt_"):
            made[name] = cpu_graph(graph, chosen)
        elif chosen:
            method = choices.accounts["cpu"][name]["method"]
            tensors = choices.measured[name].tensors
            made[name] = cpu_graph(graph, chosen, {tensor: seen.range(method) for tensor, seen in tensors.items()})
    if kv_cache == "int8":
        scales = _kv_scales(choices)
        quantize_step(made["gpt_step"], scales)
        quantize_prefill(made["gpt_prefill"], scales, source.manifest.gpt.heads)
    return made


def _kv_scales(choices: Choices) -> KvScales:
    step, prefill = choices.measured["gpt_step"].channels, choices.measured["gpt_prefill"].channels
    rows = [step[name] for name in kv_tensors(choices.graphs["gpt_step"])]
    return scales_of(rows, prefill["keys"], prefill["values"])


def _tensorrt(part: Path, source: Bundle, choices: Choices, max_rank: int, tell: Report) -> dict[str, Any]:
    """Writes tensorrt/ and golden/tensorrt/; returns the manifest's entries."""
    made = {}
    for name in tensorrt_names(source.manifest):
        tell(f"writing {name} for TensorRT")
        graph = choices.graphs[name]
        account = choices.accounts["tensorrt"]["gpt_step" if name == "gpt_prefill" else name]
        chosen, tensors = choices.chosen("tensorrt", name), choices.measured[name].tensors
        largest = {
            layer.node: tensors[layer.source].clip(account["method"]) for layer in graph.layers if layer.name in chosen
        }
        made[name] = tensorrt_graph(_whole(graph), name, largest, max_rank)
    folder = part / "tensorrt"
    folder.mkdir()
    save_graphs(made, folder, folder)
    (part / "golden" / "tensorrt").mkdir(parents=True, exist_ok=True)
    entries = {}
    for name in made:
        tell(f"golden vectors of {name} for TensorRT")
        entry = graph_entry(part, f"tensorrt/{name}.onnx")
        adapters = {n: spec for n, spec in entry["inputs"].items() if n.startswith(_ADAPTERS)}
        entry["inputs"] = {n: spec for n, spec in entry["inputs"].items() if n not in adapters}
        bounds = profiles(name, source.manifest)
        entry["profiles"] = [{size: list(three) for size, three in profile.items()} for profile in bounds]
        shapes = {n: tuple(spec["shape"]) for n, spec in adapters.items()}
        golden = _golden(folder / f"{name}.onnx", source, _parsed(entry), shapes)
        (part / "golden" / "tensorrt" / f"{name}.npz").write_bytes(golden)
        entries[name] = entry
    return entries


def _golden(
    path: Path, source: Bundle, entry: TensorRTGraphEntry, adapters: Mapping[str, tuple[int, ...]]
) -> bytes:
    loaded = session(path)
    names = [output.name for output in loaded.get_outputs()]

    def run(inputs: dict[str, Any]) -> dict[str, Any]:
        return dict(zip(names, loaded.run(names, inputs), strict=True))

    try:
        return record(entry, adapters, run, input_rules(source.manifest, entry), other=widened_run(path))
    except ValueError as error:
        raise BuildError(f"graph {path.stem!r} for TensorRT can't be certified by golden vectors: {error}") from None


def _parsed(entry: Mapping[str, Any]) -> TensorRTGraphEntry:
    def tensors(listed: Mapping[str, Any]) -> dict[str, TensorSpec]:
        return {name: TensorSpec(spec["dtype"], tuple(spec["shape"])) for name, spec in listed.items()}

    bounds = tuple({size: tuple(three) for size, three in profile.items()} for profile in entry["profiles"])
    return TensorRTGraphEntry(entry["file"], tensors(entry["inputs"]), tensors(entry["outputs"]), bounds)


def _whole(graph: FloatGraph) -> onnx.ModelProto:
    """The graph with all its weights inside."""
    model = graph.model()
    for i, tensor in enumerate(model.graph.initializer):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            array = values_of(tensor, graph.path.parent)
            model.graph.initializer[i].CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    return model
