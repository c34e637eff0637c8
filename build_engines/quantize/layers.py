"""What can be quantized in a float graph: its linear layers and convolutions, by the names of their weights."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto

from build_engines.export.weights import values_of

__all__ = ["FloatGraph", "Layer", "channel_axis", "quantize_weight", "replace_nodes"]

KINDS = ("MatMul", "Conv", "ConvTranspose")
_LARGEST = 127  # symmetric: -128 is never used


@dataclass(frozen=True)
class Layer:
    """One use of a weight. `name` is the weight without its ending: the layer's module path, the same in all graphs.

    `node` is the node's name, `source` the float activation that it reads, `result` what it gives (without a linear
    layer's bias), `shape` the weight's, `groups` those of a convolution.
    """

    name: str
    node: str
    kind: str
    weight: str
    source: str
    result: str
    shape: tuple[int, ...]
    groups: int = 1


class FloatGraph:
    """A float graph of a bundle on disk. Its large weights stay there until one is asked for."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self.path = path
        self._model = onnx.load(str(path), load_external_data=False)
        _name_nodes(self._model.graph)
        self._tensors = {tensor.name: tensor for tensor in self._model.graph.initializer}
        self.layers = self._find()
        """In the graph's order; adapters' products are none."""

    def model(self) -> onnx.ModelProto:
        """A copy to change; what lies beside the graph is still named there."""
        copy = onnx.ModelProto()
        copy.CopyFrom(self._model)
        return copy

    def weight(self, name: str) -> NDArray[np.float32]:
        """An initializer's values."""
        return values_of(self._tensors[name], self.path.parent)

    @property
    def has_external_data(self) -> bool:
        """Whether weights lie beside the graph."""
        return any(tensor.data_location == TensorProto.EXTERNAL for tensor in self._tensors.values())

    def _find(self) -> list[Layer]:
        graph = self._model.graph
        inputs = {value.name for value in graph.input}  # adapters: initializers that a caller may override
        found = []
        for node in graph.node:
            if node.op_type not in KINDS or node.input[1] not in self._tensors or node.input[1] in inputs:
                continue
            weight = node.input[1]
            shape = tuple(self._tensors[weight].dims)
            groups = next((a.i for a in node.attribute if a.name == "group"), 1)
            if len(shape) >= 2:
                place = (node.input[0], node.output[0])
                found.append(Layer(_name(weight, node.name), node.name, node.op_type, weight, *place, shape, groups))
        return found


def _name_nodes(graph: onnx.GraphProto) -> None:
    """Layers are found by their nodes' names, which ONNX doesn't ask for: a node without its own takes its output's."""
    names: set[str] = set()
    for node in graph.node:
        if not node.name or node.name in names:
            node.name = next(name for name in node.output if name)
        names.add(node.name)


def _name(weight: str, node: str) -> str:
    """Module path: of the parameter, or of the node where the exporter only numbered it."""
    if "::" in weight:
        return node.strip("/").removesuffix("/MatMul").replace("/", ".")
    for ending in (".weight", "_weight"):
        if weight.endswith(ending):
            return weight.removesuffix(ending)
    return weight


def channel_axis(kind: str) -> int:
    """The axis of the weight that counts output channels."""
    return 0 if kind == "Conv" else 1


def quantize_weight(array: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric INT8 with a scale per output channel: int8 like `array`, float32 [channels]."""
    others = tuple(i for i in range(array.ndim) if i != axis)
    scale = (np.maximum(np.abs(array).max(axis=others), 1e-12) / _LARGEST).astype(np.float32)
    shape = [1] * array.ndim
    shape[axis] = -1
    packed = np.clip(np.rint(array / scale.reshape(shape)), -_LARGEST, _LARGEST).astype(np.int8)
    return packed, scale


def replace_nodes(model: onnx.ModelProto, nodes: list[NodeProto], added: list[TensorProto]) -> None:
    """Gives a graph other nodes, and more initializers; those that nothing reads any more go."""
    graph = model.graph
    used = {name for node in nodes for name in node.input} | {value.name for value in graph.input}
    kept = [tensor for tensor in (*graph.initializer, *added) if tensor.name in used]
    # Through a list of copies: the messages belong to the field that is emptied.
    copies = [TensorProto.FromString(tensor.SerializeToString()) for tensor in kept]
    del graph.initializer[:]
    graph.initializer.extend(copies)
    copied = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copied)
