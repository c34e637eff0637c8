"""Weights of exported graphs: filled in where they belong, stored once, turned the way ONNX multiplies."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from build_engines.export.weights import WeightFile, fill_in
from tests.build.conftest import open_session

WEIGHTS = {"a.weight": torch.randn(3, 5), "b.weight": torch.randn(5, 5), "c.bias": torch.randn(5)}
WEIGHTS["d.bias"] = WEIGHTS["c.bias"]


def traced():
    """As the exporter leaves a graph: a is read turned over, b both ways, c through an Identity of the equal d."""
    nodes = [
        helper.make_node("Identity", ["net.d.bias"], ["net.c.bias"]),
        helper.make_node("Transpose", ["net.a.weight"], ["a_t"], perm=[1, 0]),
        helper.make_node("Transpose", ["net.b.weight"], ["b_t"], perm=[1, 0]),
        helper.make_node("MatMul", ["x", "b_t"], ["h"]),
        helper.make_node("MatMul", ["h", "net.b.weight"], ["h2"]),
        helper.make_node("Add", ["h2", "net.c.bias"], ["h3"]),
        helper.make_node("MatMul", ["h3", "a_t"], ["y"]),
    ]
    sizes = {"x": ["rows", 5], "net.a.weight": [3, 5], "net.b.weight": [5, 5], "net.d.bias": [5], "y": ["rows", 3]}
    info = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in sizes.items()}
    graph = helper.make_graph(nodes, "traced", [v for k, v in info.items() if k != "y"], [info["y"]])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("outside", [False, True])
def test_a_filled_in_graph_computes_the_same(tmp_path, outside):
    model = traced()
    if outside:
        with WeightFile(tmp_path / "w.bin") as file:
            fill_in(model, WEIGHTS, "net.", file)
    else:
        fill_in(model, WEIGHTS, "net.")
    onnx.save(model, str(tmp_path / "g.onnx"))
    graph = onnx.load(str(tmp_path / "g.onnx")).graph
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    np.testing.assert_array_equal(stored["a.weight"], WEIGHTS["a.weight"].T)
    np.testing.assert_array_equal(stored["b.weight"], WEIGHTS["b.weight"])
    assert set(stored) == {"a.weight", "b.weight", "c.bias"}
    assert [value.name for value in graph.input] == ["x"]
    assert [node.op_type for node in graph.node] == ["Transpose", "MatMul", "MatMul", "Add", "MatMul"]
    x = np.random.default_rng(0).standard_normal((4, 5), np.float32)
    a, b, c = (WEIGHTS[name].numpy() for name in ("a.weight", "b.weight", "c.bias"))
    made = open_session(tmp_path / "g.onnx").run(None, {"x": x})[0]
    np.testing.assert_allclose(made, ((x @ b.T) @ b + c) @ a.T, atol=1e-5)


def test_what_two_graphs_have_in_common_is_stored_once(tmp_path):
    shared, other = np.arange(40, dtype=np.float32), np.ones((3, 3), np.float32)
    with WeightFile(tmp_path / "w.bin") as file:
        first = file.initializer("a", shared)
        second = file.initializer("b", shared.reshape(8, 5).copy())
        third = file.initializer("c", other)
    places = [{entry.key: entry.value for entry in tensor.external_data} for tensor in (first, second, third)]
    assert places[0] == places[1] == {"location": "w.bin", "offset": "0", "length": "160"}
    assert places[2]["offset"] == "192"
    assert list(second.dims) == [8, 5]
    assert (tmp_path / "w.bin").stat().st_size == 192 + 36
