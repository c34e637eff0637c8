"""A small quantized graph as the builder makes them: one INT8 linear with an adapter, over rows whose number varies."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from edge_tts.bundle.spec import TensorRTGraphEntry, TensorSpec
from edge_tts.engines.onnx import OnnxEngine

WIDE, OUT, RANK = 8, 12, 4
ADAPTERS = {"lora_A.head": (WIDE, RANK), "lora_B.head": (RANK, OUT)}
ENTRY = TensorRTGraphEntry(
    "tensorrt/vocoder.onnx",
    {"x": TensorSpec("float32", (1, "rows", WIDE))},
    {"y": TensorSpec("float32", (1, "rows", OUT))},
    ({"rows": (1, 4, 16)}, {"rows": (17, 32, 64)}),
)


def run_linear(inputs):
    """The graph as ONNX Runtime computes it."""
    return OnnxEngine().load("linear", linear().SerializeToString()).run(inputs)


def linear(zero_point: int = 0) -> onnx.ModelProto:
    """x float32 [1,rows,8] → y float32 [1,rows,12]; adapter `lora_A.head`, `lora_B.head` float16 of rank 4."""
    random = np.random.Generator(np.random.Philox(5))
    weight = random.integers(-127, 128, (WIDE, OUT)).astype(np.int8)
    scale = (random.random(OUT) * 0.01 + 0.002).astype(np.float16)
    weights = {
        "weight": weight,
        "weight_scale": scale,
        "weight_zero": np.zeros(OUT, np.int8),
        "x_scale": np.float16(0.03),
        "x_zero": np.int8(zero_point),
    }
    nodes = [
        helper.make_node("Cast", ["x"], ["x16"], to=TensorProto.FLOAT16),
        helper.make_node("QuantizeLinear", ["x16", "x_scale", "x_zero"], ["x8"], "head/quantize"),
        helper.make_node("DequantizeLinear", ["x8", "x_scale", "x_zero"], ["xq"], "head/dequantize"),
        helper.make_node("DequantizeLinear", ["weight", "weight_scale", "weight_zero"], ["w16"], "head/weight", axis=1),
        helper.make_node("MatMul", ["xq", "w16"], ["base"], "head/MatMul"),
        helper.make_node("MatMul", ["x16", "lora_A.head"], ["low"], "head/A"),
        helper.make_node("MatMul", ["low", "lora_B.head"], ["delta"], "head/B"),
        helper.make_node("Add", ["base", "delta"], ["y16"]),
        helper.make_node("Cast", ["y16"], ["y"], to=TensorProto.FLOAT),
    ]
    graph = helper.make_graph(
        nodes,
        "linear",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "rows", WIDE]),
            *(helper.make_tensor_value_info(n, TensorProto.FLOAT16, shape) for n, shape in ADAPTERS.items()),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, "rows", OUT])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
