"""Golden vectors: written once, compared with right and with wrong engines."""

import dataclasses
import io
import json

import numpy as np
import onnx
import pytest

from build_engines.quantize.widened import widened_run
from build_engines.tensorrt.record import BARS_DB, record
from build_engines.tensorrt.rules import input_rules
from edge_tts.bundle import open_bundle
from edge_tts.bundle.spec import TensorRTGraphEntry, TensorSpec
from edge_tts.engines.golden import compare, inputs_of, read
from edge_tts.engines.golden_inputs import Bell, Below, Filled, SizeOf, make
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import BundleError, EngineError
from tests.build.tensorrt.conftest import GRAPHS
from tests.build.tensorrt.qdq import ADAPTERS, ENTRY, run_linear


@pytest.fixture(scope="module")
def raw():
    return record(ENTRY, ADAPTERS, run_linear, {})


@pytest.fixture(scope="module")
def golden(raw):
    return read(raw, ENTRY, "golden.npz")


def test_every_profile_is_covered_and_adapters_are_tried(golden):
    tried = [(case.profile, case.shape, case.sizes["rows"], case.adapters > 0) for case in golden.cases]
    assert tried == [
        (profile, shape, rows, adapted)
        for profile, sizes in enumerate(((1, 4, 16), (17, 32, 64)))
        for shape, rows in zip(("min", "opt", "max"), sizes, strict=True)
        for adapted in ((False,) if shape == "min" else (False, True))
    ]


def test_the_same_call_gives_the_same_bytes(raw):
    assert record(ENTRY, ADAPTERS, run_linear, {}) == raw


def test_the_graph_itself_passes(golden):
    verdict = compare(golden, run_linear)
    assert verdict.passed
    assert verdict.reason == ""
    assert len(verdict.results) == len(golden.cases) == 10
    assert verdict.worst() == {"y": {"snr_db": 999.0, "bar_db": 25.0}}


def test_rounding_in_another_order_passes(golden):
    def half(inputs):
        return {"y": run_linear(inputs)["y"] * np.float32(1.002)}

    verdict = compare(golden, half)
    assert verdict.passed
    assert 50 < verdict.worst()["y"]["snr_db"] < 60


def without_adapters(inputs):
    return run_linear({name: array * 0 if name in ADAPTERS else array for name, array in inputs.items()})


def only_at(rows, change):
    def run(inputs):
        y = run_linear(inputs)["y"]
        return {"y": change(y) if y.shape[1] == rows else y}

    return run


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (only_at(64, lambda y: y * np.float32(1.1)), "output 'y' at profile 1 max (rows 64) has 20.0 dB of 25.0 dB"),
        (only_at(4, lambda y: y * 0), "output 'y' at profile 0 opt (rows 4) is zeros alone"),
        (only_at(1, lambda y: np.where(y > 0, np.nan, y)), "output 'y' at profile 0 min (rows 1) is not finite"),
        (only_at(1, lambda y: y[:, :0]), "output 'y' at profile 0 min (rows 1) is float32 [1, 0, 12], not float32"),
        (only_at(17, lambda y: y.astype(np.float16)), "profile 1 min (rows 17) is float16 [1, 17, 12], not float32"),
        (lambda inputs: {}, "output 'y' at profile 0 min (rows 1) is missing"),
        (without_adapters, "output 'y' at profile 0 opt (rows 4) with adapters has"),
    ],
)
def test_an_engine_that_computes_something_else_fails(golden, run, reason):
    verdict = compare(golden, run)
    assert not verdict.passed
    assert reason in verdict.reason


def test_a_failing_engine_fails(golden):
    def run(inputs):
        raise EngineError("graph 'y' failed: out of memory")

    verdict = compare(golden, run)
    assert not verdict.passed
    assert verdict.reason == "profile 0 min (rows 1): graph 'y' failed: out of memory"


def decide(logits):
    return lambda inputs: {"logits": np.array([logits], np.float32)}


def test_another_token_is_another_decision_however_good_the_rest_is():
    spec = {"x": TensorSpec("float32", (1,))}
    entry = TensorRTGraphEntry("f", spec, {"logits": TensorSpec("float32", (1, 200))}, ({},))
    clear = [30.0, 29.2, *[0.0] * 198]  # leads by 0.8, with a noise of 0.09 at the bar
    golden = read(record(entry, {}, decide(clear), {}), entry, "it")
    assert golden.expected[0]["logits"].bar_db == BARS_DB["logits"]
    assert compare(golden, decide([29.8, 29.3, *clear[2:]])).passed
    verdict = compare(golden, decide([29.5, 29.7, *clear[2:]]))
    assert "decides for another token" in verdict.reason
    close = [30.0, 29.9, *clear[2:]]
    golden = read(record(entry, {}, decide(close), {}), entry, "it")
    assert compare(golden, decide([29.9, 30.0, *clear[2:]])).passed


def test_a_graph_that_amplifies_rounding_has_a_lower_bar():
    spec = {"x": TensorSpec("float32", (1, 500))}
    entry = TensorRTGraphEntry("f", spec, {"y": TensorSpec("float32", (1, 500))}, ({},))

    def rough(inputs):
        return {"y": np.sin(inputs["x"] * 100)}

    golden = read(record(entry, {}, rough, {}), entry, "it")
    bar = golden.expected[0]["y"].bar_db
    assert 10 <= bar < 22
    verdict = compare(golden, lambda inputs: {"y": np.cos(inputs["x"] * 100)})
    assert not verdict.passed


def test_a_graph_of_integers_alone_is_measured_against_its_wide_form():
    entry = TensorRTGraphEntry("f", {"x": TensorSpec("int64", (1, 9))}, {"y": TensorSpec("float32", (1, 9))}, ({},))

    def exact(inputs):
        return {"y": inputs["x"].astype(np.float32) + 1}

    def other(inputs):
        return {"y": exact(inputs)["y"] * np.float32(1.1)}

    for wide, bar in ((None, 25.0), (other, 14.0)):
        golden = read(record(entry, {}, exact, {"x": Below(50)}, other=wide), entry, "it")
        assert golden.expected[0]["y"].bar_db == bar


@pytest.mark.parametrize("name", GRAPHS)
def test_the_wide_form_of_a_graph_has_other_roundings(name, tmp_path):
    entry, graph = GRAPHS[name]
    path = tmp_path / f"{name}.onnx"
    onnx.save_model(graph(), path)
    wide, narrow = widened_run(path), OnnxEngine().load(name, path).run
    rules = {"token": Below(65), "position": Below(9), "seqlens_k": Below(16)}
    golden = read(record(entry, ADAPTERS, narrow, rules, other=wide), entry, name)
    inputs = inputs_of(golden, golden.cases[-1])
    expected = narrow(inputs)
    for output, array in wide(inputs).items():
        assert array.dtype == expected[output].dtype
        assert array.shape == expected[output].shape
    verdict = compare(golden, wide)
    assert verdict.passed
    assert min(result.snr_db for result in verdict.results) < 90


def test_integers_may_differ_by_one():
    spec = {"x": TensorSpec("float32", (1,))}
    entry = TensorRTGraphEntry("f", spec, {"pointer": TensorSpec("int64", (1,))}, ({},))
    golden = read(record(entry, {}, lambda inputs: {"pointer": np.array([7])}, {}), entry, "it")
    assert compare(golden, lambda inputs: {"pointer": np.array([8])}).passed
    assert "differs by 2" in compare(golden, lambda inputs: {"pointer": np.array([9])}).reason


def test_large_outputs_are_sampled_and_still_judged():
    spec = {"x": TensorSpec("float32", (1, "rows"))}
    entry = TensorRTGraphEntry("f", spec, {"y": TensorSpec("float32", (1, "rows"))}, ({"rows": (1, 1 << 17, 1 << 18)},))
    raw = record(entry, {}, lambda inputs: {"y": inputs["x"]}, {})
    assert len(raw) < 100_000
    golden = read(raw, entry, "it")
    assert compare(golden, lambda inputs: {"y": inputs["x"]}).passed
    assert not compare(golden, lambda inputs: {"y": inputs["x"][:, ::-1]}).passed
    # Even where the damage is in no sampled element.
    verdict = compare(golden, lambda inputs: {"y": np.where(np.arange(inputs["x"].size) == 77, np.nan, inputs["x"])})
    assert "is not finite" in verdict.reason


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (lambda inputs: {"y": np.full((1, 1), np.nan)}, "is not finite"),
        (lambda inputs: {"y": np.zeros((1, 1))}, "is zeros alone"),
        (lambda inputs: {"y": np.ones((1, 1))}, "adapters of any strength change nothing"),
    ],
)
def test_outputs_that_can_judge_no_engine_are_refused_when_recorded(run, reason):
    with pytest.raises(ValueError, match=reason):
        record(ENTRY, ADAPTERS, run, {})


def test_an_integer_input_needs_a_rule():
    entry = TensorRTGraphEntry("f", {"ids": TensorSpec("int64", (1, 3))}, {}, ({},))
    with pytest.raises(ValueError, match="'ids' of type int64"):
        record(entry, {}, lambda inputs: {}, {})


def changed(raw, change):
    with np.load(io.BytesIO(raw)) as archive:
        arrays = dict(archive)
    meta = json.loads(bytes(arrays["meta"]))
    change(meta, arrays)
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda raw: raw[:1000], "is no file of golden vectors"),
        (lambda raw: b"", "is no file of golden vectors"),
        (lambda raw: changed(raw, lambda meta, arrays: meta.pop("rules")), "is no file of golden vectors: 'rules'"),
        (lambda raw: changed(raw, lambda meta, arrays: meta.update(format=2)), "has format 2, this program reads 1"),
        (lambda raw: changed(raw, lambda meta, arrays: arrays.pop("3/y")), "is no file of golden vectors"),
        (lambda raw: changed(raw, lambda meta, arrays: arrays.update({"3/y": np.ones(5)})), "has 5 elements"),
        (lambda raw: changed(raw, lambda meta, arrays: meta["cases"].pop()), "is not of this graph and its profiles"),
        (lambda raw: changed(raw, lambda meta, arrays: meta["rules"].update(x=["eval", 1])), "no rule"),
    ],
)
def test_damaged_files_are_refused(raw, damage, reason):
    with pytest.raises(BundleError, match=reason):
        read(damage(raw), ENTRY, "golden.npz")


def test_an_engine_for_other_profiles_is_not_certified_with_these(raw):
    other = dataclasses.replace(ENTRY, profiles=(*ENTRY.profiles, {"rows": (65, 70, 80)}))
    with pytest.raises(BundleError, match="not of this graph and its profiles"):
        read(raw, other, "golden.npz")


def test_a_machine_that_makes_other_inputs_certifies_nothing(golden):
    other = dataclasses.replace(golden, rules={"x": Bell(2.0)})
    verdict = compare(other, run_linear)
    assert not verdict.passed
    assert "does not make the golden inputs" in verdict.reason


def test_inputs_are_what_their_rules_say():
    sizes = {"rows": 1000, "phones": 9}
    many = TensorSpec("int64", (1, "rows"))
    ids = make(Below("phones"), "ids", many, sizes, seed=1, fill=0.5)
    assert sorted(set(ids.ravel().tolist())) == list(range(9))
    one = TensorSpec("int32", (1,))
    assert [make(Filled(256), "n", one, {}, seed=1, fill=fill)[0] for fill in (0, 0.5, 1)] == [0, 127, 255]
    assert make(SizeOf("rows"), "n", one, sizes, seed=1, fill=0) == 1000
    bell = make(Bell(0.5), "x", TensorSpec("float16", (100, "rows")), sizes, seed=1, fill=0)
    assert bell.dtype == np.float16
    assert abs(bell.astype(float).std() - 0.5) < 0.01
    assert abs(bell.astype(float).mean()) < 0.01
    # These four numbers are the same on every machine, or golden inputs can't be made again.
    drawn = make(Bell(), "x", TensorSpec("float32", (4,)), {}, seed=7, fill=0)
    assert drawn.tobytes().hex() == "e5cbb4be3130f1be9204a7bf8002e5be"


def test_ids_of_a_voice_stay_within_its_tables(classic_bundle, tiny_bundle):
    for folder in (classic_bundle, tiny_bundle):
        manifest = open_bundle(folder).manifest
        for graph in manifest.graphs.values():
            rules = input_rules(manifest, graph)
            integers = {name for name, spec in graph.inputs.items() if spec.dtype.startswith("int")}
            # total_length is of the graphs that ONNX Runtime runs alone.
            assert all(not isinstance(rules[name], Bell) for name in integers - {"total_length"})


def test_adapters_are_zeros_or_loud_enough(golden):
    for case in golden.cases:
        inputs = inputs_of(golden, case)
        assert bool(inputs["lora_B.head"].any()) == (case.adapters > 0)
        assert inputs["lora_A.head"].dtype == np.float16
