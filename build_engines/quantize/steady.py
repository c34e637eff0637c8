"""Float layers of an INT8 vocoder compute a frame to the same bits however many frames a window has.

INT8 layers are exact, what stays float between them is not: where a matrix product has 64 columns or fewer, ONNX
Runtime sums in other portions (MLAS, `MlasSgemmOperation`: its strides). The last bits differ, a value halfway between
two INT8 steps goes the other way, and from layer to layer the difference grows to that of rounding itself: a full-size
voice's windows agreed with the whole sentence to 35-43 dB, with room they are equal. So layers that see frames, which
alone are so few, get 64 frames of zeros behind theirs, and what comes of those is cut off. That costs a window of 30
frames 3 % of its time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from build_engines.quantize.layers import FloatGraph, Layer

__all__ = ["with_room", "without_room"]

_FRAMES = 64
# Shorter sums are never made in portions.
_LEAST_SUMMED = 129
_ROOM, _CUT = "/Room", "/Cut"


def with_room(graph: FloatGraph, nodes: Sequence[NodeProto]) -> tuple[list[NodeProto], list[TensorProto]]:
    """The nodes, those up to the first ConvTranspose that stayed float with room; and the constants that they need.

    Behind it frames have become samples, of which there are always more than 64. A graph without one has no windows.
    """
    first = next((i for i, node in enumerate(nodes) if node.op_type == "ConvTranspose"), -1)
    layers = {layer.node: layer for layer in graph.layers}
    made, tensors = list[NodeProto](), dict[str, TensorProto]()
    for node in nodes[: first + 1]:
        layer = layers.get(node.name)
        if layer is not None and node.op_type in ("Conv", "ConvTranspose") and _portions(layer, node):
            made += _roomy(layer, node, tensors)
        else:
            made.append(node)
    return [*made, *nodes[first + 1 :]], list(tensors.values())


def without_room(nodes: Sequence[NodeProto]) -> list[NodeProto]:
    """The nodes as they were before `with_room`."""
    padded = {node.output[0]: node.input[0] for node in nodes if node.name.endswith(_ROOM)}
    cut = {node.input[0]: node.output[0] for node in nodes if node.name.endswith(_CUT)}
    kept = list[NodeProto]()
    for node in nodes:
        if node.name.endswith((_ROOM, _CUT)):
            continue
        if node.input and node.input[0] in padded:
            node.input[0], node.output[0] = padded[node.input[0]], cut[node.output[0]]
        kept.append(node)
    return kept


def _portions(layer: Layer, node: NodeProto) -> bool:
    """Whether the layer may sum in portions, and is one that room does not change."""
    settings = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    summed = layer.shape[0] if layer.kind == "ConvTranspose" else int(np.prod(layer.shape[1:]))
    strided = layer.kind == "Conv" and any(stride != 1 for stride in settings.get("strides", []))
    plain = settings.get("auto_pad", b"NOTSET") == b"NOTSET" and "output_shape" not in settings
    return summed >= _LEAST_SUMMED and layer.groups == 1 and plain and not strided


def _roomy(layer: Layer, node: NodeProto, tensors: dict[str, TensorProto]) -> list[NodeProto]:
    def constant(name: str, values: Sequence[int]) -> str:
        tensors[name] = numpy_helper.from_array(np.array(values, np.int64), name)
        return name

    rank = len(layer.shape)
    strides = next((a.ints for a in node.attribute if a.name == "strides"), [1])
    more = _FRAMES * (strides[-1] if layer.kind == "ConvTranspose" else 1)
    source, result = node.input[0], node.output[0]
    within = NodeProto()
    within.CopyFrom(node)
    within.input[0], within.output[0] = f"{result}/roomy", f"{result}/uncut"
    pads = constant(f"{result}/pads", [0] * (2 * rank - 1) + [_FRAMES])
    bounds = [constant(f"{result}/{key}", [value]) for key, value in (("from", 0), ("to", -more), ("axis", rank - 1))]
    return [
        helper.make_node("Pad", [source, pads], [within.input[0]], node.name + _ROOM),
        within,
        helper.make_node("Slice", [within.output[0], *bounds], [result], node.name + _CUT),
    ]
