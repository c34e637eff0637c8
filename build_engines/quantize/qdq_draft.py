"""A graph that is being rewritten: nodes that may be changed, and weights as arrays beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper, shape_inference

from build_engines.errors import BuildError

__all__ = ["Array", "Draft", "TensorType", "attribute", "node_title"]

Array = NDArray[Any]

# What is larger is a weight and not a shape or an index: the inference of shapes needn't see its values.
_SHAPE_BYTES = 1024
_CONSTANTS = ("value_float", "value_floats", "value_int", "value_ints")


@dataclass(frozen=True)
class TensorType:
    """ONNX's element type, and a shape of sizes, names and None (unknown); None: not even the rank is known."""

    element: int
    shape: tuple[int | str | None, ...] | None


@dataclass
class Draft:
    """Nodes in an order in which they can run; `weights` holds every constant, `inputs` only what a caller feeds."""

    name: str
    nodes: list[NodeProto]
    weights: dict[str, Array]
    inputs: dict[str, ValueInfoProto]
    outputs: dict[str, ValueInfoProto]
    opset: int

    @classmethod
    def read(cls, model: onnx.ModelProto) -> Draft:
        """A copy of the nodes; weights are read into arrays. An input that has a default stays an input without it."""
        graph = model.graph
        inputs = {value.name: _copy(value) for value in graph.input}
        if any(tensor.data_location == TensorProto.EXTERNAL for tensor in graph.initializer):
            raise BuildError(f"graph {graph.name!r}: its weights have not been loaded")
        weights = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        listed = [value.name for value in graph.input if value.name in weights and not value.name.startswith("lora_")]
        for name in listed:  # an older way to write an initializer
            del inputs[name]
        for name in inputs:
            weights.pop(name, None)
        opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
        draft = cls(graph.name, [], weights, inputs, {value.name: _copy(value) for value in graph.output}, opset)
        draft.extend(graph.node)
        return draft

    def extend(self, nodes: Iterable[NodeProto]) -> None:
        """Append copies of nodes; a Constant becomes a weight."""
        for node in nodes:
            if node.op_type == "Constant":
                self.weights[node.output[0]] = _constant(node)
            else:
                copy = NodeProto()
                copy.CopyFrom(node)
                self.nodes.append(copy)

    def add(self, name: str, array: Array) -> str:
        """A new weight, or the one of that name; gives the name."""
        self.weights.setdefault(name, array)
        return name

    def producers(self) -> dict[str, NodeProto]:
        """Tensor → the node that makes it."""
        return {name: node for node in self.nodes for name in node.output if name}

    def rename(self, names: dict[str, str]) -> None:
        """Give tensors other names wherever nodes read or make them."""
        for node in self.nodes:
            for fields in (node.input, node.output):
                for i, name in enumerate(fields):
                    if name in names:
                        fields[i] = names[name]

    def sweep(self) -> None:
        """Drop the nodes and weights that no output depends on."""
        needed, kept = set(self.outputs), list[NodeProto]()
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                needed.update(_reads(node))
                kept.append(node)
        self.nodes = kept[::-1]
        self.weights = {name: array for name, array in self.weights.items() if name in needed}

    def rewrite(self, change: Callable[[NodeProto], Iterator[NodeProto]]) -> None:
        """Replace every node by the nodes that `change` gives for it."""
        self.nodes = [new for node in self.nodes for new in change(node)]

    def types(self) -> dict[str, TensorType]:
        """Type of every tensor, as far as it can be told."""
        small = {name: array for name, array in self.weights.items() if array.nbytes <= _SHAPE_BYTES}
        inputs = list(self.inputs.values())
        for name, array in self.weights.items():
            if name not in small:
                element = helper.np_dtype_to_tensor_dtype(array.dtype)
                inputs.append(helper.make_tensor_value_info(name, element, array.shape))
        model = self._model(inputs, small, [onnx.helper.make_empty_tensor_value_info(name) for name in self.outputs])
        inferred = shape_inference.infer_shapes(model, data_prop=True).graph
        found = {value.name: _type(value) for value in (*inferred.input, *inferred.value_info, *inferred.output)}
        for name, array in small.items():
            found[name] = TensorType(helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        return found

    def model(self) -> onnx.ModelProto:
        """The finished graph, without what nothing depends on."""
        self.sweep()
        return self._model(self.inputs.values(), self.weights, self.outputs.values())

    def _model(
        self, inputs: Iterable[ValueInfoProto], weights: dict[str, Array], outputs: Iterable[ValueInfoProto]
    ) -> onnx.ModelProto:
        tensors = [numpy_helper.from_array(np.ascontiguousarray(a).reshape(a.shape), n) for n, a in weights.items()]
        graph = helper.make_graph(self.nodes, self.name, list(inputs), list(outputs), tensors)
        # IR version 9 is the newest that TensorRT 10.3's parser was made for.
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=9)


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:
    """An attribute's value."""
    for item in node.attribute:
        if item.name == name:
            return helper.get_attribute_value(item)
    return default


def node_title(node: NodeProto) -> str:
    """How a message names a node: its name holds the path of the module that it came from."""
    return repr(node.name or (node.output[0] if node.output else "?"))


def _reads(node: NodeProto) -> Iterator[str]:
    """Tensors that a node reads, those of its branches included."""
    yield from (name for name in node.input if name)
    for item in node.attribute:
        if item.HasField("g"):
            for inner in item.g.node:
                yield from _reads(inner)


def _constant(node: NodeProto) -> Array:
    item: AttributeProto = node.attribute[0]
    if item.name == "value":
        return numpy_helper.to_array(item.t)
    if item.name in _CONSTANTS:
        value = helper.get_attribute_value(item)
        return np.array(value, np.float32 if "float" in item.name else np.int64)
    raise BuildError(f"TensorRT has no constant of the kind {item.name}, in {node_title(node)}")


def _copy(value: ValueInfoProto) -> ValueInfoProto:
    copy = ValueInfoProto()
    copy.CopyFrom(value)
    return copy


def _type(value: ValueInfoProto) -> TensorType:
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return TensorType(tensor.elem_type, None)
    sizes = (d.dim_value if d.HasField("dim_value") else d.dim_param or None for d in tensor.shape.dim)
    return TensorType(tensor.elem_type, tuple(sizes))
