"""Float graphs → INT8 graphs for ONNX Runtime on a CPU: dynamic, signed, per channel, linears only."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

__all__ = ["linear_names", "quantize_linears"]


def linear_names(graph: Path) -> list[str]:
    """Names of the MatMul and Gemm nodes that multiply by constant weights."""
    return _linears(onnx.load(str(graph)))


def _linears(model_proto: onnx.ModelProto) -> list[str]:
    model = model_proto.graph
    constants = {t.name for t in model.initializer}
    return [n.name for n in model.node if n.op_type in ("MatMul", "Gemm") and n.input[1] in constants]


def _without_identities(model: onnx.ModelProto) -> onnx.ModelProto:
    """Read initializers directly: the exporter reaches equal tensors through Identity, which hides weights."""
    constants = {t.name for t in model.graph.initializer}
    names: dict[str, str] = {}
    for node in model.graph.node:
        if node.op_type == "Identity" and names.get(node.input[0], node.input[0]) in constants:
            names[node.output[0]] = names.get(node.input[0], node.input[0])
    kept = [node for node in model.graph.node if not (node.op_type == "Identity" and node.output[0] in names)]
    for node in kept:
        for i, name in enumerate(node.input):
            node.input[i] = names.get(name, name)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model


def quantize_linears(source: Path, target: Path, keep_float: Collection[str] = ()) -> None:
    """Quantize every linear layer's weights to INT8, except the nodes named in ``keep_float``."""
    model = _without_identities(onnx.load(str(source)))
    chosen = [name for name in _linears(model) if name not in keep_float]
    logging.getLogger().setLevel(logging.ERROR)
    quantize_dynamic(
        model,
        str(target),
        op_types_to_quantize=["MatMul", "Gemm"],
        nodes_to_quantize=chosen,
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT, "MatMulConstBOnly": True},
    )
