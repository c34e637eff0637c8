"""The KV cache in INT8: the step's GroupQueryAttention reads and writes INT8 rows, the prefill gives them.

One scale per layer and head channel for keys, likewise for values, from calibration: K and V of a layer are the middle
and the last third of its projection. ONNX Runtime 1.27 and later compute it on a CPU; earlier versions refuse it.

The scales are graph inputs with defaults. As constants they make NaN of a model whose prepacked weights were saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from build_engines.quantize.layers import FloatGraph

__all__ = ["KvScales", "computes_int8_cache", "kv_tensors", "quantize_prefill", "quantize_step", "scales_of"]

KvScales = Mapping[int, tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Layer → scales of keys and of values, float32 [heads * head_dim] each."""

_INPUTS = 14  # position of v_scale, the last input that is set
_LARGEST = 127.0
_MARGIN = 1.25
_UNIT, _ZERO = "caches/unit", "caches/zero"  # the channels' scales are multiplied with before
_OLDEST = (1, 27)


def scales_of(
    steps: Sequence[NDArray[np.float32]], keys: NDArray[np.float32], values: NDArray[np.float32]
) -> KvScales:
    """From the largest magnitudes seen: of each layer's step row float32 [3 * C], of the prefill's keys and values
    [layers, 1, heads, head_dim]; with some room above, since a value beyond the scale is cut off."""

    def scale(largest: NDArray[np.float32]) -> NDArray[np.float32]:
        scaled: NDArray[np.float32] = np.maximum(largest, 1e-6).astype(np.float32) * np.float32(_MARGIN / _LARGEST)
        return scaled

    found = {}
    for i, row in enumerate(steps):
        width = len(row) // 3
        key, value = row[width : 2 * width], row[2 * width :]
        found[i] = scale(np.maximum(key, keys[i].ravel())), scale(np.maximum(value, values[i].ravel()))
    return found


def computes_int8_cache(version: str) -> bool:
    """Whether an ONNX Runtime of this version reads and writes INT8 caches on a CPU."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    return numbers >= _OLDEST


def kv_tensors(graph: FloatGraph) -> list[str]:
    """What fills the KV cache: the projections that a step's attention reads [1, 1, 3 * C], or a prefill's outputs."""
    nodes = graph.model().graph.node
    if graph.path.stem == "gpt_prefill":
        return ["keys", "values"]
    return [node.input[0] for node in nodes if node.op_type == "GroupQueryAttention"]


def quantize_step(model: onnx.ModelProto, scales: KvScales) -> None:
    """Gives every GroupQueryAttention INT8 caches, in place."""
    attentions = [node for node in model.graph.node if node.op_type == "GroupQueryAttention"]
    for index, node in enumerate(attentions):
        names = []
        for kind, values in zip(("key", "value"), scales[index], strict=True):
            names.append(_input(model.graph, f"{kind}_scale_{index}", _shaped(node, values)))
        node.input.extend([""] * (_INPUTS - 2 - len(node.input)))
        node.input.extend(names)
        for key, value in (("k_quant_type", "PER_CHANNEL"), ("v_quant_type", "PER_CHANNEL")):
            node.attribute.append(helper.make_attribute(key, value))
        node.attribute.append(helper.make_attribute("kv_cache_bit_width", 8))
    for value in (*model.graph.input, *model.graph.output):
        if value.name.startswith(("past_", "present_")):
            value.type.tensor_type.elem_type = TensorProto.INT8


def _shaped(node: NodeProto, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """[1, heads, 1, head_dim], as the operator wants scales per channel."""
    heads = next(a.i for a in node.attribute if a.name == "kv_num_heads")
    shaped: NDArray[np.float32] = values.reshape(1, heads, 1, -1)
    return shaped


def _input(graph: onnx.GraphProto, name: str, values: NDArray[np.float32]) -> str:
    graph.initializer.append(numpy_helper.from_array(values, name))
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, values.shape))
    return name


def quantize_prefill(model: onnx.ModelProto, scales: KvScales, heads: int) -> None:
    """Rounds what the prefill gives as `keys` and `values` [layers, 1, heads, rows, head_dim], in place.

    Layer by layer, before they are stacked: a quarter of the bytes is stacked, and no large buffer is needed.
    """
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    graph.initializer.append(numpy_helper.from_array(np.float32(1), _UNIT))
    graph.initializer.append(numpy_helper.from_array(np.int8(0), _ZERO))
    rounding: dict[str, list[NodeProto]] = {}  # first output of a node → nodes that come before it
    for which, output in enumerate(("keys", "values")):
        for layer, part in enumerate(makers[output].input):
            place, name = makers[part], f"{output}/{layer}"
            inverse = (1 / scales[layer][which].reshape(1, heads, 1, -1)).astype(np.float32)
            graph.initializer.append(numpy_helper.from_array(inverse, f"{name}/inverse"))
            rounding[part] = [
                helper.make_node("Mul", [place.input[0], f"{name}/inverse"], [f"{name}/scaled"], f"{name}/Mul"),
                helper.make_node("QuantizeLinear", [f"{name}/scaled", _UNIT, _ZERO], [name], f"{name}/Quantize"),
            ]
            place.input[0] = name
    nodes = [made for node in graph.node for made in (*rounding.get(node.output[0], ()), node)]
    del graph.node[:]
    graph.node.extend(nodes)
    for value in graph.output:
        if value.name in ("keys", "values"):
            value.type.tensor_type.elem_type = TensorProto.INT8
