"""The float graph behind an INT8 one: weights times their scales, arithmetic in float again.

What rounding took from the weights does not come back; what it takes from activations does. So the restored graph is
what an INT8 one is compared with where the float original is gone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

from build_engines.errors import BuildError
from build_engines.export.weights import values_of
from build_engines.quantize.layers import replace_nodes
from build_engines.quantize.steady import without_room

__all__ = ["is_quantized", "restore"]

_SUFFIX = re.compile(r"_quantized(_\d+)?$")
_INT8_OPERATORS = frozenset({"MatMulInteger", "QLinearConv", "QLinearMatMul", "ConvInteger", "DequantizeLinear"})


def is_quantized(model: onnx.ModelProto) -> bool:
    """Whether a graph has INT8 operators."""
    return any(node.op_type in _INT8_OPERATORS for node in model.graph.node)


def restore(model: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    """The float graph, whose layers have the names that they had; `folder` holds weights that lie beside the graph.

    Raises BuildError: INT8 of a kind that isn't ours.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    if any(a.name == "kv_cache_bit_width" for node in copy.graph.node for a in node.attribute):
        raise BuildError(f"graph {copy.graph.name!r} has an INT8 KV cache, which can't be taken back")
    worker = _Restorer(copy.graph, folder)
    replace_nodes(copy, without_room(worker.nodes()), [numpy_helper.from_array(v, k) for k, v in worker.made.items()])
    return copy


class _Restorer:
    def __init__(self, graph: onnx.GraphProto, folder: Path) -> None:
        self._graph, self._folder = graph, folder
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}
        self._readers: dict[str, list[NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._instead: dict[str, NodeProto | None] = {}  # first output of a node → what takes its place
        self.made: dict[str, NDArray[np.float32]] = {}

    def nodes(self) -> list[NodeProto]:
        """The float graph's nodes; those that only fed INT8 operators are gone."""
        for node in self._graph.node:
            if node.op_type == "MatMulInteger":
                self._linear(node)
            elif node.op_type == "QLinearConv":
                self._convolution(node)
            elif node.op_type == "DequantizeLinear" and node.input[0] in self._tensors:
                axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
                scale = self._array(node.input[1])
                self.made[node.output[0]] = self._float(node.input[0], scale, axis, list(node.input[2:]))
                self._instead[node.output[0]] = None
        changed = [self._instead.get(node.output[0], node) for node in self._graph.node]
        needed, kept = {value.name for value in self._graph.output}, list[NodeProto]()
        for node in reversed([node for node in changed if node is not None]):
            if needed & set(node.output):
                kept.append(node)
                needed.update(node.input)
        return kept[::-1]

    def _linear(self, node: NodeProto) -> None:
        """MatMulInteger, Cast, Mul by both scales."""
        source = self._makers[node.input[0]].input[0]
        (cast,) = self._readers[node.output[0]]
        (last,) = self._readers[cast.output[0]]
        weight = _SUFFIX.sub("", node.input[1])
        self.made[weight] = self._float(node.input[1], self._array(f"{weight}_scale"), 1, list(node.input[3:]))
        name = last.name if not node.name.endswith("_quant") else node.name.removesuffix("_quant")
        self._instead |= {node.output[0]: None, cast.output[0]: None}
        self._instead[last.output[0]] = helper.make_node("MatMul", [source, weight], list(last.output), name)

    def _convolution(self, node: NodeProto) -> None:
        source = self._makers[node.input[0]].input[0]
        (back,) = self._readers[node.output[0]]
        weight = _SUFFIX.sub("", node.input[3])
        self.made[weight] = self._float(node.input[3], self._array(node.input[4]), 0, [])
        inputs = [source, weight]
        if len(node.input) > 8:
            bias = node.input[8].removesuffix("_quantized")
            scale = self._array(node.input[1]) * self._array(node.input[4])
            self.made[bias] = (self._array(node.input[8]) * scale).astype(np.float32)
            inputs.append(bias)
        conv = helper.make_node("Conv", inputs, list(back.output), node.name)
        conv.attribute.extend(node.attribute)
        self._instead |= {node.output[0]: None, back.output[0]: conv}

    def _array(self, name: str) -> NDArray[np.float32]:
        if name not in self._tensors:
            raise BuildError(f"graph {self._graph.name!r} has INT8 of another program: {name!r} is no constant")
        return values_of(self._tensors[name], self._folder)

    def _float(self, packed: str, factors: NDArray[np.float32], axis: int, zeros: Sequence[str]) -> NDArray[np.float32]:
        values = self._array(packed).astype(np.float32)
        for name in zeros:
            values = values - self._array(name).astype(np.float32)
        shape = [1] * values.ndim
        if factors.ndim:
            shape[axis] = -1
        restored: NDArray[np.float32] = (values * factors.reshape(shape)).astype(np.float32)
        return restored
