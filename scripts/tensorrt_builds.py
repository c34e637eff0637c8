"""The Python part of scripts/check-tensorrt: graphs go through TensorRT's parser and builder; a table comes out.

The network, its profiles and the builder's settings are those that a board uses (build_engines.tensorrt.network).
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from build_engines.tensorrt.network import Limits, Source, build_plan, configure, parse
from build_engines.tensorrt.progress import Phases, cancellable, make_monitor
from edge_tts.bundle import open_bundle
from edge_tts.bundle.spec import TensorRTGraphEntry, TensorSpec
from edge_tts.engines.tensorrt.log import make_log
from edge_tts.errors import EdgeTTSError

LIMITS = Limits(workspace_mib=1024, tactics_mib=1024)
_LAYERS = ("MatMul", "Gemm", "Conv", "ConvTranspose")
_TICKS = 1000


@dataclass(frozen=True)
class Row:
    """What became of one graph. `refused` is the builder's reason, empty if there is a plan."""

    bundle: str
    graph: str
    operators: int
    int8: int
    products: int
    layers: int
    profiles: int
    parse_seconds: float
    build_seconds: float
    plan_bytes: int
    refused: str


def build(trt: Any, source: Source, bundle: str, model: onnx.ModelProto) -> Row:
    """Parses and builds one graph."""
    log, stop, phases = make_log(trt), threading.Event(), Phases()
    builder = trt.Builder(log)
    layers, times, plan, refused = 0, [time.perf_counter()], b"", ""
    try:
        network, parser = parse(trt, builder, log, source)
        times.append(time.perf_counter())
        layers = network.num_layers
        config = configure(trt, builder, network, source, LIMITS, make_monitor(trt, phases, stop))

        def work() -> bytes:
            return build_plan(builder, network, config, source.name, log)

        plan = _with_bar(work, stop, phases, f"{bundle}: {source.name}")
        del parser  # it holds the weights that the network refers to
    except EdgeTTSError as error:
        refused = str(error)
    times.append(time.perf_counter())
    parsed = len(times) > 2
    int8, products = _layers(model)
    return Row(
        bundle, source.name, len(model.graph.node), int8, products, layers, len(source.entry.profiles),
        times[1] - times[0], times[2] - times[1] if parsed else 0.0, len(plan), refused,
    )  # fmt: skip


def _with_bar(work: Callable[[], bytes], stop: threading.Event, phases: Phases, title: str) -> bytes:
    with tqdm(total=_TICKS, desc=title, bar_format="{desc:40}|{bar}| {elapsed}", leave=False, disable=None) as bar:
        return cancellable(work, stop, lambda: bar.update(int(phases.fraction * _TICKS) - bar.n) and None)


def _layers(model: onnx.ModelProto) -> tuple[int, int]:
    """Products whose two factors both come from INT8, and all products that could: those with weights."""
    quantized = {node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"}
    weights = {tensor.name for tensor in model.graph.initializer}
    found = [node for node in model.graph.node if node.op_type in _LAYERS]
    int8 = sum(set(node.input[:2]) <= quantized for node in found)
    return int8, int8 + sum(node.input[1] in weights for node in found)


def check_bundle(trt: Any, path: Path) -> list[Row]:
    """All graphs for TensorRT of one bundle. Raises EdgeTTSError: it has none, or can't be read."""
    bundle = open_bundle(path)
    if bundle.manifest.tensorrt is None or not bundle.manifest.tensorrt.graphs:
        raise EdgeTTSError(f"{path} has no graphs for TensorRT: edgetts-build quantize makes them")
    rows = []
    for name, entry in bundle.manifest.tensorrt.graphs.items():
        model, _ = bundle.graph(entry)
        proto = onnx.load_from_string(model) if isinstance(model, bytes) else onnx.load(model, load_external_data=False)
        rows.append(build(trt, Source(name, model, entry), bundle.manifest.name, proto))
        _say(_line(rows[-1]))
    return rows


def self_test(trt: Any) -> list[str]:
    """Builds a sound graph and breaks it in ways that TensorRT must refuse; gives what went otherwise."""
    wrong = []
    for name, (model, profiles, refusal) in _cases().items():
        sizes = {"x": TensorSpec("float32", (1, "rows", 64))}
        entry = TensorRTGraphEntry(f"{name}.onnx", sizes, {}, profiles)
        row = build(trt, Source(name, model.SerializeToString(), entry), "self-test", model)
        if refusal is None and row.refused:
            wrong.append(f"{name} should build, but: {row.refused}")
        elif refusal is not None and refusal not in row.refused:
            wrong.append(f"{name} should be refused with {refusal!r}, not: {row.refused or 'it builds'}")
    return wrong


def _cases() -> dict[str, tuple[onnx.ModelProto, tuple[dict[str, tuple[int, int, int]], ...], str | None]]:
    profiles = ({"rows": (1, 8, 64)},)
    draw = [
        helper.make_node("Cast", ["product"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Flatten", ["wide"], ["flat"], axis=1),
        helper.make_node("Multinomial", ["flat"], ["y"], "/sampler/Multinomial", dtype=TensorProto.INT32),
    ]
    mixed = [helper.make_node("Add", ["product", "x"], ["y"], "/mixed/Add")]
    return {
        "sound": (_linear(), profiles, None),
        "a zero point of 3": (_linear(zero=3), profiles, "ero zero point"),
        "Multinomial": (_linear(end=draw, output=TensorProto.INT32), profiles, "Multinomial"),
        "float16 + float32": (_linear(end=mixed), profiles, "types"),
        "no profile": (_linear(), (), "profile"),
    }


def _linear(zero: int = 0, end: Sequence[onnx.NodeProto] = (), output: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """One INT8 linear layer, as the quantizer makes them."""
    weight = np.random.default_rng(0).integers(-127, 128, (64, 64)).astype(np.int8)
    arrays = {
        "weight": weight, "weight_scale": np.full(64, 0.01, np.float16), "weight_zero": np.zeros(64, np.int8),
        "scale": np.array(0.05, np.float16), "zero": np.array(zero, np.int8),
    }  # fmt: skip
    nodes = [
        helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("QuantizeLinear", ["half", "scale", "zero"], ["packed"]),
        helper.make_node("DequantizeLinear", ["packed", "scale", "zero"], ["rounded"]),
        helper.make_node("DequantizeLinear", ["weight", "weight_scale", "weight_zero"], ["floats"], axis=1),
        helper.make_node("MatMul", ["rounded", "floats"], ["product"]),
        *(end or [helper.make_node("Cast", ["product"], ["y"], to=TensorProto.FLOAT)]),
    ]
    graph = helper.make_graph(
        nodes, "linear", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, "rows", 64))],
        [helper.make_tensor_value_info("y", output, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _line(row: Row) -> str:
    result = f"{row.plan_bytes / 1e6:.1f} MB" if not row.refused else f"REFUSED: {row.refused}"
    return (
        f"| {row.bundle} | {row.graph} | {row.operators} | {row.int8} of {row.products} | {row.layers} | "
        f"{row.profiles} | {row.parse_seconds:.2f} | {row.build_seconds:.1f} | {result} |"
    )


def main() -> int:
    """Check, print the table, say what failed."""
    parser = argparse.ArgumentParser(prog="check-tensorrt", description=__doc__)
    parser.add_argument("bundles", nargs="*", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)  # what TensorRT logs is in the rows

    import tensorrt_rtx_bindings as trt

    if args.self_test:
        wrong = self_test(trt)
        for line in wrong:
            sys.stderr.write(f"check-tensorrt: self-test: {line}\n")
        if not wrong:
            sys.stderr.write(f"self-test: a sound graph builds, {len(_cases()) - 1} broken ones are refused\n")
        return int(bool(wrong))
    _say(f"TensorRT for RTX {trt.__version__}: parser and builder, on a CPU\n")
    _say("| voice | graph | operators | INT8 layers | network layers | profiles | parse s | build s | plan |")
    _say("|---|---|---|---|---|---|---|---|---|")
    rows, failed = list[Row](), 0
    for path in args.bundles:
        try:
            found = check_bundle(trt, path)
        except EdgeTTSError as error:
            failed += 1
            sys.stderr.write(f"check-tensorrt: {error}\n")
            continue
        rows += found
        if refused := sum(bool(row.refused) for row in found):
            failed += 1
            sys.stderr.write(f"check-tensorrt: {path}: {refused} graphs were refused\n")
    if args.json:
        report = {"tensorrt_rtx": trt.__version__, "graphs": [asdict(row) for row in rows]}
        args.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
