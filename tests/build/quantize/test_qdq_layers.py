"""Convolutions and linear layers in explicit INT8: where the quantizers stand, what their scales are."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from build_engines.errors import BuildError
from build_engines.export.sovits import export_sovits
from build_engines.models.sovits.model import Sovits
from build_engines.quantize.qdq import tensorrt_graph
from tests.build.models.sovits.small import SMALL
from tests.build.quantize.qdq_case import layers_of, made_by, nodes_of, ranges_of, run, snr_db, weights_of

RANK = 4
SMALLEST_NORMAL = 2.0**-14


@pytest.fixture(scope="module")
def sovits(tmp_path_factory):
    """Float graphs of a small acoustic model and inputs for them, by name."""
    import torch

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("sovits")
    model = Sovits(SMALL).eval().requires_grad_(False)
    export_sovits(model, folder)
    rng = np.random.default_rng(0)
    latents, vocoder = model.condition(
        torch.from_numpy(rng.standard_normal((1, SMALL.gin_channels)).astype(np.float32))
    )
    frames, channels = 30, SMALL.inter_channels
    return {
        "latents": (onnx.load(str(folder / "latents.onnx")), {
            "codes": rng.integers(0, 1024, (1, 12)), "phones": rng.integers(0, 30, (1, 7)),
            "condition": latents.numpy(), "frames": np.array([frames]),
            "noise": rng.standard_normal((1, channels, frames)).astype(np.float32) * 0.5,
        }),
        "vocoder": (onnx.load(str(folder / "vocoder.onnx")), {
            "z": rng.standard_normal((1, channels, 9)).astype(np.float32), "condition": vocoder.numpy(),
        }),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["latents", "vocoder"])
def test_float16_and_int8_are_near_the_float_graph(sovits, name):
    model, feeds = sovits[name]
    (expected,) = run(model, feeds).values()
    (half,) = run(tensorrt_graph(model, name, {}, RANK), feeds).values()
    assert half.dtype == np.float32
    assert snr_db(expected, half) > 50
    amax = ranges_of(model, feeds, layers_of(model))
    (int8,) = run(tensorrt_graph(model, name, amax, RANK), feeds).values()
    assert 20 < snr_db(expected, int8) < snr_db(expected, half)


def test_the_number_of_frames_is_the_length_of_the_noise(sovits):
    """At another speed there are more or fewer of them than the tokens have."""
    model, feeds = sovits["latents"]
    half = tensorrt_graph(model, "latents", {}, RANK)
    assert "frames" not in {value.name for value in half.graph.input}
    for frames in (13, 24, 49):
        noise = np.random.default_rng(1).standard_normal((1, SMALL.inter_channels, frames)).astype(np.float32)
        changed = feeds | {"frames": np.array([frames]), "noise": noise}
        (expected,), (z,) = run(model, changed).values(), run(half, changed).values()
        assert snr_db(expected, z) > 50


@pytest.mark.parametrize("name", ["latents", "vocoder"])
def test_every_layer_gets_symmetric_quantizers_on_both_sides(sovits, name):
    model, feeds = sovits[name]
    layers = layers_of(model)
    amax = ranges_of(model, feeds, layers)
    graph = tensorrt_graph(model, name, amax, RANK)
    onnx.checker.check_model(graph, full_check=True)
    weights = weights_of(graph)
    products = {node.name: node for node in graph.graph.node if node.name in amax}
    assert set(products) == set(layers)
    for node in products.values():
        quantized, weight = (made_by(graph, tensor) for tensor in node.input[:2])
        assert quantized.op_type == weight.op_type == "DequantizeLinear"
        assert made_by(graph, quantized.input[0]).op_type == "QuantizeLinear"
        assert weights[weight.input[0]].dtype == np.int8
        axis = onnx.helper.get_node_attr_value(weight, "axis")
        assert axis == (1 if node.op_type in ("ConvTranspose", "MatMul") else 0)
        assert weights[weight.input[1]].shape == (weights[weight.input[0]].shape[axis],)
        assert len(node.input) < 3 or weights[node.input[2]].dtype == np.float16
        if node.op_type != "MatMul":
            assert weights[weight.input[0]].ndim == 4  # a sequence is an image of height 1
    for node in (*nodes_of(graph, "QuantizeLinear"), *nodes_of(graph, "DequantizeLinear")):
        assert not weights[node.input[2]].any()
        scale = weights[node.input[1]]
        assert scale.dtype == np.float16
        assert (scale >= SMALLEST_NORMAL).all()


def linear(weight, amax=1.0, kind="MatMul", shape=(1, 3), bias=None, **attributes):
    """A graph of one layer, and the same with INT8."""
    weights = [numpy_helper.from_array(weight, "a.weight")]
    if bias is not None:
        weights.append(numpy_helper.from_array(bias, "a.bias"))
    node = helper.make_node(kind, ["x", *(tensor.name for tensor in weights)], ["y"], "/a/Product", **attributes)
    graph = helper.make_graph(
        [node], "vocoder", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model, tensorrt_graph(model, "vocoder", {"/a/Product": amax}, RANK)


def test_a_gpt_without_adapters_gets_them_unless_the_rank_is_0():
    model, _ = linear(np.eye(3, dtype=np.float32))
    for rank, expected in ((RANK, ["x", "lora_A.a", "lora_B.a"]), (0, ["x"])):
        step = tensorrt_graph(model, "gpt_step", {"/a/Product": 1.0}, rank)
        assert [value.name for value in step.graph.input] == expected


def test_an_activation_uses_its_range_and_no_more():
    _, int8 = linear(np.eye(3, dtype=np.float32), amax=2.0)
    x = np.array([[2.0, -2.0, 0.5]], np.float32)
    assert np.allclose(run(int8, {"x": x})["y"], x, atol=2 / 127)
    assert np.allclose(run(int8, {"x": 10 * x})["y"], [[2, -2, 2]], atol=2 / 100)
    (quantizer,) = nodes_of(int8, "QuantizeLinear")
    scale = weights_of(int8)[quantizer.input[1]]
    assert 2.0 <= 127 * float(scale) < 2.0 * (1 + 2**-9)


@pytest.mark.parametrize("size", [1e-7, 1e-3])
def test_scales_are_never_too_small_for_float16(size):
    weight = np.full((3, 2), size, np.float32) * [1, 1000]
    _, int8 = linear(weight.astype(np.float32), amax=size)
    weights = weights_of(int8)
    for node in nodes_of(int8, "DequantizeLinear"):
        assert (weights[node.input[1]] >= SMALLEST_NORMAL).all()
        assert np.isfinite(weights[node.input[1]]).all()
    x = np.full((1, 3), size, np.float32)
    assert np.isfinite(run(int8, {"x": x})["y"]).all()


def test_a_channel_of_zeros_stays_zero():
    _, int8 = linear(np.array([[1, 0], [2, 0], [3, 0]], np.float32))
    y = run(int8, {"x": np.ones((1, 3), np.float32)})["y"]
    assert y[0, 1] == 0
    assert abs(y[0, 0] - 6) < 0.1


@pytest.mark.parametrize(("transposed", "axis"), [(0, 1), (1, 0)])
def test_a_gemm_has_its_channels_where_its_weight_has_them(transposed, axis):
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((3, 5)).astype(np.float32) * np.array([1, 10, 100, 0.1, 0.01], np.float32)
    given = np.ascontiguousarray(weight.T) if transposed else weight
    bias = rng.standard_normal(5).astype(np.float32)
    model, int8 = linear(given, 2.0, "Gemm", bias=bias, transB=transposed)
    x = np.array([[1.0, -2.0, 0.3]], np.float32)
    weights = weights_of(int8)
    by_weight = next(n for n in nodes_of(int8, "DequantizeLinear") if weights.get(n.input[0]) is not None)
    assert helper.get_node_attr_value(by_weight, "axis") == axis
    for channel in range(5):  # each to its own scale
        error = abs(run(int8, {"x": x})["y"] - run(model, {"x": x})["y"])[0, channel]
        assert error < 0.05 * abs(weight[:, channel]).max()


@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
def test_a_strided_convolution_of_a_sequence_keeps_its_shape_and_its_channels(kind):
    rng = np.random.default_rng(0)
    scale = np.array([1, 100, 0.01, 10], np.float32)
    shape = (4, 2, 5) if kind == "Conv" else (2, 4, 5)
    weight = rng.standard_normal(shape).astype(np.float32) * (
        scale[:, None, None] if kind == "Conv" else scale[:, None]
    )
    model, int8 = linear(weight, 3.0, kind, (1, 2, 11), strides=[2], pads=[2, 1], dilations=[1])
    x = rng.standard_normal((1, 2, 11)).astype(np.float32)
    expected, got = run(model, {"x": x})["y"], run(int8, {"x": x})["y"]
    assert got.shape == expected.shape
    for channel in range(4):
        assert snr_db(expected[:, channel], got[:, channel]) > 25


def test_a_plain_float_layer_beside_keeps_its_weights_in_float16(sovits):
    model, feeds = sovits["vocoder"]
    first, *others = layers_of(model)
    graph = tensorrt_graph(model, "vocoder", ranges_of(model, feeds, [first]), RANK)
    weights = weights_of(graph)
    assert sum(array.dtype == np.int8 and array.ndim == 4 for array in weights.values()) == 1
    kept = next(node for node in graph.graph.node if node.name == others[0])
    assert weights[kept.input[1]].dtype == np.float16


@pytest.mark.parametrize("amax", [0.0, -1.0, float("nan"), float("inf")])
def test_a_range_that_is_none_is_refused(amax):
    with pytest.raises(BuildError, match=r"/a/Product.*range"):
        linear(np.eye(3, dtype=np.float32), amax)


def test_a_node_that_is_no_layer_is_refused(sovits):
    model, _ = sovits["vocoder"]
    with pytest.raises(BuildError, match="no node '/nowhere'"):
        tensorrt_graph(model, "vocoder", {"/nowhere": 1.0}, RANK)
    other = nodes_of(model, "LeakyRelu")[0].name
    with pytest.raises(BuildError, match="no layer with weights"):
        tensorrt_graph(model, "vocoder", {other: 1.0}, RANK)
