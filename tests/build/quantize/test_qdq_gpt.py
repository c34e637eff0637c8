"""A GPT's graphs for TensorRT compute what the float graphs compute: cache, adapters, pointer, INT8."""

import numpy as np
import onnx
import pytest

from build_engines.errors import BuildError
from build_engines.quantize.qdq import tensorrt_graph
from tests.build.quantize.qdq_case import layers_of, made_by, nodes_of, ranges_of, run, snr_db
from tests.gpt_voice import SMALL, small_gpt

RANK = 8
HALF_DB, INT8_DB = 50, 25
L, H, D = SMALL.n_layer, SMALL.head, SMALL.hidden_dim // SMALL.head
BUFFER = 12


@pytest.fixture(scope="module")
def genuine(tmp_path_factory):
    """Float graphs of a small genuine GPT, by name."""
    from build_engines.export import export_gpt

    folder = tmp_path_factory.mktemp("genuine")
    export_gpt(small_gpt(), folder)
    return {name: onnx.load(str(folder / f"{name}.onnx")) for name in ("gpt_prefill", "gpt_step")}


@pytest.fixture(scope="module")
def pointed(exported):
    """The same of a small distilled one."""
    return {name: onnx.load(str(exported.folder / f"{name}.onnx")) for name in ("gpt_prefill", "gpt_step")}


def prefill_feeds(phones=9, prompt=5, features=SMALL.feature_dim):
    rng = np.random.default_rng(2)
    return {
        "phones": rng.integers(0, 64, (1, phones)),
        "features": rng.standard_normal((1, phones, features)).astype(np.float32),
        "prompt": rng.integers(0, 64, (1, prompt)),
    }


def step_feeds(held, buffer=BUFFER, layers=L, heads=H, depth=D):
    """A cache of which `held` rows are written; the rows behind them hold what is left of another sentence."""
    rng = np.random.default_rng(3)
    feeds = {
        "token": np.array([[7]]),
        "position": np.array([held]),
        "seqlens_k": np.array([held], np.int32),
        "total_length": np.array([held + 1], np.int32),
    }
    for i in range(layers):
        for kind in ("key", "value"):
            rows = rng.standard_normal((1, heads, buffer, depth))
            feeds[f"past_{kind}_{i}"] = rows.astype(np.float16).astype(np.float32)
    return feeds


def adapter_for(model, rank, scale=0.3):
    """Random factors for every target of a float graph's adapters, and the same padded with zeros to RANK."""
    rng = np.random.default_rng(4)
    plain, padded = {}, {}
    for value in model.graph.input:
        if value.name.startswith("lora_"):
            sizes = [dim.dim_value or rank for dim in value.type.tensor_type.shape.dim]
            shape = [dim.dim_value or RANK for dim in value.type.tensor_type.shape.dim]
            factor = rng.standard_normal(sizes) * scale / np.sqrt(sizes[0])
            plain[value.name] = factor.astype(np.float16).astype(np.float32)
            padded[value.name] = np.zeros(shape, np.float32)
            padded[value.name][: sizes[0], : sizes[1]] = plain[value.name]
    return plain, padded


@pytest.mark.parametrize(("phones", "prompt"), [(9, 5), (1, 1), (40, 30)])
def test_the_prefill_in_float16_is_the_float_one(genuine, phones, prompt):
    feeds = prefill_feeds(phones, prompt)
    half = tensorrt_graph(genuine["gpt_prefill"], "gpt_prefill", {}, RANK)
    expected, got = run(genuine["gpt_prefill"], feeds), run(half, feeds)
    assert {name: array.dtype.name for name, array in got.items()} == {
        "logits": "float32", "keys": "float16", "values": "float16"
    }  # fmt: skip
    for name, array in expected.items():
        assert snr_db(array, got[name]) > HALF_DB, name


@pytest.mark.parametrize("held", [0, 1, BUFFER - 1])
def test_the_step_reads_the_held_rows_and_gives_the_new_one(genuine, held):
    feeds = step_feeds(held)
    half = tensorrt_graph(genuine["gpt_step"], "gpt_step", {}, RANK)
    assert "total_length" not in {value.name for value in half.graph.input}
    expected, got = run(genuine["gpt_step"], feeds), run(half, feeds)
    assert snr_db(expected["logits"], got["logits"]) > HALF_DB
    for i in range(L):
        for kind in ("key", "value"):
            row = got[f"present_{kind}_{i}"]
            assert row.shape == (1, H, 1, D)
            assert row.dtype == np.float16
            assert snr_db(expected[f"present_{kind}_{i}"][:, :, held : held + 1], row) > HALF_DB


def test_a_full_buffer_is_read_whole(genuine):
    """The new row needs no room of its own: the caller writes it."""
    feeds, roomier = step_feeds(BUFFER), step_feeds(BUFFER, BUFFER + 1)
    for name in feeds:
        if name.startswith("past_"):
            roomier[name][:, :, :BUFFER] = feeds[name]
    half = tensorrt_graph(genuine["gpt_step"], "gpt_step", {}, RANK)
    assert snr_db(run(genuine["gpt_step"], roomier)["logits"], run(half, feeds)["logits"]) > HALF_DB


def test_rows_that_are_not_held_change_nothing(genuine):
    half = tensorrt_graph(genuine["gpt_step"], "gpt_step", {}, RANK)
    feeds, other = step_feeds(5), step_feeds(5)
    for name in other:
        if name.startswith("past_"):
            other[name][:, :, 5:] = 60_000
    assert np.array_equal(run(half, feeds)["logits"], run(half, other)["logits"])


def test_a_buffer_of_another_size_changes_nothing(genuine):
    half = tensorrt_graph(genuine["gpt_step"], "gpt_step", {}, RANK)
    small, large = step_feeds(5), step_feeds(5, 64)
    for name in small:
        if name.startswith("past_"):
            large[name][:, :, :5] = small[name][:, :, :5]
    assert snr_db(run(half, small)["logits"], run(half, large)["logits"]) > 70


@pytest.mark.parametrize("name", ["gpt_prefill", "gpt_step"])
@pytest.mark.parametrize("rank", [1, 3, RANK])
def test_adapters_of_any_rank_work_padded_with_zeros(genuine, name, rank):
    model = genuine[name]
    feeds = step_feeds(6) if name == "gpt_step" else prefill_feeds()
    plain, padded = adapter_for(model, rank)
    half = tensorrt_graph(model, name, {}, RANK)
    without, expected = run(model, feeds)["logits"], run(model, feeds | plain)["logits"]
    assert snr_db(expected, without) < 30  # the adapter does something
    assert snr_db(expected, run(half, feeds | padded)["logits"]) > HALF_DB
    assert snr_db(without, run(half, feeds)["logits"]) > HALF_DB


@pytest.mark.parametrize("name", ["gpt_prefill", "gpt_step"])
def test_int8_stays_near_and_adapters_read_what_comes_before_the_quantizer(genuine, name):
    model = genuine[name]
    feeds = step_feeds(6) if name == "gpt_step" else prefill_feeds()
    plain, padded = adapter_for(model, 3)
    layers = layers_of(model)
    int8 = tensorrt_graph(model, name, ranges_of(model, feeds | plain, layers), RANK)
    expected = run(model, feeds | plain)["logits"]
    assert snr_db(expected, run(int8, feeds | padded)["logits"]) > INT8_DB
    products = [node for node in nodes_of(int8, "MatMul") if node.name in layers]
    assert len(products) == len(layers)
    for node in products:
        assert [made_by(int8, tensor).op_type for tensor in node.input] == ["DequantizeLinear"] * 2
    for node in nodes_of(int8, "MatMul"):
        if node.input[1].startswith("lora_A."):
            assert made_by(int8, node.input[0]).op_type != "DequantizeLinear"


def test_attention_products_are_not_quantized(genuine):
    feeds = step_feeds(6)
    model = genuine["gpt_step"]
    int8 = tensorrt_graph(model, "gpt_step", ranges_of(model, feeds, layers_of(model)), RANK)
    quantized = {node.output[0] for node in nodes_of(int8, "DequantizeLinear")}
    assert sum(quantized.issuperset(node.input) for node in nodes_of(int8, "MatMul")) == len(layers_of(model))


def test_the_pointer_walks_as_in_float(pointed):
    """A distilled voice: prefill, then steps that are fed their own rows, as a sentence runs."""
    from tests.build.conftest import GPT_CONFIG as CONFIG

    heads, depth = CONFIG.head, CONFIG.hidden_dim // CONFIG.head
    feeds = prefill_feeds(11, 0, CONFIG.feature_dim)
    prefill = tensorrt_graph(pointed["gpt_prefill"], "gpt_prefill", {}, RANK)
    step = tensorrt_graph(pointed["gpt_step"], "gpt_step", {}, RANK)
    assert "prompt" not in {value.name for value in prefill.graph.input}
    assert not nodes_of(step, "If")
    expected, got = run(pointed["gpt_prefill"], feeds), run(prefill, feeds)
    pairs = [(expected, got)]
    state = {"float": expected["state"], "half": got["state"]}
    rows = expected["keys"].shape[3]
    caches = {"float": {}, "half": {}}
    for kind, outputs in (("float", expected), ("half", got)):
        for i in range(CONFIG.n_layer):
            for part in ("key", "value"):
                buffer = np.zeros((1, heads, 32, depth), np.float32)
                buffer[:, :, :rows] = outputs[f"{part}s"][i]
                caches[kind][f"past_{part}_{i}"] = buffer
    pointer = expected["pointer"]
    for n, token in enumerate((5, 60, 3)):
        held = rows + n
        common = {"token": np.array([[token]]), "position": np.array([n]), "pointer": pointer,
                  "seqlens_k": np.array([held], np.int32), "total_length": np.array([held + 1], np.int32)}  # fmt: skip
        one = run(pointed["gpt_step"], common | caches["float"] | {"state": state["float"]})
        two = run(step, common | caches["half"] | {"state": state["half"]})
        for name, buffer in caches["half"].items():
            buffer[:, :, held : held + 1] = two[name.replace("past", "present")]
        for name in caches["float"]:
            caches["float"][name] = one[name.replace("past", "present")]
        pairs.append((one, two))
        assert np.array_equal(one["next_pointer"], two["next_pointer"])
        pointer = one["next_pointer"]
    for one, two in pairs:
        assert snr_db(one["logits"], two["logits"]) > HALF_DB
    assert np.array_equal(expected["pointer"], got["pointer"])


def test_a_pointed_graphs_adapters_have_the_fixed_rank(pointed):
    step = tensorrt_graph(pointed["gpt_step"], "gpt_step", {}, RANK)
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in step.graph.input
        if value.name.startswith("lora_")
    }
    assert shapes["lora_A.h.layers.0.linear1"] == [64, RANK]
    assert shapes["lora_B.h.layers.0.linear1"] == [RANK, 128]
    assert all(0 not in shape for shape in shapes.values())


def test_the_same_graph_gives_the_same_bytes_and_is_left_alone(genuine):
    model = genuine["gpt_step"]
    before = model.SerializeToString(deterministic=True)
    amax = ranges_of(model, step_feeds(6), layers_of(model))
    one = tensorrt_graph(model, "gpt_step", amax, RANK).SerializeToString()
    assert one == tensorrt_graph(model, "gpt_step", dict(reversed(amax.items())), RANK).SerializeToString()
    assert model.SerializeToString(deterministic=True) == before


def test_adapters_need_a_rank(genuine):
    with pytest.raises(BuildError, match=r"gpt_step.* rank can't be 0"):
        tensorrt_graph(genuine["gpt_step"], "gpt_step", {}, 0)
