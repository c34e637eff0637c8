"""What the fake's parser knows of ONNX: reads a model whole, says what TensorRT would refuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper

__all__ = ["TYPES", "Refusal", "dims", "np_dtype", "read", "refusals", "shape_tensors"]

# ONNX's element types by TensorRT's names. Others (float64, strings) TensorRT has none of.
TYPES = {
    TensorProto.FLOAT: "FLOAT",
    TensorProto.FLOAT16: "HALF",
    TensorProto.INT8: "INT8",
    TensorProto.INT32: "INT32",
    TensorProto.INT64: "INT64",
    TensorProto.BOOL: "BOOL",
    TensorProto.UINT8: "UINT8",
}
# Operators that our graphs could hold and TensorRT's parser knows no importer for.
_UNSUPPORTED = {"Multinomial", "TensorScatter", "Bernoulli", "Unique", "StringConcat", "DynamicQuantizeLinear"}
# Which inputs of an operator give a shape, and which operators only rearrange such values.
_SHAPE_INPUTS = {"Reshape": (1,), "Expand": (1,), "Resize": (2, 3), "ConstantOfShape": (0,), "Tile": (1,)}
_SHAPE_INPUTS |= {"Slice": (1, 2), "Range": (0, 1, 2), "Pad": (1,)}
_CARRIES = {"Concat", "Cast", "Add", "Sub", "Mul", "Div", "Squeeze", "Unsqueeze", "Identity", "Min", "Max"}


@dataclass(frozen=True)
class Refusal:
    """Why a node can't be parsed."""

    reason: str
    node: int = -1
    name: str = ""
    operator: str = ""


def read(raw: bytes, path: str | None) -> onnx.ModelProto:
    """The model with its external data. Raises ValueError: it is not ONNX."""
    try:
        model = onnx.load_model_from_string(raw)
    except DecodeError as error:
        raise ValueError(str(error)) from None
    if not model.graph.node:
        raise ValueError("the model has no nodes")
    onnx.external_data_helper.load_external_data_for_model(model, str(Path(path or ".").parent))
    return model


def refusals(model: onnx.ModelProto) -> Iterator[Refusal]:
    """Everything that TensorRT would refuse, as far as the fake knows."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for index, node in enumerate(model.graph.node):
        if node.domain not in ("", "ai.onnx") or node.op_type in _UNSUPPORTED:
            reason = f"No importer registered for op: {node.op_type}"
            yield Refusal(reason, index, node.name, node.op_type)
        zero = node.input[2:3] if node.op_type in ("QuantizeLinear", "DequantizeLinear") else []
        if any(name in weights and np.any(numpy_helper.to_array(weights[name])) for name in zero):
            yield Refusal("Non-zero zero point is not supported", index, node.name, node.op_type)
    for value in (*model.graph.input, *model.graph.output):
        if value.type.tensor_type.elem_type not in TYPES:
            yield Refusal(f"Unsupported data type of tensor {value.name}")


def dims(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    """Sizes of a tensor, -1 where they vary."""
    return tuple(d.dim_value if d.HasField("dim_value") else -1 for d in value.type.tensor_type.shape.dim)


def shape_tensors(model: onnx.ModelProto) -> set[str]:
    """Inputs whose values decide a shape: TensorRT wants them on the host."""
    wanted: set[str] = set()
    for node in reversed(model.graph.node):
        at = range(len(node.input)) if node.op_type in _CARRIES and wanted & set(node.output) else ()
        at = [*at, *_SHAPE_INPUTS.get(node.op_type, ())]
        wanted |= {node.input[i] for i in at if i < len(node.input) and node.input[i]}
    integers = (TensorProto.INT32, TensorProto.INT64)
    return {v.name for v in model.graph.input if v.name in wanted and v.type.tensor_type.elem_type in integers}


def np_dtype(value: onnx.ValueInfoProto) -> np.dtype:
    """The tensor's type for numpy."""
    return np.dtype(helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))
