"""Two small quantized graphs as the builder makes them, each with one INT8 linear and its adapter: `linear` works on
rows whose number varies, `step` on a KV cache, of which it gives the new row.
"""

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


STEP_ENTRY = TensorRTGraphEntry(
    "tensorrt/gpt_step.onnx",
    {
        "token": TensorSpec("int64", (1, 1)),
        "position": TensorSpec("int64", (1,)),
        "seqlens_k": TensorSpec("int32", (1,)),
        "past_key_0": TensorSpec("float16", (1, 1, "buffer", WIDE)),
        "past_value_0": TensorSpec("float16", (1, 1, "buffer", WIDE)),
    },
    {
        "logits": TensorSpec("float32", (1, OUT)),
        "present_key_0": TensorSpec("float16", (1, 1, 1, WIDE)),
        "present_value_0": TensorSpec("float16", (1, 1, 1, WIDE)),
    },
    ({"buffer": (16, 16, 16)}, {"buffer": (32, 32, 32)}),
)


def step() -> onnx.ModelProto:
    """A decode step: the rows below `seqlens_k` and the token's own make the logits."""
    random = np.random.Generator(np.random.Philox(6))
    weights = {
        "table": random.standard_normal((65, WIDE)).astype(np.float16),
        "weight": random.integers(-127, 128, (WIDE, OUT)).astype(np.int8),
        "weight_scale": (random.random(OUT) * 0.01 + 0.002).astype(np.float16),
        "weight_zero": np.zeros(OUT, np.int8),
        "x_scale": np.float16(0.03),
        "x_zero": np.int8(0),
        "from": np.int64(0),
        "by": np.int64(1),
        "rows_at": np.int64(2),
        "axis_1": np.array([1]),
        "rows_axis": np.array([2]),
        "column": np.array([1, 1, -1, 1]),
        "row": np.array([1, WIDE]),
        "soft": np.float16(0.2),
    }
    nodes = [
        helper.make_node("Gather", ["table", "token"], ["embedded"]),
        helper.make_node("Unsqueeze", ["embedded", "axis_1"], ["present_key_0"]),
        helper.make_node("Cast", ["position"], ["position16"], to=TensorProto.FLOAT16),
        helper.make_node("Mul", ["position16", "x_scale"], ["shift"]),
        helper.make_node("Add", ["present_key_0", "shift"], ["present_value_0"]),
        helper.make_node("Shape", ["past_key_0"], ["past_shape"]),
        helper.make_node("Gather", ["past_shape", "rows_at"], ["rows"]),
        helper.make_node("Range", ["from", "rows", "by"], ["numbers"]),
        helper.make_node("Cast", ["seqlens_k"], ["held"], to=TensorProto.INT64),
        helper.make_node("Less", ["numbers", "held"], ["is_held"]),
        helper.make_node("Cast", ["is_held"], ["mask_flat"], to=TensorProto.FLOAT16),
        helper.make_node("Reshape", ["mask_flat", "column"], ["mask"]),
        helper.make_node("Mul", ["past_key_0", "mask"], ["keys"]),
        helper.make_node("Mul", ["keys", "past_value_0"], ["pairs"]),
        helper.make_node("ReduceSum", ["pairs", "rows_axis"], ["past"], keepdims=1),
        helper.make_node("Mul", ["past", "soft"], ["past_soft"]),
        helper.make_node("Add", ["past_soft", "present_value_0"], ["attended"]),
        helper.make_node("Reshape", ["attended", "row"], ["x16"]),
        helper.make_node("QuantizeLinear", ["x16", "x_scale", "x_zero"], ["x8"], "head/quantize"),
        helper.make_node("DequantizeLinear", ["x8", "x_scale", "x_zero"], ["xq"], "head/dequantize"),
        helper.make_node("DequantizeLinear", ["weight", "weight_scale", "weight_zero"], ["w16"], "head/weight", axis=1),
        helper.make_node("MatMul", ["xq", "w16"], ["base"], "head/MatMul"),
        helper.make_node("MatMul", ["x16", "lora_A.head"], ["low"], "head/A"),
        helper.make_node("MatMul", ["low", "lora_B.head"], ["delta"], "head/B"),
        helper.make_node("Add", ["base", "delta"], ["y16"]),
        helper.make_node("Cast", ["y16"], ["logits"], to=TensorProto.FLOAT),
    ]
    half = {name: TensorSpec("float16", shape) for name, shape in ADAPTERS.items()}
    graph = helper.make_graph(
        nodes,
        "gpt_step",
        [_info(name, spec) for name, spec in (STEP_ENTRY.inputs | half).items()],
        [_info(name, spec) for name, spec in STEP_ENTRY.outputs.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def _info(name: str, spec: TensorSpec) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype)), spec.shape)
