"""INT8 graphs: close to the float ones, and without the float weights."""

import logging

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from build_engines.export.quantize import linear_names, quantize_linears, quantize_weights
from tests.build.conftest import DECODER_CONFIG, GPT_CONFIG, open_session


def weight_count(path):
    """How many numbers the linear layers of a float graph hold."""
    graph = onnx.load(str(path)).graph
    sizes = {t.name: int(np.prod(t.dims)) for t in graph.initializer}
    chosen = set(linear_names(path))
    return sum(sizes.get(name, 0) for name in {n.input[1] for n in graph.node if n.name in chosen})


def prefill(path):
    rng = np.random.default_rng(0)
    inputs = {
        "phones": rng.integers(0, 732, (1, 12)),
        "features": rng.standard_normal((1, 12, GPT_CONFIG.feature_dim)).astype(np.float32),
        "prompt": rng.integers(0, 64, (1, 9)),
    }
    return open_session(path).run(["logits"], inputs)[0].ravel()


def latents(path, count=24):
    rng = np.random.default_rng(0)
    inputs = {
        "codes": rng.integers(0, 1024, (1, 24)),
        "phones": rng.integers(0, 732, (1, 6)),
        "align": (np.arange(24) // 4)[None],
        "condition": rng.standard_normal((1, DECODER_CONFIG.ge_dim)).astype(np.float32),
    }
    inputs |= {name: inputs[name][:, :count] for name in ("codes", "align")}
    return open_session(path).run(["z"], inputs)[0]


def cosine(a, b):
    return float(a.ravel() @ b.ravel() / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("quantize", [quantize_linears, quantize_weights])
def test_logits_stay_close_and_the_file_shrinks(exported, tmp_path, quantize):
    source, target = exported.folder / "gpt_prefill.onnx", tmp_path / "int8.onnx"
    quantize(source, target)
    assert cosine(prefill(source), prefill(target)) > 0.99
    saved = source.stat().st_size - target.stat().st_size
    assert saved > 0.7 * 3 * weight_count(source)


def test_a_window_does_not_change_weight_quantized_latents(exported, tmp_path):
    target = tmp_path / "latents.onnx"
    quantize_weights(exported.folder / "latents.onnx", target)
    assert cosine(latents(exported.folder / "latents.onnx"), latents(target)) > 0.99
    kept = 4 * (16 - DECODER_CONFIG.latent_context_tokens)
    np.testing.assert_allclose(latents(target, 16)[..., :kept], latents(target)[..., :kept], atol=1e-5)


def test_kept_layers_stay_float(exported, tmp_path):
    source, target = exported.folder / "gpt_prefill.onnx", tmp_path / "int8.onnx"
    quantize_linears(source, target, keep_float=linear_names(source))
    np.testing.assert_array_equal(prefill(source), prefill(target))


def test_the_log_level_is_left_alone(exported, tmp_path):
    level = logging.getLogger().level
    quantize_linears(exported.folder / "gpt_prefill.onnx", tmp_path / "int8.onnx")
    assert logging.getLogger().level == level


def shared_weights(path):
    """x @ W @ W + W's own copy as an output: the second product reaches W through two Identity nodes."""
    weight = np.random.default_rng(1).standard_normal((32, 32)).astype(np.float32) / 6
    nodes = [
        helper.make_node("Identity", ["w"], ["w1"], name="first"),
        helper.make_node("Identity", ["w1"], ["w2"], name="second"),
        helper.make_node("MatMul", ["x", "w"], ["h"], name="left"),
        helper.make_node("MatMul", ["h", "w2"], ["y"], name="right"),
    ]
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", 32]) for name in "xy"]
    graph = helper.make_graph(nodes, "shared", info[:1], info[1:], [numpy_helper.from_array(weight, "w")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))


@pytest.mark.parametrize("quantize", [quantize_linears, quantize_weights])
def test_weights_shared_through_identities_are_quantized_once(tmp_path, quantize):
    source, target = tmp_path / "float.onnx", tmp_path / "int8.onnx"
    shared_weights(source)
    quantize(source, target)
    large = [t for t in onnx.load(str(target)).graph.initializer if np.prod(t.dims) >= 32 * 32]
    assert [t.data_type for t in large] == [TensorProto.UINT8 if quantize is quantize_linears else TensorProto.INT8]
    x = np.random.default_rng(2).standard_normal((5, 32)).astype(np.float32)
    made = [open_session(path).run(None, {"x": x})[0] for path in (source, target)]
    assert cosine(*made) > 0.99


def test_large_products_do_not_overflow(tmp_path):
    """The worst case of a processor that adds pairs of products in 16 bits: great activations and weights, one sign."""
    weight = numpy_helper.from_array(np.full((64, 8), 1.0, np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"], "product")],
        "ones",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(tmp_path / "float.onnx"))
    quantize_linears(tmp_path / "float.onnx", tmp_path / "int8.onnx")
    made = open_session(tmp_path / "int8.onnx").run(None, {"x": np.ones((1, 64), np.float32)})[0]
    np.testing.assert_allclose(made, 64, rtol=0.01)
