"""Layers in INT8 for ONNX Runtime on a CPU.

*Dynamic* linear layers (the GPT's): the activation becomes unsigned INT8 with a scale and a zero point of each call's
own, x @ W is (xq - zero) @ Wq times both scales. *Static* ones (the acoustic model's) have scale and zero point from
calibration, so that a row's result does not depend on the rows beside it: windows of a stream agree (`steady` sees to
what stays float). Static convolutions (QLinearConv) round their result to INT8 too. Weights are signed and symmetric,
with a scale per output channel. An adapter's delta goes on reading the float activation.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from build_engines.quantize.layers import FloatGraph, Layer, channel_axis, quantize_weight, replace_nodes
from build_engines.quantize.steady import with_room

__all__ = ["Range", "cpu_graph", "quantizer"]

Range = tuple[float, float]
"""Least and greatest value that an activation takes; 0 lies between them."""


def cpu_graph(graph: FloatGraph, chosen: Collection[str], ranges: Mapping[str, Range] | None = None) -> onnx.ModelProto:
    """The graph with the layers named `chosen` in INT8.

    `ranges` of the tensors that static layers read and convolutions give, by name; without them linear layers are
    dynamic and convolutions stay as they are. ConvTranspose stays too: ONNX Runtime has no INT8 kernel for it.
    """
    rewriter = _Rewriter(graph, ranges)
    model = graph.model()
    layers = {layer.node: layer for layer in graph.layers if layer.name in chosen}
    for node in model.graph.node:
        layer = layers.get(node.name)
        if layer is not None and layer.kind == "MatMul":
            rewriter.linear(layer, node)
        elif layer is not None and layer.kind == "Conv" and ranges is not None:
            rewriter.convolution(layer, node)
        else:
            rewriter.nodes.append(node)
    steady = ranges is not None and chosen
    nodes, constants = with_room(graph, rewriter.nodes) if steady else (rewriter.nodes, [])
    replace_nodes(model, nodes, [*rewriter.tensors.values(), *constants])
    return model


def quantizer(bounds: Range) -> tuple[np.float32, np.uint8]:
    """Scale and zero point of unsigned INT8 for a range; 0 is represented exactly."""
    low, high = min(bounds[0], 0.0), max(bounds[1], 0.0)
    scale = np.float32(max(high - low, 1e-12) / 255)
    return scale, np.uint8(np.clip(round(-low / float(scale)), 0, 255))


class _Rewriter:
    def __init__(self, graph: FloatGraph, ranges: Mapping[str, Range] | None) -> None:
        self._graph, self._ranges = graph, ranges
        self.nodes: list[NodeProto] = []
        self.tensors: dict[str, TensorProto] = {}
        self._quantized: set[str] = set()
        self._uses: dict[str, int] = {}

    def linear(self, layer: Layer, node: NodeProto) -> None:
        """Nodes for x @ W."""
        weight, _ = self._weight(layer, 1)
        result = node.output[0]
        x = self._activation(layer.source)
        total, cast = f"{result}/int32", f"{result}/sum"
        operands = [x, weight, f"{layer.source}/zero"]
        self.nodes.append(helper.make_node("MatMulInteger", operands, [total], total))
        self.nodes.append(helper.make_node("Cast", [total], [cast], cast, to=TensorProto.FLOAT))
        both = f"{result}/factor"
        self.nodes.append(helper.make_node("Mul", [f"{layer.source}/scale", f"{layer.weight}_scale"], [both], both))
        self.nodes.append(helper.make_node("Mul", [cast, both], [result], layer.node))

    def convolution(self, layer: Layer, node: NodeProto) -> None:
        """Nodes for a convolution with its bias; the bias is INT32 in units of both scales."""
        assert self._ranges is not None
        weight, scale = self._weight(layer, channel_axis(layer.kind))
        result = node.output[0]
        x = self._activation(layer.source)
        given = quantizer(self._ranges[layer.source])[0]
        operands = [
            x, f"{layer.source}/scale", f"{layer.source}/zero", weight, f"{layer.weight}_scale",
            self._constant(f"{weight}_zeros", np.zeros(len(scale), np.int8)),
        ]  # fmt: skip
        made, offset = quantizer(self._ranges[result])
        operands += [self._constant(f"{result}/scale", made), self._constant(f"{result}/zero", offset)]
        if len(node.input) > 2:
            bias = np.rint(self._graph.weight(node.input[2]).astype(np.float64) / (np.float64(given) * scale))
            operands.append(self._constant(f"{node.input[2]}_quantized", np.clip(bias, -(2**31), 2**31 - 1), np.int32))
        rounded = f"{result}/rounded"
        self.nodes.append(helper.make_node("QLinearConv", operands, [rounded], layer.node))
        self.nodes[-1].attribute.extend(node.attribute)
        back = [rounded, f"{result}/scale", f"{result}/zero"]
        self.nodes.append(helper.make_node("DequantizeLinear", back, [result], f"{result}/Dequantize"))

    def _activation(self, source: str) -> str:
        """The name of a quantized activation; layers that read the same one share it."""
        parts = [f"{source}/{part}" for part in ("int8", "scale", "zero")]
        if source not in self._quantized:
            self._quantized.add(source)
            if self._ranges is None:
                self.nodes.append(helper.make_node("DynamicQuantizeLinear", [source], parts, f"{source}/Quantize"))
            else:
                scale, zero = quantizer(self._ranges[source])
                inputs = [source, self._constant(parts[1], scale), self._constant(parts[2], zero)]
                self.nodes.append(helper.make_node("QuantizeLinear", inputs, parts[:1], f"{source}/Quantize"))
        return parts[0]

    def _weight(self, layer: Layer, axis: int) -> tuple[str, NDArray[np.float32]]:
        """The name of the INT8 weight, and its scale.

        Every node has its own: where ONNX Runtime shifts weights for a processor (`edge_tts.engines.onnx`), it can't
        meet one twice. In a file beside the graph their bytes are the same.
        """
        packed, scale = quantize_weight(self._graph.weight(layer.weight), axis)
        self._uses[layer.weight] = use = self._uses.get(layer.weight, 0) + 1
        self._constant(f"{layer.weight}_scale", scale)
        name = f"{layer.weight}_quantized" if use == 1 else f"{layer.weight}_quantized_{use}"
        return self._constant(name, packed), scale

    def _constant(self, name: str, value: Any, dtype: Any = None) -> str:
        array = np.asarray(value, dtype)
        self.tensors[name] = numpy_helper.from_array(array, name)
        return name
