"""Graphs without weights: a planner needs their sizes alone, so a full-size network costs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper

from build_engines.plan.cost import Cost, count
from build_engines.plan.precision import Precision
from build_engines.plan.shapes import Tensor, infer_shapes

FLOAT, HALF, INT8, INT32, INT64 = (
    TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT8, TensorProto.INT32, TensorProto.INT64,
)  # fmt: skip
UINT8 = TensorProto.UINT8


class Sketch:
    """Collects nodes; a weight is a type and a shape, its numbers lie in a file that isn't there."""

    def __init__(self, opset: int = 19) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._opset = opset
        self.inputs: dict[str, Tensor] = {}
        self.outputs: list[str] = []

    def input(self, name: str, dtype: int, *shape: int) -> str:
        self.inputs[name] = Tensor(dtype, shape)
        return name

    def weight(self, dtype: int, *shape: int) -> str:
        name = f"weight_{len(self._weights)}"
        tensor = TensorProto(name=name, data_type=dtype, dims=shape, data_location=TensorProto.EXTERNAL)
        tensor.external_data.add(key="location", value="nowhere")
        self._weights.append(tensor)
        return name

    def number(self, value: Any, dtype: int = INT64) -> str:
        """A constant that shapes may depend on."""
        name = f"weight_{len(self._weights)}"
        values = value if isinstance(value, list) else [value]
        self._weights.append(helper.make_tensor(name, dtype, [len(values)] if isinstance(value, list) else [], values))
        return name

    def op(self, kind: str, inputs: Sequence[str], *outputs: str, domain: str = "", **attributes: Any) -> str:
        names = outputs or (f"{kind}_{len(self._nodes)}",)
        self._nodes.append(helper.make_node(kind, list(inputs), list(names), domain=domain, **attributes))
        return names[0]

    def model(self) -> onnx.ModelProto:
        graph = helper.make_graph(
            self._nodes,
            "sketch",
            [helper.make_tensor_value_info(name, t.dtype, t.shape) for name, t in self.inputs.items()],
            [onnx.ValueInfoProto(name=name) for name in self.outputs],
            self._weights,
        )
        opsets = [helper.make_opsetid("", self._opset), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)

    def shapes(self, values: Mapping[str, Any] | None = None) -> dict[str, Tensor]:
        return infer_shapes(self.model(), self.inputs, values or {})

    def cost(self, context: int = 0, precision: Precision = Precision.STORED) -> Cost:
        return count(self.model(), self.shapes(), context, precision)


def gpt_step(context: int, buffer: int, layers: int = 24, width: int = 512, heads: int = 16) -> Cost:
    """GPT-SoVITS's GPT, one decode step: 24 layers of 512, 1025 logits (its configuration s1longer-v2)."""
    g = Sketch()
    x = g.op("Gather", [g.weight(FLOAT, 1025, width), g.input("token", INT64, 1, 1)])
    lengths = [g.input("seqlens_k", INT32, 1), g.input("total_length", INT32, 1)]

    def linear(x: str, rows: int, columns: int) -> str:
        product = g.op("MatMul", [x, g.weight(FLOAT, rows, columns)])
        return g.op("Add", [product, g.weight(FLOAT, columns)])

    for layer in range(layers):
        past = [g.input(f"past_{kind}_{layer}", FLOAT, 1, heads, buffer, width // heads) for kind in ("key", "value")]
        present = [f"present_{kind}_{layer}" for kind in ("key", "value")]
        q, k, v = (f"{part}_{layer}" for part in "qkv")
        g.op("Split", [linear(x, width, 3 * width)], q, k, v, axis=2, num_outputs=3)
        attended = g.op(
            "GroupQueryAttention", [q, k, v, *past, *lengths], f"attended_{layer}", *present,
            domain="com.microsoft", num_heads=heads, kv_num_heads=heads,
        )  # fmt: skip
        g.outputs += present
        x = g.op("Add", [x, linear(attended, width, width)])
        x = g.op("Add", [x, linear(g.op("Relu", [linear(x, width, 4 * width)]), 4 * width, width)])
    g.outputs.append(g.op("MatMul", [x, g.weight(FLOAT, width, 1025)], "logits"))
    return g.cost(context)


def hifigan(frames: int, channels: int, first: int) -> Cost:
    """GPT-SoVITS v2's decoder: rates 10, 8, 2, 2, 2 with kernels first, 16, 8, 2, 2; blocks of kernels 3, 7, 11."""
    g = Sketch()

    def conv(x: str, inside: int, outside: int, kernel: int, dilation: int = 1) -> str:
        pads = [dilation * (kernel - 1) // 2] * 2
        return g.op("Conv", [x, g.weight(FLOAT, outside, inside, kernel)], pads=pads, dilations=[dilation])

    x = conv(g.input("z", FLOAT, 1, 192, frames), 192, channels, 7)
    for rate, kernel in zip((10, 8, 2, 2, 2), (first, 16, 8, 2, 2), strict=True):
        pad = (kernel - rate) // 2
        up = g.weight(FLOAT, channels, channels // 2, kernel)
        x = g.op("ConvTranspose", [g.op("LeakyRelu", [x]), up], strides=[rate], pads=[pad, pad])
        channels //= 2
        made = []
        for size in (3, 7, 11):
            block = x
            for dilation in (1, 3, 5):
                inner = conv(g.op("LeakyRelu", [block]), channels, channels, size, dilation)
                block = g.op("Add", [block, conv(g.op("LeakyRelu", [inner]), channels, channels, size)])
            made.append(block)
        x = g.op("Add", [g.op("Add", made[:2]), made[2]])
    g.outputs.append(g.op("Tanh", [conv(x, channels, 1, 7)], "audio"))
    return g.cost()
