"""The account of one graph: every layer has a fate and a reason, figures can be followed, work is not done twice."""

import numpy as np
import pytest

from build_engines.quantize.calibrate import Recorder
from build_engines.quantize.choose import CPU, TENSORRT, Chooser, rows_of
from build_engines.quantize.histogram import METHODS
from build_engines.quantize.layers import FloatGraph
from build_engines.quantize.measure import Trial, snr_db
from build_engines.quantize.state import State
from edge_tts.bundle.manifest import GRAPHS
from tests.build.quantize.test_calibrate import spoken


@pytest.fixture(scope="module")
def measured(genuine_voice, tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    for path in (genuine_voice / "graphs").iterdir():
        (work / path.name).write_bytes(path.read_bytes())
    recorder = Recorder({name: FloatGraph(work / f"{name}.onnx") for name in GRAPHS}, work, lambda name, call: True)
    spoken(genuine_voice, recorder)
    return {name: (FloatGraph(work / f"{name}.onnx"), seen) for name, seen in recorder.measured.items()}


class Counting(Trial):
    """Counts its measurements."""

    asked = 0

    def score(self, model, repeat=1):
        self.asked += 1
        return super().score(model, repeat)


def choose(measured, name, scheme, bar, folder, steps=None):
    graph, seen = measured[name]
    trial = Counting(name, graph.path.parent, seen.examples)
    state = State(folder, {"name": name})
    steps = [] if steps is None else steps
    return Chooser(graph, seen, scheme, trial, state, steps.append).run(bar), trial


@pytest.mark.parametrize("scheme", [CPU, TENSORRT])
@pytest.mark.parametrize("name", ["gpt_step", "latents", "vocoder"])
def test_every_layer_has_its_fate(measured, name, scheme, tmp_path):
    graph, _ = measured[name]
    account, _ = choose(measured, name, scheme, 15.0, tmp_path / "state")
    assert [layer["name"] for layer in account["layers"]] == list({layer.name: 0 for layer in graph.layers})
    for layer in account["layers"]:
        assert layer["kept"] in ("int8", "float")
        assert (layer["kept"] == "int8") == (layer["reason"] == "gains more than it costs")
        assert layer["kept"] == "float" or (layer["gain_share"] > 0 and layer["snr_db"] > 0)
        if layer["kind"] == "ConvTranspose":
            assert layer["reason"] == "INT8 is not faster here"
            assert layer["snr_db"] is None
    assert account["bar_db"] == 15.0
    assert account["snr_db"] >= 15.0
    assert set(account["methods"]) == (set() if scheme is CPU and name == "gpt_step" else set(METHODS))
    assert account["method"] in METHODS


def test_the_best_method_is_taken(measured, tmp_path):
    account, _ = choose(measured, "gpt_step", TENSORRT, 15.0, tmp_path / "state")
    assert len(set(account["methods"].values())) > 1
    assert account["methods"][account["method"]] == max(account["methods"].values())


def test_the_search_can_be_followed(measured, tmp_path):
    """A bar between what all layers and what one layer give: some stay in float, and those are the worst bargains."""
    everything, _ = choose(measured, "gpt_step", TENSORRT, -100.0, tmp_path / "all")
    candidates = [layer for layer in everything["layers"] if layer["snr_db"] is not None]
    assert all(layer["kept"] == "int8" for layer in candidates)
    bar = everything["snr_db"] + 3
    some, _ = choose(measured, "gpt_step", TENSORRT, bar, tmp_path / "some")
    assert some["snr_db"] >= bar
    assert some["search"][0]["kept_float"] == 0
    kept = [layer for layer in some["layers"] if layer["reason"] == "costs too much for what it gains"]
    assert 0 < len(kept) < len(candidates)
    by_step = {step["kept_float"]: step["snr_db"] for step in some["search"]}
    assert by_step.get(len(kept), some["snr_db"]) >= bar
    bargain = {layer["name"]: 10 ** (-layer["snr_db"] / 10) / layer["gain_share"] for layer in candidates}
    worst = sorted(bargain, key=bargain.get, reverse=True)[: len(kept)]
    assert {layer["name"] for layer in kept} == set(worst)


def test_a_bar_out_of_reach(measured, tmp_path):
    account, _ = choose(measured, "latents", CPU, 150.0, tmp_path / "state")
    assert all(layer["kept"] == "float" for layer in account["layers"])
    assert account["snr_db"] == 200.0


def test_nothing_is_measured_twice(measured, tmp_path):
    steps = []
    first, trial = choose(measured, "latents", TENSORRT, 15.0, tmp_path / "state", steps)
    assert trial.asked > len(METHODS)
    assert len(steps) == len([layer for layer in first["layers"] if layer["snr_db"] is not None])
    again, trial = choose(measured, "latents", TENSORRT, 15.0, tmp_path / "state", steps)
    assert again == first
    assert trial.asked == 0
    assert len(steps) == 2 * len(set(steps))


def test_rows_of_an_average_call(measured):
    """A step has one row, the prefill a row per phone and prompt token, a convolution one per position."""
    graph, seen = measured["gpt_step"]
    assert set(rows_of(graph.layers, seen).values()) == {1.0}
    graph, seen = measured["latents"]
    rows = rows_of(graph.layers, seen)
    assert rows["up"] == rows["conv_1"] > 1  # tokens
    assert rows["frame_conv"] == 4 * rows["up"]


def test_signal_to_noise():
    signal = [np.array([3.0, 4.0], np.float32), np.zeros(2, np.float32)]
    assert snr_db(signal, signal) == 200.0
    assert snr_db(signal, [signal[0], np.array([0.5, 0.0])]) == pytest.approx(20.0)
    assert snr_db(signal, [signal[0], np.array([np.nan, 0.0])]) == -200.0
    assert snr_db([np.zeros(3)], [np.ones(3)]) == -200.0


def test_a_trial_leaves_no_file(measured):
    graph, seen = measured["latents"]
    before = set(graph.path.parent.iterdir())
    score = Trial("latents", graph.path.parent, seen.examples[:1]).score(graph.model(), repeat=2)
    assert score.snr_db > 90
    assert score.seconds > 0
    assert set(graph.path.parent.iterdir()) == before
