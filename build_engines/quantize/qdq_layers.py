"""Explicit INT8: quantizers before the layers that become INT8, and their weights as INT8.

All is symmetric, since TensorRT knows nothing else: an activation has one scale, a weight one per output channel. A
bias stays float. The scales will be float16, like what they give back, so they are rounded to it before anything is
quantized with them, and none is smaller than float16's smallest normal number: kernels may take what is below for 0.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import NodeProto, helper

from build_engines.errors import BuildError
from build_engines.quantize.qdq_draft import Array, Draft, attribute, node_title

__all__ = ["quantize_layers"]

_LARGEST = 127  # symmetric: -128 is never used
_KINDS = ("MatMul", "Gemm", "Conv", "ConvTranspose")
# TensorRT runs convolutions over images and gives a sequence a height of 1; for INT8 that is done here, lest it come
# between a weight and its scales.
_HEIGHT_AXIS = 2


def quantize_layers(draft: Draft, amax: Mapping[str, float]) -> None:
    """Make the nodes that `amax` names INT8, in place; it says how large their activation may be.

    Raises BuildError: a name is no node's, the node has no constant weight, a number is not positive and finite.
    """
    missing = set(amax) - {node.name for node in draft.nodes if node.name}
    if missing:
        raise BuildError(f"graph {draft.name!r} has no node {min(missing)!r} to quantize")
    nodes, draft.nodes = draft.nodes, []
    done: dict[str, str] = {}
    for node in nodes:
        if node.name in amax:
            _quantize(draft, node, float(amax[node.name]), done)
        else:
            draft.nodes.append(node)


def half_scale(amax: Array) -> Array:
    """Scales [any shape], float32, exactly float16, that bring numbers up to `amax` into -127..127."""
    wanted = np.maximum(amax.astype(np.float64) / _LARGEST, float(np.finfo(np.float16).smallest_normal))
    scale = wanted.astype(np.float16)
    return np.where(scale < wanted, np.nextafter(scale, np.float16(np.inf)), scale).astype(np.float32)


def _quantize(draft: Draft, node: NodeProto, amax: float, done: dict[str, str]) -> None:
    if node.op_type not in _KINDS or node.input[1] not in draft.weights:
        raise BuildError(f"node {node_title(node)} of graph {draft.name!r} is no layer with weights to quantize")
    if not 0 < amax < np.inf:
        raise BuildError(f"node {node_title(node)} of graph {draft.name!r}: its activations' range is {amax}")
    if node.op_type == "Gemm" and (attribute(node, "transA", 0) or attribute(node, "alpha", 1.0) != 1.0):
        raise BuildError(f"node {node_title(node)} of graph {draft.name!r} is a product that can't be quantized")
    weight = draft.weights[node.input[1]]
    sequence = node.op_type in ("Conv", "ConvTranspose") and weight.ndim == 3
    source, result = node.input[0], node.output[0]
    if sequence:
        axis = draft.add("height/axis", np.array([_HEIGHT_AXIS]))
        source = _once(draft, done, f"{source}/image", "Unsqueeze", [source, axis])
        _give_height(node)
    scale = half_scale(np.array(amax))
    quantized = _activation(draft, source, scale, done)
    node.input[0] = quantized
    node.input[1] = _weight(draft, node.input[1], _channel_axis(node), sequence, done)
    draft.nodes.append(node)
    if sequence:
        node.output[0] = f"{result}/image"
        done[node.output[0]] = node.op_type  # a convolution that follows takes it as it is
        draft.nodes.append(
            helper.make_node("Squeeze", [f"{result}/image", "height/axis"], [result], f"{node.name}/Squeeze")
        )


def _activation(draft: Draft, source: str, scale: Array, done: dict[str, str]) -> str:
    """The activation as INT8 and back, once for all layers that read it with this scale."""
    name = f"{source}/int8_{float(scale):.9g}"
    scale_name = draft.add(f"{name}/scale", scale)
    zero = draft.add("int8/zero", np.array(0, np.int8))
    packed = _once(draft, done, f"{name}/q", "QuantizeLinear", [source, scale_name, zero])
    return _once(draft, done, f"{name}/dq", "DequantizeLinear", [packed, scale_name, zero])


def _weight(draft: Draft, name: str, axis: int, sequence: bool, done: dict[str, str]) -> str:
    made = f"{name}/image/dq" if sequence else f"{name}/dq"
    if made in done:
        return made
    array = draft.weights[name].astype(np.float32)
    if sequence:
        array = np.expand_dims(array, _HEIGHT_AXIS)
    scale = half_scale(np.abs(array).max(axis=tuple(i for i in range(array.ndim) if i != axis)))
    shape = [1] * array.ndim
    shape[axis] = -1
    packed = np.clip(np.rint(array / scale.reshape(shape)), -_LARGEST, _LARGEST).astype(np.int8)
    inputs = [draft.add(f"{made}/int8", packed), draft.add(f"{made}/scale", scale)]
    inputs.append(draft.add(f"{made}/zero", np.zeros(len(scale), np.int8)))
    return _once(draft, done, made, "DequantizeLinear", inputs, axis=axis)


def _channel_axis(node: NodeProto) -> int:
    """The axis of the weight that counts output channels."""
    if node.op_type == "Gemm":
        return 0 if attribute(node, "transB", 0) else 1
    return 0 if node.op_type == "Conv" else 1


def _give_height(node: NodeProto) -> None:
    """The attributes of a convolution over a sequence, for images of height 1."""
    fill = {"kernel_shape": [1], "strides": [1], "dilations": [1], "output_padding": [0]}
    for item in node.attribute:
        if item.name in fill:
            item.CopyFrom(helper.make_attribute(item.name, [*fill[item.name], *item.ints]))
        elif item.name == "pads":
            item.CopyFrom(helper.make_attribute("pads", [0, item.ints[0], 0, item.ints[1]]))


def _once(draft: Draft, done: dict[str, str], result: str, kind: str, inputs: list[str], **attributes: int) -> str:
    if result not in done:
        done[result] = kind
        draft.nodes.append(helper.make_node(kind, inputs, [result], f"{result}/{kind}", None, None, None, **attributes))
    return result
