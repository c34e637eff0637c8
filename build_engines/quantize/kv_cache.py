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
    """Rounds what the prefill gives as `keys` and `values` [layers, 1, heads, rows, head_dim], in place."""
    graph = model.graph
    for which, output in enumerate(("keys", "values")):
        stacked = np.stack([scales[i][which].reshape(1, heads, 1, -1) for i in sorted(scales)])
        graph.initializer.append(numpy_helper.from_array((1 / stacked).astype(np.float32), f"{output}/inverse"))
        graph.initializer.append(numpy_helper.from_array(np.float32(_LARGEST), f"{output}/most"))
        graph.initializer.append(numpy_helper.from_array(np.float32(-_LARGEST), f"{output}/least"))
        for node in graph.node:
            for i, name in enumerate(node.output):
                if name == output:
                    node.output[i] = f"{output}/float"
        graph.node.extend([
            helper.make_node("Mul", [f"{output}/float", f"{output}/inverse"], [f"{output}/scaled"], f"{output}/Mul"),
            helper.make_node("Round", [f"{output}/scaled"], [f"{output}/whole"], f"{output}/Round"),
            helper.make_node("Clip", [f"{output}/whole", f"{output}/least", f"{output}/most"],
                             [f"{output}/clipped"], f"{output}/Clip"),
            helper.make_node("Cast", [f"{output}/clipped"], [output], f"{output}/Cast", to=TensorProto.INT8),
        ])  # fmt: skip
        for value in graph.output:
            if value.name == output:
                value.type.tensor_type.elem_type = TensorProto.INT8
