"""INT8 graphs for ONNX Runtime: close to the float ones, smaller, and changed only where they were to be."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from build_engines.export.weights import WeightFile, move_out
from build_engines.quantize.costs import cpu_gain
from build_engines.quantize.cpu import quantizer
from build_engines.quantize.layers import FloatGraph
from tests.build.conftest import DECODER_CONFIG, GPT_CONFIG
from tests.build.quantize.int8_case import nodes_of, quantized, ranges_of, run, snr_db, write_graph


@pytest.fixture(params=[False, True], ids=["this processor", "shifted weights"])
def processor(request, monkeypatch):
    """Once as it is, and once as for a processor whose sums would overflow: ONNX Runtime then shifts the weights."""
    if request.param:
        monkeypatch.setattr("edge_tts.engines.onnx._overflows", lambda machine, cpu_info: True)


def text():
    rng = np.random.default_rng(0)
    return {
        "phones": rng.integers(0, 732, (1, 12)),
        "features": rng.standard_normal((1, 12, GPT_CONFIG.feature_dim)).astype(np.float32),
        "prompt": rng.integers(0, 64, (1, 9)),
    }


def tokens(count=24):
    rng = np.random.default_rng(0)
    return {
        "codes": rng.integers(0, 1024, (1, 24))[:, :count],
        "phones": rng.integers(0, 732, (1, 6)),
        "align": (np.arange(24) // 4)[None, :count],
        "condition": rng.standard_normal((1, DECODER_CONFIG.ge_dim)).astype(np.float32),
    }


def weight_count(graph):
    """How many numbers the layers' weights hold."""
    return sum(int(np.prod(shape)) for shape in {layer.weight: layer.shape for layer in graph.layers}.values())


def test_dynamic_logits_stay_close_and_the_files_shrink(exported, tmp_path, processor):
    source, target = exported.folder / "gpt_prefill.onnx", tmp_path / "gpt_prefill.onnx"
    model = quantized(source, target)
    assert len(nodes_of(model, "MatMulInteger")) == len(FloatGraph(source).layers)
    with WeightFile(tmp_path / "gpt.weights") as file:  # text and tokens go through the same weights
        move_out(model, file, tmp_path)
        onnx.save(model, str(target))
    wanted, made = run(source, text()), run(target, text())
    for name in ("logits", "keys", "values", "state"):
        assert 30 < snr_db(wanted[name], made[name]) < 80, name
    saved = source.stat().st_size - sum(path.stat().st_size for path in tmp_path.iterdir())
    assert saved > 0.7 * 3 * weight_count(FloatGraph(source))


def test_layers_that_read_the_same_activation_round_it_once(exported, tmp_path):
    model = quantized(exported.folder / "gpt_prefill.onnx", tmp_path / "gpt_prefill.onnx")
    read = [node.input[0] for node in nodes_of(model, "DynamicQuantizeLinear")]
    assert len(read) == len(set(read)) < len(nodes_of(model, "MatMulInteger"))


@pytest.fixture(scope="module")
def latents(exported, tmp_path_factory):
    """Float and static INT8 graph; depthwise convolutions gain nothing and stay."""
    source = exported.folder / "latents.onnx"
    target = tmp_path_factory.mktemp("int8") / "latents.onnx"
    chosen = {layer.name for layer in FloatGraph(source).layers if layer.kind == "MatMul"}
    quantized(source, target, chosen, ranges_of(source, tokens()))
    return source, target


def test_static_latents_stay_close_and_the_file_shrinks(latents, processor):
    source, target = latents
    assert 30 < snr_db(run(source, tokens())["z"], run(target, tokens())["z"]) < 80
    assert target.stat().st_size < source.stat().st_size
    model = onnx.load(str(target))
    assert not nodes_of(model, "DynamicQuantizeLinear")
    assert len(nodes_of(model, "Conv")) == len(nodes_of(onnx.load(str(source)), "Conv"))


def test_windows_of_static_latents_agree_bit_for_bit(latents, processor):
    kept = 4 * (16 - DECODER_CONFIG.latent_context_tokens)
    whole, window = (run(latents[1], tokens(count))["z"][..., :kept] for count in (24, 16))
    np.testing.assert_array_equal(window, whole)


def test_only_chosen_layers_change(exported, tmp_path):
    source, target = exported.folder / "gpt_step.onnx", tmp_path / "gpt_step.onnx"
    model = quantized(source, target, {"h.layers.1.linear2", "no such layer"})
    assert [node.input[1] for node in nodes_of(model, "MatMulInteger")] == ["h.layers.1.linear2.weight_quantized"]
    before = {node.name: node for node in onnx.load(str(source)).graph.node}
    after = {node.name: node for node in model.graph.node}
    (layer,) = (layer for layer in FloatGraph(source).layers if layer.name == "h.layers.1.linear2")
    assert {name for name in before if before[name] != after[name]} == {layer.node}
    kept = {tensor.name: tensor for tensor in onnx.load(str(source)).graph.initializer}
    assert {t.name for t in model.graph.initializer if t != kept.get(t.name)} == {
        f"{layer.weight}_quantized",
        f"{layer.weight}_scale",
    }


def test_no_layer_chosen_changes_nothing(exported, tmp_path):
    source, target = exported.folder / "gpt_prefill.onnx", tmp_path / "gpt_prefill.onnx"
    quantized(source, target, ())
    wanted, made = run(source, text()), run(target, text())
    for name, array in wanted.items():
        np.testing.assert_array_equal(made[name], array)


@pytest.mark.parametrize("static", [False, True], ids=["dynamic", "static"])
def test_a_weight_with_two_readers(tmp_path, processor, static):
    """Where ONNX Runtime shifts weights, it can't meet one twice: each reader has its own."""
    weight = np.random.default_rng(1).standard_normal((32, 32)).astype(np.float32) / 6
    nodes = [
        helper.make_node("MatMul", ["x", "proj.weight"], ["h"], "left"),
        helper.make_node("MatMul", ["h", "proj.weight"], ["y"], "right"),
    ]
    source, target = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    write_graph(source, nodes, {"x": ["rows", 32]}, {"y": ["rows", 32]}, {"proj.weight": weight})
    x = np.random.default_rng(2).standard_normal((5, 32)).astype(np.float32)
    model = quantized(source, target, {"proj"}, ranges_of(source, {"x": x}) if static else None)
    packed = [t for t in model.graph.initializer if np.prod(t.dims) == 32 * 32]
    assert [t.data_type for t in packed] == [TensorProto.INT8] * 2
    assert packed[0].raw_data == packed[1].raw_data
    assert snr_db(run(source, {"x": x})["y"], run(target, {"x": x})["y"]) > 30


def test_large_products_do_not_overflow(tmp_path):
    """The worst case of a processor that adds pairs of products in 16 bits: great activations and weights, one sign."""
    source, target = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    nodes = [helper.make_node("MatMul", ["x", "ones.weight"], ["y"], "product")]
    write_graph(source, nodes, {"x": [1, 64]}, {"y": [1, 8]}, {"ones.weight": np.ones((64, 8), np.float32)})
    quantized(source, target)
    np.testing.assert_allclose(run(target, {"x": np.ones((1, 64), np.float32)})["y"], 64, rtol=0.01)


@pytest.fixture
def convolutions(tmp_path):
    """A plain, a depthwise and a transposed convolution in a row; input [1, 24, time]."""
    rng = np.random.default_rng(3)
    nodes = [
        helper.make_node("Conv", ["x", "plain.weight", "plain.bias"], ["a"], "plain", pads=[4, 4], dilations=[2]),
        helper.make_node("Conv", ["a", "deep.weight"], ["b"], "deep", group=32, pads=[1, 1]),
        helper.make_node("ConvTranspose", ["b", "up.weight"], ["y"], "up", strides=[2]),
    ]
    shapes = {"plain.weight": (32, 24, 5), "plain.bias": (32,), "deep.weight": (32, 1, 3), "up.weight": (32, 24, 4)}
    weights = {name: (rng.standard_normal(shape) / 4).astype(np.float32) for name, shape in shapes.items()}
    path = tmp_path / "float.onnx"
    write_graph(path, nodes, {"x": [1, 24, "time"]}, {"y": [1, 24, "doubled"]}, weights)
    return path, {"x": rng.standard_normal((1, 24, 50)).astype(np.float32)}


def test_convolutions_that_gain_become_int8(convolutions, tmp_path, processor):
    source, feeds = convolutions
    chosen = {layer.name for layer in FloatGraph(source).layers if cpu_gain(layer, 50) > 0}
    assert chosen == {"plain"}
    ranges = ranges_of(source, feeds)
    model = quantized(source, tmp_path / "int8.onnx", chosen | {"up"}, ranges)  # there is no INT8 kernel for `up`
    assert [node.name for node in nodes_of(model, "QLinearConv")] == ["plain"]
    for kind in ("Conv", "ConvTranspose"):
        assert [n for n in onnx.load(str(source)).graph.node if n.name in ("deep", "up") and n.op_type == kind] == (
            nodes_of(model, kind)
        )
    assert 30 < snr_db(run(source, feeds)["y"], run(tmp_path / "int8.onnx", feeds)["y"]) < 80


def test_convolutions_stay_without_ranges(convolutions, tmp_path):
    source, _ = convolutions
    model = quantized(source, tmp_path / "int8.onnx")
    assert list(model.graph.node) == list(onnx.load(str(source)).graph.node)


@pytest.mark.parametrize("bounds", [(-1.0, 3.0), (0.5, 2.0), (-4.0, -1.0), (0.0, 0.0)])
def test_a_range_is_covered_with_zero_in_it(bounds):
    scale, zero = quantizer(bounds)
    least, most = (np.array([0, 255]) - int(zero)) * float(scale)
    assert least <= min(bounds[0], 0.0) + scale / 2
    assert most >= max(bounds[1], 0.0) - scale / 2
    assert 0 < scale <= (max(bounds[1], 0.0) - min(bounds[0], 0.0)) / 255 + 1e-7
