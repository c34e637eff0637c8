"""What TensorRT can't read is refused with one line; what a graph knows before it runs is worked out."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from build_engines.errors import BuildError
from build_engines.quantize.qdq import tensorrt_graph
from build_engines.quantize.qdq_draft import Draft
from build_engines.quantize.qdq_static import simplify
from tests.build.quantize.qdq_case import nodes_of, run, snr_db


def model_of(nodes, inputs, outputs, weights=(), opset=17, domains=()):
    kinds = {"f": TensorProto.FLOAT, "i": TensorProto.INT64, "d": TensorProto.DOUBLE, "b": TensorProto.BOOL}

    def infos(values):
        return [helper.make_tensor_value_info(name, kinds[kind], shape) for name, kind, shape in values]

    graph = helper.make_graph(
        nodes, "vocoder", infos(inputs), infos(outputs), [numpy_helper.from_array(a, n) for n, a in weights]
    )
    ids = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=ids, ir_version=8)


def converted(*args, **kwargs):
    return tensorrt_graph(model_of(*args, **kwargs), "vocoder", {}, 4)


@pytest.mark.parametrize(
    ("node", "named"),
    [
        (helper.make_node("Multinomial", ["x"], ["y"], "/sampler/Multinomial"), "Multinomial, of node '/sampler/M"),
        (helper.make_node("RandomNormalLike", ["x"], ["y"], "/noise/R"), "RandomNormalLike, of node '/noise/R'"),
        (
            helper.make_node("Gelu", ["x"], ["y"], "/ffn/Gelu", domain="com.microsoft"),
            r"com\.microsoft\.Gelu.*/ffn/Gelu",
        ),
        (helper.make_node("Unique", ["x"], ["y"]), "Unique, of node 'y'"),
    ],
)
def test_an_unsupported_operator_is_named_with_its_node(node, named):
    with pytest.raises(BuildError, match=f"TensorRT has no operator {named}") as problem:
        converted([node], [("x", "f", (1, 3))], [("y", "f", (1, 3))], domains=["com.microsoft"])
    assert "\n" not in str(problem.value)


def test_float64_is_refused_and_not_turned_into_float32():
    nodes = [helper.make_node("Cast", ["x"], ["wide"], "/phase/Cast", to=TensorProto.DOUBLE),
             helper.make_node("Mul", ["wide", "wide"], ["product"], "/phase/Mul"),
             helper.make_node("Cast", ["product"], ["y"], "/phase/Back", to=TensorProto.FLOAT)]  # fmt: skip
    with pytest.raises(BuildError, match="no float64, at Cast '/phase/Cast'"):
        converted(nodes, [("x", "f", (1, 3))], [("y", "f", (1, 3))])


def test_the_distilled_vocoder_is_refused(exported):
    """Its oscillator counts in float64; it has no place in TensorRT (build_engines.quantize.profiles)."""
    with pytest.raises(BuildError, match="float64"):
        tensorrt_graph(onnx.load(str(exported.folder / "vocoder.onnx")), "vocoder", {}, 4)


@pytest.mark.parametrize("opset", [11, 23])
def test_an_opset_out_of_reach_is_refused(opset):
    node = helper.make_node("Relu", ["x"], ["y"])
    with pytest.raises(BuildError, match=f"opset {opset}"):
        converted([node], [("x", "f", (3,))], [("y", "f", (3,))], opset=opset)


@pytest.mark.parametrize(
    "change",
    [{"do_rotary": 1}, {"local_window_size": 8}, {"kv_num_heads": 1}, {"softcap": 2.0}],
)
def test_attention_of_another_kind_is_refused(change):
    settings = {"num_heads": 2, "kv_num_heads": 2} | change
    node = helper.make_node(
        "GroupQueryAttention", ["qkv", "", "", "past_key_0", "past_value_0", "seqlens_k", "total_length"],
        ["y", "present_key_0", "present_value_0"], "/h.0/Attention", domain="com.microsoft", **settings,
    )  # fmt: skip
    cache = ((f"past_{kind}_0", "f", (1, 2, "buffer", 4)) for kind in ("key", "value"))
    inputs = [("qkv", "f", (1, 1, 24)), *cache, ("seqlens_k", "i", (1,)), ("total_length", "i", (1,))]
    model = model_of([node], inputs, [("y", "f", (1, 1, 8))], domains=["com.microsoft"])
    with pytest.raises(BuildError, match=r"GroupQueryAttention '/h\.0/Attention'"):
        tensorrt_graph(model, "vocoder", {}, 4)


def test_weights_that_were_not_loaded_are_refused(tmp_path):
    model = model_of([helper.make_node("Add", ["x", "w"], ["y"])], [("x", "f", (3,))], [("y", "f", (3,))],
                     [("w", np.ones(3, np.float32))])  # fmt: skip
    onnx.save(model, str(tmp_path / "a.onnx"), save_as_external_data=True, size_threshold=0)
    with pytest.raises(BuildError, match="not been loaded"):
        tensorrt_graph(onnx.load(str(tmp_path / "a.onnx"), load_external_data=False), "vocoder", {}, 4)


def branch(name, kind):
    output = helper.make_tensor_value_info(f"{name}_out", TensorProto.FLOAT, None)
    inputs = ["x"] if kind == "Relu" else ["x", "x"]
    return helper.make_graph([helper.make_node(kind, inputs, [f"{name}_out"], f"/{name}/{kind}")], name, [], [output])


@pytest.mark.parametrize(("rows", "kind"), [(1, "Relu"), (2, "Mul")])
def test_a_branch_on_a_known_size_is_taken_before(rows, kind):
    nodes = [
        helper.make_node("Identity", ["w"], ["same"]),
        helper.make_node("Add", ["given", "same"], ["x"]),
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["size"]),
        helper.make_node("Equal", ["size", "one"], ["is_one"]),
        helper.make_node("If", ["is_one"], ["chosen"], then_branch=branch("t", "Relu"), else_branch=branch("e", "Mul")),
        helper.make_node("Neg", ["chosen"], ["y"]),
    ]
    weights = [("w", np.ones((1, 3), np.float32)), ("zero", np.array(0)), ("one", np.array(1))]
    model = model_of(nodes, [("given", "f", (rows, 3))], [("y", "f", (rows, 3))], weights)
    draft = Draft.read(model)
    simplify(draft)
    assert [node.op_type for node in draft.nodes] == ["Add", kind, "Neg"]
    x = np.random.default_rng(0).standard_normal((rows, 3)).astype(np.float32)
    assert np.array_equal(run(draft.model(), {"given": x})["y"], run(model, {"given": x})["y"])


def test_a_branch_on_an_input_is_refused():
    nodes = [helper.make_node("Neg", ["given"], ["x"]),
             helper.make_node("If", ["c"], ["y"], "/gate/If", then_branch=branch("t", "Relu"), else_branch=branch("e", "Mul"))]  # noqa: E501  # fmt: skip
    with pytest.raises(BuildError, match="no operator If, of node '/gate/If'"):
        converted(nodes, [("given", "f", (1, 3)), ("c", "b", (1,))], [("y", "f", (1, 3))])


def test_reductions_and_splits_are_written_for_the_newer_opset():
    nodes = [helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1], keepdims=1),
             helper.make_node("Sub", ["x", "mean"], ["centred"]),
             helper.make_node("Split", ["centred"], ["a", "b"], axis=1),
             helper.make_node("Add", ["a", "b"], ["y"])]  # fmt: skip
    model = model_of(nodes, [("x", "f", ("n", 4))], [("y", "f", ("n", 2))])
    half = tensorrt_graph(model, "vocoder", {}, 4)
    onnx.checker.check_model(half, full_check=True)
    x = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
    assert snr_db(run(model, {"x": x})["y"], run(half, {"x": x})["y"]) > 60


@pytest.mark.parametrize(("least", "most"), [(0, 5), (0, None), (None, 5), (None, None)])
def test_integers_are_clipped_by_max_and_min(least, most):
    inputs = ["n", "least" if least is not None else "", "most" if most is not None else ""]
    weights = [(name, np.array(value)) for name, value in (("least", least), ("most", most)) if value is not None]
    model = model_of([helper.make_node("Clip", inputs, ["y"])], [("n", "i", (4,))], [("y", "i", (4,))], weights)
    half = tensorrt_graph(model, "vocoder", {}, 4)
    assert not nodes_of(half, "Clip")
    n = np.array([-3, 0, 5, 9])
    assert np.array_equal(run(half, {"n": n})["y"], run(model, {"n": n})["y"])


def test_angles_and_counts_stay_in_float32():
    """float16 knows 11 bits: the sine of position 2001 times a rate would be noise, and 2049 would be even."""
    nodes = [helper.make_node("Cast", ["n"], ["position"], to=TensorProto.FLOAT),
             helper.make_node("Mul", ["position", "rate"], ["angle"]),
             helper.make_node("Sin", ["angle"], ["y"]),
             helper.make_node("Cast", ["position"], ["back"], to=TensorProto.INT64)]  # fmt: skip
    model = model_of(nodes, [("n", "i", (3,))], [("y", "f", (3,)), ("back", "i", (3,))], [("rate", np.float32(0.77))])
    half = tensorrt_graph(model, "vocoder", {}, 4)
    n = np.array([7, 2001, 2049])
    assert snr_db(run(model, {"n": n})["y"], run(half, {"n": n})["y"]) > 60
    assert np.array_equal(run(half, {"n": n})["back"], n)


def test_numbers_beyond_float16_become_its_largest():
    nodes = [helper.make_node("MatMul", ["x", "w"], ["product"]), helper.make_node("Add", ["product", "mask"], ["y"])]
    weights = [("w", np.eye(2, dtype=np.float32)), ("mask", np.array([0, -3e38], np.float32))]
    half = converted(nodes, [("x", "f", (1, 2))], [("y", "f", (1, 2))], weights)
    y = run(half, {"x": np.ones((1, 2), np.float32)})["y"]
    assert y[0, 0] == 1
    assert np.isfinite(y).all()
    assert y[0, 1] < -6e4


def test_an_output_that_is_also_read_inside_keeps_its_name_and_type():
    nodes = [helper.make_node("MatMul", ["x", "w"], ["state"]), helper.make_node("Relu", ["state"], ["y"])]
    weights = [("w", np.eye(2, dtype=np.float32))]
    half = converted(nodes, [("x", "f", (1, 2))], [("state", "f", (1, 2)), ("y", "f", (1, 2))], weights)
    got = run(half, {"x": np.array([[1, -2]], np.float32)})
    assert got["state"].tolist() == [[1, -2]]
    assert got["y"].tolist() == [[1, 0]]
    assert {array.dtype.name for array in got.values()} == {"float32"}
    assert len(nodes_of(half, "Cast")) == 3
