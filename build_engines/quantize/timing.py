"""What a layer needs on this machine, in float and in INT8: each of a kind is run alone, and the fastest run counts.

For people to read. Decisions are made by the table in `build_engines.quantize.costs`, so that the same input always
gives the same bundle.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from build_engines.quantize.calibrate import session
from build_engines.quantize.cpu import cpu_graph
from build_engines.quantize.layers import FloatGraph, Layer

__all__ = ["time_graph", "time_layers"]

_RUNS = 7


def time_layers(
    graph: FloatGraph, layers: Sequence[Layer], rows: Mapping[str, float], static: bool
) -> dict[str, tuple[float, float]]:
    """Layer → seconds of one call in float and in INT8. `rows`: rows of a linear layer, positions of a convolution."""
    nodes = {node.name: node for node in graph.model().graph.node}
    known: dict[tuple[object, ...], tuple[float, float]] = {}
    found = {}
    for layer in layers:
        count = max(1, round(rows[layer.name]))
        kind = (layer.kind, layer.shape, layer.groups, count, str(nodes[layer.node].attribute))
        if kind not in known:
            known[kind] = _time(layer, nodes[layer.node], count, static)
        found[layer.name] = known[kind]
    return found


def time_graph(path: Path, rows: Mapping[str, float], static: bool) -> dict[str, tuple[float, float]]:
    """The same for the layers of the float graph at `path` whose rows are given."""
    graph = FloatGraph(path)
    layers = {layer.name: layer for layer in graph.layers if layer.name in rows and layer.kind != "ConvTranspose"}
    return time_layers(graph, list(layers.values()), rows, static)


def _time(layer: Layer, node: NodeProto, rows: int, static: bool) -> tuple[float, float]:
    random = np.random.default_rng(0)
    weight = (random.standard_normal(layer.shape) / np.sqrt(layer.shape[-1] * layer.shape[0])).astype(np.float32)
    if layer.kind == "MatMul":
        x = random.standard_normal((1, rows, layer.shape[0]) if rows > 1 else (1, layer.shape[0]))
    else:
        channels = layer.shape[1] * layer.groups if layer.kind == "Conv" else layer.shape[0]
        x = random.standard_normal((1, channels, *([1] * (len(layer.shape) - 3)), rows))
    x = x.astype(np.float32)
    alone = helper.make_node(node.op_type, ["x", "w"], ["y"], layer.node)
    alone.attribute.extend(node.attribute)
    made = helper.make_graph(
        [alone], "layer", [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(x.shape))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], [numpy_helper.from_array(weight, "w")],
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "layer.onnx"
        onnx.save(model, str(path))
        ranges = {"x": (-4.0, 4.0), "y": (-8.0, 8.0)} if static else None
        rounded = cpu_graph(FloatGraph(path), {"w"}, ranges)
    pair = [session(made.SerializeToString()) for made in (model, rounded)]
    best = [float("inf")] * 2
    for _ in range(_RUNS):
        for i, loaded in enumerate(pair):
            start = time.perf_counter()
            loaded.run(None, {"x": x})
            best[i] = min(best[i], time.perf_counter() - start)
    return best[0], best[1]
