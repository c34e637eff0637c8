"""edge_tts.engines.packed.kernels: on ARM a measurement chooses, on x86 nothing is measured."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from edge_tts import Voice
from edge_tts.bundle import open_bundle
from edge_tts.bundle.spec import GraphEntry, TensorSpec
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.engines.packed import kernels
from edge_tts.engines.packed.cache import PackedCache
from edge_tts.engines.packed.kernels import Chooser, medians, rivals
from edge_tts.engines.packed.pack import pack
from edge_tts.engines.packed.parts import packed_parts
from tests.runtime.packed.conftest import say, say_plain
from tests.runtime.packed.test_nbits import model

ENTRY = GraphEntry("m.onnx", {"x": TensorSpec("float32", (1, "rows", 256))}, {})


@pytest.fixture(scope="module")
def manifest(tiny_bundle):
    return open_bundle(tiny_bundle).manifest


def taking(seconds):
    """A measure under which the n-th form takes seconds[n]; every form must run."""

    def measure(runs):
        for run in runs:
            run()
        assert len(runs) == len(seconds)
        return list(seconds)

    return measure


def choose(manifest, measure, machine="aarch64", name="gpt_step"):
    return Chooser(machine, measure).choose(name, model().SerializeToString(), ENTRY, manifest)


def test_x86_keeps_what_was_certified(manifest):
    raw = model().SerializeToString()
    choice = Chooser("x86_64", None).choose("gpt_step", raw, ENTRY, manifest)
    assert (choice.model, choice.settings, choice.note) == (raw, {}, {"chosen": "shipped"})


def test_who_is_measured():
    assert rivals("x86_64", "gpt_step") == rivals("AMD64", "vocoder") == ()
    assert [r.name for r in rivals("aarch64", "gpt_step")] == ["nbits-32", "nbits-128", "no-kleidiai"]
    assert [r.name for r in rivals("arm64", "vocoder")] == ["no-kleidiai"]


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        ((1.0, 0.5, 0.7, 0.9), "nbits-32"),
        ((1.0, 0.9, 0.6, 0.7), "nbits-128"),
        ((1.0, 1.1, 1.2, 0.8), "no-kleidiai"),
        ((1.0, 1.1, 1.2, 1.0), "shipped"),
        ((1.0, 0.93, 0.95, 0.94), "shipped"),  # no clear margin
    ],
)
def test_the_fastest_wins_by_a_clear_margin(manifest, seconds, chosen):
    choice = choose(manifest, taking(seconds))
    assert choice.note["chosen"] == chosen and choice.note["not_measured"] == {}
    names = ("shipped", "nbits-32", "nbits-128", "no-kleidiai")
    assert choice.note["milliseconds"] == {name: 1000 * s for name, s in zip(names, seconds, strict=True)}
    assert choice.settings == ({"mlas.disable_kleidiai": "1"} if chosen == "no-kleidiai" else {})
    assert (choice.model == model().SerializeToString()) is ("nbits" not in chosen)
    loaded = OnnxEngine(settings=choice.settings).load("chosen", choice.model)
    assert loaded.run({"x": np.ones((1, 2, 256), np.float32)})["y0"].any()


def test_a_rival_that_says_something_else_is_not_taken(manifest, monkeypatch):
    real = kernels.with_nbits

    def wrong(raw, block):
        return real(model(scale=np.full(48, 0.5, np.float32)).SerializeToString() if block == 32 else raw, block)

    monkeypatch.setattr(kernels, "with_nbits", wrong)
    choice = choose(manifest, taking((1.0, 0.9, 0.8)))
    assert choice.note["chosen"] == "no-kleidiai" and "'y0' has " in choice.note["not_measured"]["nbits-32"]


def test_a_rival_of_nan_is_not_taken(manifest, monkeypatch):
    monkeypatch.setattr(
        kernels, "with_nbits", lambda raw, block: model(scale=np.full(48, np.nan, np.float32)).SerializeToString()
    )
    assert set(choose(manifest, taking((1.0, 0.1))).note["not_measured"]) == {"nbits-32", "nbits-128"}


def test_a_graph_without_linears_has_fewer_rivals(tiny_bundle, manifest):
    entry = manifest.graphs["gpt_step"]
    raw = (tiny_bundle / entry.file).read_bytes()
    choice = Chooser("aarch64", taking((1.0, 1.0))).choose("gpt_step", raw, entry, manifest)
    assert choice.note["not_measured"] == dict.fromkeys(("nbits-32", "nbits-128"), "the graph has no such linears")


def test_medians_of_interleaved_runs():
    order, now = [], [0.0]

    def run(name, seconds):
        turns = iter(seconds)

        def call():
            order.append(name)
            now[0] += next(turns)

        return call

    # the first round warms up, and one slow turn doesn't matter
    slow, fast = [50.0, *[3.0] * 14, 90.0], [9.0, *[2.0] * 13, 8.0, 8.0]
    assert medians([run("a", slow), run("b", fast)], lambda: now[0]) == [3.0, 2.0]
    assert order == ["a", "b"] * 16


def test_the_choice_is_kept_with_the_entry(tiny_bundle, cache, monkeypatch):
    """As on a board where KleidiAI is slow; on x86 the setting changes nothing, so the voice says the same."""
    bundle, packed = open_bundle(tiny_bundle), PackedCache(cache)
    parts = packed_parts(bundle)
    assert pack(bundle, packed, parts, Chooser("aarch64", taking((1.0, 0.5))))
    record = json.loads((packed.store.path(parts) / "record.json").read_text())
    assert {g["kernels"]["chosen"] for g in record["graphs"].values()} == {"no-kleidiai"}
    seen, real = [], OnnxEngine.__init__

    def init(engine, threads=1, settings=None, **more):
        seen.append((settings, more.get("packed", False)))
        real(engine, threads, settings, **more)

    monkeypatch.setattr(OnnxEngine, "__init__", init)
    np.testing.assert_array_equal(say(Voice.load(tiny_bundle)), say_plain(tiny_bundle))
    assert seen.count(({"mlas.disable_kleidiai": "1"}, True)) == 4


def test_a_chosen_form_is_packed_exactly(manifest, tmp_path):
    """MatMulNBits goes through packing to the last bit too."""
    choice = choose(manifest, taking((1.0, 0.5, 0.7, 0.9)))
    x = {"x": np.random.default_rng(0).standard_normal((1, 5, 256)).astype(np.float32)}
    expected = OnnxEngine().pack("step", choice.model, tmp_path / "step.onnx").run(x)
    found = OnnxEngine(packed=True).load("step", tmp_path / "step.onnx").run(x)
    np.testing.assert_array_equal(found["y0"], expected["y0"])


def test_a_shipped_form_that_can_t_run_is_an_error(manifest):
    entry = SimpleNamespace(inputs={})
    with pytest.raises(Exception, match="graph 'gpt_step'"):
        Chooser("aarch64").choose("gpt_step", b"no model", entry, manifest)
