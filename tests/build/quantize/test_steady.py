"""Windows of an INT8 vocoder agree with the whole to the bit, and room leaves a layer as it is."""

import numpy as np
import onnx
import pytest
from onnx import helper

from build_engines.quantize.layers import FloatGraph, replace_nodes
from build_engines.quantize.restore import restore
from build_engines.quantize.steady import without_room
from tests.build.quantize.int8_case import nodes_of, quantized, ranges_of, run, write_graph

FRAMES, CONTEXT, STRIDE = 150, 4, 4


@pytest.fixture
def vocoder(tmp_path):
    """A convolution in INT8 around one that stays float, and a ConvTranspose, wide enough for sums in portions."""
    rng = np.random.default_rng(0)
    shapes = {
        "a.weight": (384, 8, 3),
        "b.weight": (384, 384, 3),
        "c.weight": (384, 8, 2 * STRIDE),
        "d.weight": (4, 8, 3),
    }
    weights = {name: (rng.standard_normal(shape) / 8).astype(np.float32) for name, shape in shapes.items()}
    nodes = [
        helper.make_node("Conv", ["z", "a.weight"], ["a"], "/a", pads=[1, 1]),
        helper.make_node("Conv", ["a", "b.weight"], ["b"], "/b", pads=[1, 1]),
        helper.make_node("ConvTranspose", ["b", "c.weight"], ["c"], "/c", strides=[STRIDE], pads=[2, 2]),
        helper.make_node("Conv", ["c", "d.weight"], ["d"], "/d", pads=[1, 1]),
    ]
    path = tmp_path / "float.onnx"
    write_graph(path, nodes, {"z": [1, 8, "frames"]}, {"d": [1, 4, "samples"]}, weights)
    return path, rng.standard_normal((1, 8, FRAMES)).astype(np.float32)


def test_windows_agree_to_the_bit(vocoder, tmp_path):
    path, z = vocoder
    target = tmp_path / "int8.onnx"
    model = quantized(path, target, {"a"}, ranges_of(path, {"z": z}))  # the float rest shows the last bits
    assert len(nodes_of(model, "QLinearConv")) == 1
    assert [node.name for node in nodes_of(model, "Pad")] == ["/b/Room", "/c/Room"]
    whole = run(target, {"z": z})["d"]
    assert whole.shape == (1, 4, FRAMES * STRIDE)
    for count in (1, 3, 8, 15, 24, 40, 60):
        start = 50 - CONTEXT
        window = run(target, {"z": z[:, :, start : 50 + count + CONTEXT]})["d"]
        inner = window[:, :, CONTEXT * STRIDE : -CONTEXT * STRIDE]
        np.testing.assert_array_equal(inner, whole[:, :, 50 * STRIDE : (50 + count) * STRIDE])


@pytest.mark.parametrize("frames", [1, 7, FRAMES])
def test_room_changes_no_layer(vocoder, tmp_path, frames):
    """The sentence's ends too: what lies behind the last frame is zero, as a convolution's own padding is."""
    path, z = vocoder
    roomy = quantized(path, tmp_path / "int8.onnx", {"a"}, ranges_of(path, {"z": z}))
    tight = onnx.ModelProto.FromString(roomy.SerializeToString())
    replace_nodes(tight, without_room(tight.graph.node), [])
    assert len(nodes_of(roomy, "Pad")) == 2 and not nodes_of(tight, "Pad") + nodes_of(tight, "Slice")
    onnx.save(tight, str(tmp_path / "tight.onnx"))
    wanted, made = (run(tmp_path / f"{name}.onnx", {"z": z[:, :, :frames]})["d"] for name in ("tight", "int8"))
    assert made.shape == (1, 4, frames * STRIDE)
    np.testing.assert_allclose(made, wanted, atol=1e-5)


def test_a_restored_graph_has_no_room(vocoder, tmp_path):
    path, z = vocoder
    back = restore(quantized(path, tmp_path / "int8.onnx", {"a", "d"}, ranges_of(path, {"z": z})), tmp_path)
    assert list(back.graph.node) == list(FloatGraph(path).model().graph.node)
    assert {tensor.name for tensor in back.graph.initializer} == {"a.weight", "b.weight", "c.weight", "d.weight"}


def test_narrow_layers_and_graphs_without_int8_stay_as_they_are(vocoder, tmp_path):
    path, z = vocoder
    ranges = ranges_of(path, {"z": z})
    assert not nodes_of(quantized(path, tmp_path / "none.onnx", set(), ranges), "Pad")
    narrow = nodes_of(quantized(path, tmp_path / "narrow.onnx", {"b"}, ranges), "Pad")
    assert [node.name for node in narrow] == ["/c/Room"]  # 24 products in a sum of the first layer
