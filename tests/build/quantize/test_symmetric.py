"""The model of TensorRT's rounding: just the chosen layers, symmetric, and what one can compute by hand."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from build_engines.quantize.calibrate import session
from build_engines.quantize.layers import FloatGraph
from build_engines.quantize.symmetric import symmetric_graph


@pytest.fixture
def graph(tmp_path):
    """x → linear `a` and linear `b` of the same x, summed; a convolution over the rows of that."""
    random = np.random.default_rng(0)
    weights = {
        "a.weight": random.standard_normal((8, 6)), "b.weight": random.standard_normal((8, 6)) * [1, 10, 0.1, 1, 1, 1],
        "c.weight": random.standard_normal((4, 6, 3)), "c.bias": random.standard_normal(4),
    }  # fmt: skip
    nodes = [
        helper.make_node("MatMul", ["x", "a.weight"], ["ya"], "a"),
        helper.make_node("MatMul", ["x", "b.weight"], ["yb"], "b"),
        helper.make_node("Add", ["ya", "yb"], ["sum"], "sum"),
        helper.make_node("Transpose", ["sum"], ["turned"], "turned", perm=[0, 2, 1]),
        helper.make_node("Conv", ["turned", "c.weight", "c.bias"], ["y"], "c", pads=[1, 1]),
    ]
    made = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "n", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4, "n"])],
        [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()],
    )  # fmt: skip
    path = tmp_path / "g.onnx"
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return FloatGraph(path)


X = np.random.default_rng(1).standard_normal((1, 9, 8)).astype(np.float32)


def run(model):
    return session(model.SerializeToString()).run(None, {"x": X})[0]


def rounded(values, largest):
    step = np.float32(largest / 127)
    return np.clip(np.rint(values / step), -128, 127) * step


def test_layers_are_called_by_their_weights(graph):
    assert [(layer.name, layer.kind, layer.source) for layer in graph.layers] == [
        ("a", "MatMul", "x"), ("b", "MatMul", "x"), ("c", "Conv", "turned"),
    ]  # fmt: skip


def test_nothing_chosen_changes_nothing(graph):
    np.testing.assert_array_equal(run(symmetric_graph(graph, set(), {})), run(graph.model()))


def test_one_layer_by_hand(graph):
    """Activations have one scale, weights one per output channel; the layer beside reads the float activation."""
    clip = 1.5
    a, b, c = (graph.weight(f"{name}.weight") for name in "abc")
    weight = rounded(a / np.abs(a).max(axis=0), 1.0) * np.abs(a).max(axis=0)
    total = rounded(X, clip) @ weight + X @ b
    padded = np.pad(total[0], ((1, 1), (0, 0)))
    expected = sum(padded[i : i + 9] @ c[:, :, i].T for i in range(3)) + graph.weight("c.bias")
    made = run(symmetric_graph(graph, {"a"}, {"x": clip}))
    np.testing.assert_allclose(made[0].T, expected, atol=2e-4)


def test_layers_share_their_activation(graph):
    model = symmetric_graph(graph, {"a", "b"}, {"x": 3.0})
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("QuantizeLinear") == kinds.count("DequantizeLinear") == 1
    names = {tensor.name for tensor in model.graph.initializer}
    assert {"a.weight/rounded", "b.weight/rounded", "c.weight"} <= names
    assert not {"a.weight", "b.weight"} & names


def test_all_layers_are_close(graph):
    expected = run(graph.model())
    made = run(symmetric_graph(graph, {"a", "b", "c"}, {"x": 3.0, "turned": 80.0}))
    snr = 10 * np.log10((expected**2).sum() / ((expected - made) ** 2).sum())
    assert 25 < snr < 60


def test_an_activation_of_zeros_does_no_harm(graph):
    assert np.isfinite(run(symmetric_graph(graph, {"a"}, {"x": 0.0}))).all()
