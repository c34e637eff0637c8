"""The float graph behind an INT8 one: rounded weights, everything else as it was."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from build_engines.errors import BuildError
from build_engines.export.weights import WeightFile, move_out
from build_engines.quantize.kv_cache import quantize_step
from build_engines.quantize.layers import FloatGraph, channel_axis, quantize_weight
from build_engines.quantize.restore import is_quantized, restore
from tests.build.conftest import GPT_CONFIG
from tests.build.quantize.int8_case import nodes_of, quantized, ranges_of, run, snr_db, write_graph
from tests.build.quantize.test_cpu import text, tokens


def rounded(graph, chosen):
    """The graph's weights by name, those of the chosen layers as INT8 holds them."""
    weights = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.model().graph.initializer}
    for layer in graph.layers:
        if layer.name in chosen:
            axis = channel_axis(layer.kind)
            packed, scale = quantize_weight(graph.weight(layer.weight), axis)
            shape = [1] * packed.ndim
            shape[axis] = -1
            weights[layer.weight] = packed * scale.reshape(shape)
    return weights


def assert_restored(restored, graph, chosen, rtol=0.0):
    assert not is_quantized(restored)
    assert list(restored.graph.node) == list(graph.model().graph.node)
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in restored.graph.initializer}
    wanted = rounded(graph, chosen)
    assert set(found) == set(wanted)
    for name, array in wanted.items():
        np.testing.assert_allclose(found[name], array, rtol, 0, err_msg=name)


@pytest.mark.parametrize("name", ["gpt_prefill", "gpt_step"])
def test_dynamic_layers_come_back(exported, tmp_path, name):
    graph = FloatGraph(exported.folder / f"{name}.onnx")
    chosen = {layer.name for layer in graph.layers if "linear1" not in layer.name}
    int8 = quantized(graph.path, tmp_path / "int8.onnx", chosen)
    assert is_quantized(int8) and not is_quantized(graph.model())
    before = int8.SerializeToString()
    assert_restored(restore(int8, tmp_path), graph, chosen)
    assert int8.SerializeToString() == before


def test_a_restored_graph_runs(exported, tmp_path):
    source = exported.folder / "gpt_prefill.onnx"
    int8 = quantized(source, tmp_path / "int8.onnx")
    onnx.save(restore(int8, tmp_path), str(tmp_path / "restored.onnx"))
    wanted, made, with_int8 = (
        run(path, text())["logits"] for path in (source, tmp_path / "restored.onnx", tmp_path / "int8.onnx")
    )
    assert 30 < snr_db(wanted, made) < 80
    assert snr_db(made, with_int8) > 30


def test_static_layers_come_back(exported, tmp_path):
    graph = FloatGraph(exported.folder / "latents.onnx")
    chosen = {layer.name for layer in graph.layers if layer.kind == "MatMul"}
    int8 = quantized(graph.path, tmp_path / "int8.onnx", chosen, ranges_of(graph.path, tokens()))
    assert_restored(restore(int8, tmp_path), graph, chosen, rtol=1e-6)  # their scale lies in a product


def test_weights_beside_the_graph_are_read_there(exported, tmp_path):
    graph = FloatGraph(exported.folder / "gpt_step.onnx")
    chosen = {layer.name for layer in graph.layers}
    int8 = quantized(graph.path, tmp_path / "int8.onnx")
    with WeightFile(tmp_path / "gpt.weights") as file:
        move_out(int8, file, tmp_path)
    restored = restore(int8, tmp_path)
    found = {t.name: t for t in restored.graph.initializer}
    for name in {layer.weight for layer in graph.layers}:
        assert found[name].data_location != TensorProto.EXTERNAL
        np.testing.assert_array_equal(numpy_helper.to_array(found[name]), rounded(graph, chosen)[name])


@pytest.mark.parametrize("biased", [True, False])
def test_convolutions_come_back(tmp_path, biased):
    rng = np.random.default_rng(0)
    weights = {"c.weight": rng.standard_normal((6, 4, 3)).astype(np.float32)}
    weights |= {"c.bias": rng.standard_normal(6).astype(np.float32)} if biased else {}
    node = helper.make_node("Conv", ["x", *weights], ["y"], "/c/Conv", pads=[1, 1], strides=[2])
    path = tmp_path / "float.onnx"
    write_graph(path, [node], {"x": [1, 4, "time"]}, {"y": [1, 6, "half"]}, weights)
    feeds = {"x": rng.standard_normal((1, 4, 30)).astype(np.float32)}
    ranges = ranges_of(path, feeds)
    restored = restore(quantized(path, tmp_path / "int8.onnx", {"c"}, ranges), tmp_path)
    assert list(restored.graph.node) == [node]
    found = {tensor.name: numpy_helper.to_array(tensor) for tensor in restored.graph.initializer}
    packed, scale = quantize_weight(weights["c.weight"], 0)
    np.testing.assert_array_equal(found["c.weight"], packed * scale[:, None, None])
    if biased:  # INT32 in units of both scales
        unit = scale * (ranges["x"][1] - ranges["x"][0]) / 255
        assert (np.abs(found["c.bias"] - weights["c.bias"]) <= 0.51 * unit).all()


@pytest.fixture
def one_linear(tmp_path):
    weight = np.random.default_rng(1).standard_normal((16, 8)).astype(np.float32)
    node = helper.make_node("MatMul", ["x", "p.weight"], ["y"], "/p/MatMul")
    write_graph(tmp_path / "float.onnx", [node], {"x": ["rows", 16]}, {"y": ["rows", 8]}, {"p.weight": weight})
    return FloatGraph(tmp_path / "float.onnx")


def test_what_onnx_runtime_s_own_tool_wrote_comes_back(one_linear, tmp_path):
    """The form of voices made before there was a quantizer here; theirs held unsigned weights, 128 higher."""
    quantize_dynamic(
        str(one_linear.path), str(tmp_path / "int8.onnx"), op_types_to_quantize=["MatMul"], per_channel=True,
        weight_type=QuantType.QInt8, extra_options={"MatMulConstBOnly": True},
    )  # fmt: skip
    int8 = onnx.load(str(tmp_path / "int8.onnx"))
    (product,) = nodes_of(int8, "MatMulInteger")
    for tensor in int8.graph.initializer:
        if tensor.name in (product.input[1], product.input[3]):
            shifted = (numpy_helper.to_array(tensor).astype(np.int16) + 128).astype(np.uint8)
            tensor.CopyFrom(numpy_helper.from_array(shifted, tensor.name))
    restored = restore(int8, tmp_path)
    assert list(restored.graph.node) == list(one_linear.model().graph.node)
    (tensor,) = restored.graph.initializer
    unit = np.abs(one_linear.weight("p.weight")).max(axis=0) / 127
    assert tensor.name == "p.weight"
    assert (np.abs(numpy_helper.to_array(tensor) - one_linear.weight("p.weight")) <= 0.51 * unit).all()


def test_weights_that_only_were_stored_as_int8_come_back(one_linear, tmp_path):
    """The other form of such voices: DequantizeLinear of a constant, multiplied in float."""
    packed, scale = quantize_weight(one_linear.weight("p.weight"), 1)
    nodes = [
        helper.make_node("DequantizeLinear", ["p.weight_int8", "p.weight_scale"], ["p.weight"], axis=1),
        *one_linear.model().graph.node,
    ]
    weights = {"p.weight_int8": packed, "p.weight_scale": scale}
    write_graph(tmp_path / "int8.onnx", nodes, {"x": ["rows", 16]}, {"y": ["rows", 8]}, weights)
    int8 = onnx.load(str(tmp_path / "int8.onnx"))
    assert is_quantized(int8)
    assert_restored(restore(int8, tmp_path), one_linear, {"p"})


def test_an_int8_kv_cache_is_refused(exported, tmp_path):
    int8 = quantized(exported.folder / "gpt_step.onnx", tmp_path / "int8.onnx")
    ones = np.ones(GPT_CONFIG.hidden_dim, np.float32)
    quantize_step(int8, dict.fromkeys(range(GPT_CONFIG.n_layer), (ones, ones)))
    with pytest.raises(BuildError, match="has an INT8 KV cache, which can't be taken back") as caught:
        restore(int8, tmp_path)
    assert "\n" not in str(caught.value)


def test_int8_of_another_program_is_refused(one_linear, tmp_path):
    int8 = quantized(one_linear.path, tmp_path / "int8.onnx")
    for tensor in int8.graph.initializer:
        if tensor.name == "p.weight_scale":
            tensor.name = "elsewhere"
    with pytest.raises(BuildError, match=r"INT8 of another program: 'p\.weight_scale' is no constant") as caught:
        restore(int8, tmp_path)
    assert "\n" not in str(caught.value)
