"""edge_tts.engines.packed.weights: one file for several graphs, each stretch of bytes once."""

import hashlib

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge_tts.engines.onnx import OnnxEngine
from edge_tts.engines.packed.weights import WeightsFile, moved
from edge_tts.errors import EngineError

X = np.random.default_rng(1).standard_normal((3, 64)).astype(np.float32)


def product(seed=0):
    """A product with a weight that is large enough to be kept beside the graph."""
    weight = np.random.default_rng(seed).standard_normal((64, 48)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 48])],
        [numpy_helper.from_array(weight, "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def test_the_same_bytes_are_kept_once(tmp_path):
    weights = WeightsFile(tmp_path / "w")
    large, small = bytes(range(256)) * 300, b"small"
    places = [weights.add(data) for data in (small, large, small, large, b"other")]
    size, sha256 = weights.close()
    raw = (tmp_path / "w").read_bytes()
    assert places[0] == places[2] and places[1] == places[3] and places[1] % 4096 == 0 and places[4] % 64 == 0
    assert [raw[p : p + len(d)] for p, d in zip(places, (small, large), strict=False)] == [small, large]
    assert (size, sha256) == (len(raw), hashlib.sha256(raw).hexdigest()) and raw.count(large) == 1


def test_two_graphs_share_their_weights(tmp_path):
    weights, expected = WeightsFile(tmp_path / "weights"), {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        saved = tmp_path / f"saved-{name}.onnx"
        expected[name] = OnnxEngine().pack(name, product(seed), saved).run({"x": X})["y"]
        data = saved.with_name(f"{saved.name}.data")
        assert data.stat().st_size >= 2 * 64 * 48 * 4, "as it was, and packed"
        (tmp_path / f"{name}.onnx").write_bytes(moved(saved.read_bytes(), data, weights, "weights"))
        data.unlink()
    size, _ = weights.close()
    assert size < 5 * 64 * 48 * 4
    for name, values in expected.items():
        made = OnnxEngine(packed=True).load(name, tmp_path / f"{name}.onnx").run({"x": X})["y"]
        np.testing.assert_array_equal(made, values)
    (tensor,) = onnx.load(tmp_path / "a.onnx", load_external_data=False).graph.initializer
    entries = {entry.key: entry.value for entry in tensor.external_data}
    assert entries["location"] == "weights" and any(key.startswith("prepacked") for key in entries)


@pytest.fixture
def weights(tmp_path):
    made = WeightsFile(tmp_path / "w")
    yield made
    made.close()


def test_data_that_is_cut_off(tmp_path, weights):
    saved = tmp_path / "saved.onnx"
    OnnxEngine().pack("a", product(), saved)
    data = tmp_path / "saved.onnx.data"
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(EngineError, match="cut off"):
        moved(saved.read_bytes(), data, weights, "w")


def test_data_of_another_name(tmp_path, weights):
    saved = tmp_path / "saved.onnx"
    OnnxEngine().pack("a", product(), saved)
    elsewhere = (tmp_path / "saved.onnx.data").rename(tmp_path / "elsewhere")
    with pytest.raises(EngineError, match=r"a weight is in 'saved.onnx.data'"):
        moved(saved.read_bytes(), elsewhere, weights, "w")
