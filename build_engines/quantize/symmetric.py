"""What a TensorRT engine would round, computed by ONNX Runtime: symmetric INT8 for activations (one scale) and weights
(one per output channel), everything else in float32. For measuring layers; `build_engines.quantize.qdq` writes the
real graphs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from build_engines.quantize.layers import FloatGraph, channel_axis, quantize_weight, replace_nodes

__all__ = ["symmetric_graph"]


def symmetric_graph(graph: FloatGraph, chosen: Collection[str], largest: Mapping[str, float]) -> onnx.ModelProto:
    """The graph with the layers named `chosen` rounded; `largest`: tensor → greatest magnitude to represent."""
    layers = {layer.node: layer for layer in graph.layers if layer.name in chosen}
    model = graph.model()
    nodes: list[NodeProto] = []
    tensors: dict[str, TensorProto] = {"int8_zero": numpy_helper.from_array(np.int8(0), "int8_zero")}
    rounded: set[str] = set()
    for node in model.graph.node:
        layer = layers.get(node.name)
        if layer is not None:
            source, weight = layer.source, f"{layer.weight}/rounded"
            if weight not in tensors:
                axis = channel_axis(layer.kind)
                packed, scale = quantize_weight(graph.weight(layer.weight), axis)
                shape = [1] * packed.ndim
                shape[axis] = -1
                values = packed.astype(np.float32) * scale.reshape(shape)
                tensors[weight] = numpy_helper.from_array(values, weight)
            if source not in rounded:
                rounded.add(source)
                step = np.float32(max(largest[source], 1e-6) / 127)
                tensors[f"{source}/step"] = numpy_helper.from_array(step, f"{source}/step")
                pair = [f"{source}/step", "int8_zero"]
                whole, back = f"{source}/int8", f"{source}/rounded"
                nodes.append(helper.make_node("QuantizeLinear", [source, *pair], [whole], whole))
                nodes.append(helper.make_node("DequantizeLinear", [whole, *pair], [back], back))
            node.input[0], node.input[1] = f"{source}/rounded", weight
        nodes.append(node)
    replace_nodes(model, nodes, list(tensors.values()))
    return model
