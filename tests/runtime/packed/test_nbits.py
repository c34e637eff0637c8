"""edge_tts.engines.packed.nbits: the same integers in the other operator."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_tts.engines.golden import snr_db
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.engines.packed.nbits import with_nbits
from edge_tts.errors import EngineError

K, N = 256, 48
RANDOM = np.random.default_rng(5)
X = RANDOM.standard_normal((1, 7, K)).astype(np.float32)
WEIGHT = RANDOM.integers(-127, 128, (K, N)).astype(np.int8)
SCALE = RANDOM.uniform(0.001, 0.01, N).astype(np.float32)
BIAS = RANDOM.standard_normal(N).astype(np.float32)


def linear(number, x, weight="w", scale="s", rounded="x"):
    """The nodes of one linear; several may share the rounding of their input."""
    y = f"y{number}"
    return [
        helper.make_node("MatMulInteger", [f"{rounded}/int8", weight, f"{rounded}/zero"], [f"{y}/int32"]),
        helper.make_node("Cast", [f"{y}/int32"], [f"{y}/float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{rounded}/scale", scale], [f"{y}/factor"]),
        helper.make_node("Mul", [f"{y}/float", f"{y}/factor"], [f"{y}/product"]),
        helper.make_node("Add", [f"{y}/product", "b"], [y]),
    ]


def model(*, linears=1, overridable=(), weight=WEIGHT, scale=SCALE):
    rounding = helper.make_node("DynamicQuantizeLinear", ["x"], ["x/int8", "x/scale", "x/zero"])
    info = helper.make_tensor_value_info
    kinds = {"w": (TensorProto.INT8, weight.shape), "s": (TensorProto.FLOAT, scale.shape)}
    graph = helper.make_graph(
        [rounding, *(node for i in range(linears) for node in linear(i, "x"))],
        "g",
        [info("x", TensorProto.FLOAT, [1, "rows", K]), *(info(name, *kinds[name]) for name in overridable)],
        [info(f"y{i}", TensorProto.FLOAT, [1, "rows", weight.shape[1]]) for i in range(linears)],
        [numpy_helper.from_array(array, name) for name, array in (("w", weight), ("s", scale), ("b", BIAS))],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def kinds(raw):
    return sorted(node.op_type for node in onnx.ModelProto.FromString(raw).graph.node)


@pytest.mark.parametrize("block", [16, 32, 128])
def test_it_is_the_product(block):
    exact = X @ (WEIGHT.astype(np.float32) * SCALE) + BIAS
    raw = model().SerializeToString()
    other = with_nbits(raw, block)
    assert kinds(other) == ["Add", "MatMulNBits"]
    onnx.checker.check_model(onnx.ModelProto.FromString(other))
    made, shipped = (OnnxEngine().load("linear", form).run({"x": X})["y0"] for form in (other, raw))
    assert snr_db(exact, made) > 40 and snr_db(exact, made) > snr_db(exact, shipped) - 1


def test_what_it_is_given_is_dequantized_exactly():
    """With one nonzero input its rounding is exact, so every weight shows: sign, order, and its column's scale."""
    run = OnnxEngine().load("linear", with_nbits(model().SerializeToString(), 32)).run
    x = np.zeros((1, K, K), np.float32)
    x[0, range(K), range(K)] = 127
    made = run({"x": x})["y0"][0]
    np.testing.assert_allclose(made, 127 * WEIGHT.astype(np.float64) * SCALE + BIAS, rtol=1e-5, atol=1e-5)


def test_two_linears_of_one_input():
    assert kinds(with_nbits(model(linears=2).SerializeToString(), 32)) == ["Add", "Add", "MatMulNBits", "MatMulNBits"]


@pytest.mark.parametrize("overridable", [("w",), ("s",)])
def test_weights_that_can_be_overridden_stay(overridable):
    assert with_nbits(model(overridable=overridable).SerializeToString(), 32) is None


@pytest.mark.parametrize(
    "other",
    [
        {"weight": WEIGHT.astype(np.uint8)},
        {"weight": WEIGHT[: K - 8]},  # no whole number of blocks
        {"scale": SCALE[:1]},  # one scale for the whole weight
    ],
)
def test_other_forms_stay(other):
    assert with_nbits(model(**other).SerializeToString(), 32) is None


def test_a_graph_without_linears(tiny_bundle):
    assert with_nbits(tiny_bundle / "graphs/gpt_step.onnx", 32) is None


def test_the_rest_of_the_graph_stays():
    whole = model()
    whole.graph.node[-1].doc_string = "kept"
    whole.metadata_props.add(key="a", value="b")
    read = onnx.ModelProto.FromString(with_nbits(whole.SerializeToString(), 32))
    assert read.graph.node[-1].doc_string == "kept" and read.metadata_props[0].value == "b"
    assert {t.name for t in read.graph.initializer} == {"b", "nbits_0_weight", "nbits_0_scale"}


def test_external_weights(tmp_path):
    onnx.save(model(), tmp_path / "m.onnx", save_as_external_data=True, location="m.weights", size_threshold=0)
    made = with_nbits(tmp_path / "m.onnx", 32)
    run = OnnxEngine().load("linear", made).run
    np.testing.assert_array_equal(
        run({"x": X})["y0"], OnnxEngine().load("l", with_nbits(model().SerializeToString(), 32)).run({"x": X})["y0"]
    )
    raw = (tmp_path / "m.weights").read_bytes()
    (tmp_path / "m.weights").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(EngineError, match="cut off"):
        with_nbits(tmp_path / "m.onnx", 32)
    with pytest.raises(EngineError, match="without a folder"):
        with_nbits((tmp_path / "m.onnx").read_bytes(), 32)
