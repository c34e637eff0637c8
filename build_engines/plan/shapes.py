"""Every tensor's type and shape in an ONNX graph whose inputs have stated sizes.

onnx infers the shape of one node at a time; what shapes depend on (lengths, axes, slices) is computed along the way by
onnx's own reference implementation, because such values are a handful of integers. Weights are never read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from build_engines.errors import BuildError

__all__ = ["Tensor", "infer_shapes"]

Value = NDArray[np.generic]
_MOST_VALUES = 256  # a tensor of so many elements may still be lengths or axes
_BYTES: dict[int, float] = {
    TensorProto.FLOAT: 4.0, TensorProto.FLOAT16: 2.0, TensorProto.BFLOAT16: 2.0, TensorProto.DOUBLE: 8.0,
    TensorProto.INT8: 1.0, TensorProto.UINT8: 1.0, TensorProto.INT4: 0.5, TensorProto.UINT4: 0.5,
    TensorProto.INT16: 2.0, TensorProto.UINT16: 2.0, TensorProto.INT32: 4.0, TensorProto.UINT32: 4.0,
    TensorProto.INT64: 8.0, TensorProto.UINT64: 8.0, TensorProto.BOOL: 1.0,
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """`dtype` is one of onnx.TensorProto's, `shape` has no unknown sizes."""

    dtype: int
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> float:
        """As it lies in memory. Raises KeyError: a type that has no fixed size (strings)."""
        return self.elements * _BYTES[self.dtype]


def infer_shapes(
    model: onnx.ModelProto, inputs: Mapping[str, Tensor], values: Mapping[str, Value]
) -> dict[str, Tensor]:
    """Name → Tensor of all that is in the main graph.

    `inputs` must hold every graph input; `values` those whose value decides a shape. Raises BuildError, naming the
    node: an operator that isn't known, or a shape that depends on what isn't known before the graph runs.
    """
    walk = _Walk(model, inputs, values)
    for node in model.graph.node:
        walk.visit(node)
    return walk.tensors


class _Walk:
    def __init__(self, model: onnx.ModelProto, inputs: Mapping[str, Tensor], values: Mapping[str, Value]) -> None:
        self._opsets = {opset.domain: opset.version for opset in model.opset_import}
        self._imports, self._ir = list(model.opset_import), model.ir_version
        self.tensors: dict[str, Tensor] = {}
        self._values: dict[str, Value] = {}
        for item in model.graph.initializer:
            self.tensors[item.name] = Tensor(item.data_type, tuple(item.dims))
            small = self.tensors[item.name].elements <= _MOST_VALUES
            if small and item.data_location != TensorProto.EXTERNAL:
                self._values[item.name] = numpy_helper.to_array(item)
        for name, tensor in inputs.items():  # an input wins over the default that it may have
            self.tensors[name] = tensor
            self._values.pop(name, None)
        self._values.update(values)

    def visit(self, node: onnx.NodeProto) -> None:
        """Adds the node's outputs."""
        if node.domain == "com.microsoft":
            found = _MICROSOFT[node.op_type](node, self._inputs(node)) if node.op_type in _MICROSOFT else None
            if found is None:
                raise BuildError(f"{_where(node)}: this operator of com.microsoft isn't counted yet")
        else:
            found = self._infer(node)
        self.tensors.update({name: tensor for name, tensor in found.items() if name})
        if all(tensor.elements <= _MOST_VALUES for tensor in found.values()):
            self._evaluate(node)

    def _inputs(self, node: onnx.NodeProto) -> list[Tensor | None]:
        for name in node.input:
            if name and name not in self.tensors:
                raise BuildError(f"{_where(node)}: its input {name!r} comes from nowhere")
        return [self.tensors[name] if name else None for name in node.input]

    def _infer(self, node: onnx.NodeProto) -> dict[str, Tensor]:
        tensors = self._inputs(node)
        if any(a.type in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS) for a in node.attribute):
            raise BuildError(f"{_where(node)}: a graph within the graph isn't counted yet")
        known = zip(node.input, tensors, strict=True)
        types = {name: helper.make_tensor_type_proto(t.dtype, t.shape) for name, t in known if t is not None}
        data = {name: numpy_helper.from_array(self._values[name]) for name in node.input if name in self._values}
        try:
            schema = onnx.defs.get_schema(node.op_type, self._opsets.get(node.domain, 1), node.domain)
            found = shape_inference.infer_node_outputs(schema, node, types, data, None, self._imports, self._ir)
        except (onnx.defs.SchemaError, shape_inference.InferenceError, onnx.checker.ValidationError) as error:
            raise BuildError(f"{_where(node)}: {' '.join(str(error).split())[:200]}") from None
        return {name: _tensor(node, name, found.get(name)) for name in node.output if name}

    def _evaluate(self, node: onnx.NodeProto) -> None:
        """Where all inputs are known numbers, so are the outputs."""
        if node.op_type == "Shape":
            self._values[node.output[0]] = np.array(_sliced(node, self.tensors[node.input[0]].shape), np.int64)
            return
        names = [name for name in node.input if name]
        if "Quantize" in node.op_type or node.domain or not all(name in self._values for name in names):
            return
        graph = helper.make_graph(
            [node],
            "node",
            [helper.make_tensor_value_info(name, _dtype(self._values[name]), None) for name in dict.fromkeys(names)],
            [onnx.ValueInfoProto(name=name) for name in node.output if name],
        )
        model = helper.make_model(graph, opset_imports=self._imports, ir_version=self._ir)
        try:
            outputs = ReferenceEvaluator(model).run(None, {name: self._values[name] for name in names})
        except (RuntimeError, ValueError, TypeError, IndexError):
            return  # not known here; a shape that needs it is refused, with its name
        self._values.update(zip((name for name in node.output if name), map(np.asarray, outputs), strict=True))


def _dtype(value: Value) -> int:
    return int(helper.np_dtype_to_tensor_dtype(value.dtype))


def _sliced(node: onnx.NodeProto, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape's own attributes, start and end."""
    bounds = {a.name: a.i for a in node.attribute}
    return shape[bounds.get("start", 0) : bounds.get("end", len(shape))]


def _tensor(node: onnx.NodeProto, name: str, found: onnx.TypeProto | None) -> Tensor:
    dims = [] if found is None else list(found.tensor_type.shape.dim)
    if found is None or not found.tensor_type.HasField("shape") or not all(d.HasField("dim_value") for d in dims):
        raise BuildError(f"{_where(node)}: the shape of {name!r} can't be told before the graph runs")
    return Tensor(found.tensor_type.elem_type, tuple(d.dim_value for d in dims))


def _where(node: onnx.NodeProto) -> str:
    return f"{node.op_type} {node.name or node.output[0]!r}"


def _attention(node: onnx.NodeProto, inputs: list[Tensor | None]) -> dict[str, Tensor]:
    """GroupQueryAttention: attended [B, S, heads · size]; present is the past's own buffer."""
    query, key, past_key, past_value = inputs[0], inputs[1], inputs[3], inputs[4]
    if query is None or past_key is None or past_value is None:
        raise BuildError(f"{_where(node)}: it has no past, so it isn't a decode step of ours")
    width = query.shape[2]
    if key is None:  # queries, keys and values in one
        heads = next(a.i for a in node.attribute if a.name == "num_heads")
        width = heads * past_key.shape[3]
    shapes = [Tensor(query.dtype, (*query.shape[:2], width)), past_key, past_value]
    return dict(zip(node.output, shapes, strict=False))


def _matmul_nbits(node: onnx.NodeProto, inputs: list[Tensor | None]) -> dict[str, Tensor]:
    a = inputs[0]
    columns = next(attribute.i for attribute in node.attribute if attribute.name == "N")
    return {} if a is None else {node.output[0]: Tensor(a.dtype, (*a.shape[:-1], columns))}


_MICROSOFT = {"GroupQueryAttention": _attention, "MatMulNBits": _matmul_nbits}
