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
    model = onnx.load(str(graph)).graph
    constants = {t.name for t in model.initializer}
    return [n.name for n in model.node if n.op_type in ("MatMul", "Gemm") and n.input[1] in constants]


def quantize_linears(source: Path, target: Path, keep_float: Collection[str] = ()) -> None:
    """Quantize every linear layer's weights to INT8, except the nodes named in ``keep_float``."""
    chosen = [name for name in linear_names(source) if name not in keep_float]
    logging.getLogger().setLevel(logging.ERROR)
    quantize_dynamic(
        str(source),
        str(target),
        op_types_to_quantize=["MatMul", "Gemm"],
        nodes_to_quantize=chosen,
        per_channel=True,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT, "MatMulConstBOnly": True},
    )
