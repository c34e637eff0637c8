"""A recorder is an engine like any other, and knows afterwards what it saw."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from build_engines.errors import BuildError
from build_engines.forced import ForcedVoice
from build_engines.quantize.calibrate import MAX_EXAMPLES, Recorder
from build_engines.quantize.layers import FloatGraph
from edge_tts.bundle import open_bundle
from edge_tts.bundle.manifest import GRAPHS
from edge_tts.engines.onnx import OnnxEngine
from tests.build.quantize.voices import TEXT

MOST = 25


def recorder_of(folder, work, keep=lambda name, call: True):
    """The voice's graphs are copied: a recorder writes beside them."""
    for path in (folder / "graphs").iterdir():
        (work / path.name).write_bytes(path.read_bytes())
    return Recorder({name: FloatGraph(work / f"{name}.onnx") for name in GRAPHS}, work, keep)


def spoken(folder, engine):
    """Tokens, logits, latents and sound of one sentence."""
    voice = ForcedVoice(open_bundle(folder), engine)
    speaker = voice.speakers[0]
    (utterance,) = voice.read(TEXT, speaker)
    drawn = voice.draw(utterance, speaker, 0, MOST)
    z = voice.latents(utterance, speaker, drawn, 0)
    return drawn, voice.logits(utterance, speaker, drawn), z, voice.sound(z, speaker, 0)


@pytest.fixture(scope="module", params=["distilled_voice", "genuine_voice"])
def case(request, tmp_path_factory):
    """(bundle, recorder after one sentence, what it said)."""
    folder = request.getfixturevalue(request.param)
    recorder = recorder_of(folder, tmp_path_factory.mktemp("work"), lambda name, call: call % 2 == 0)
    return folder, recorder, spoken(folder, recorder)


def test_it_computes_what_the_runtime_computes(case):
    """Both by `run` (prefill, latents, vocoder) and by `bind` (the step)."""
    folder, _, (drawn, *arrays) = case
    other, *expected = spoken(folder, OnnxEngine())
    assert drawn == other
    assert len(drawn.tokens) > 5
    for made, right in zip(arrays, expected, strict=True):
        np.testing.assert_allclose(made, right, rtol=0, atol=2e-5 * np.abs(right).max())


def test_graphs_look_as_they_are(case, tmp_path):
    folder, _, _ = case
    recorder = recorder_of(folder, tmp_path)
    for name, entry in open_bundle(folder).manifest.graphs.items():
        model, _ = open_bundle(folder).graph(entry)
        graph, plain = recorder.load(name, model), OnnxEngine().load(name, model)
        assert dict(graph.inputs) == dict(plain.inputs)
        assert dict(graph.outputs) == dict(plain.outputs)


def test_every_layer_is_measured(case):
    _, recorder, (drawn, *_) = case
    steps = 2 * len(drawn.tokens)  # drawn and then forced
    for name, seen in recorder.measured.items():
        graph = recorder._graphs[name]
        assert graph.layers or name == "vocoder", name  # a distilled voice's oscillator has none
        assert set(seen.tensors) == {tensor for layer in graph.layers for tensor in (layer.source, layer.result)}
        assert all(histogram.counts.sum() > 0 for histogram in seen.tensors.values())
    calls = {name: seen.calls for name, seen in recorder.measured.items()}
    assert calls["gpt_prefill"] == 2
    assert steps - 1 <= calls["gpt_step"] <= steps
    heads = next(layer for layer in recorder._graphs["gpt_step"].layers if layer.shape[1] == 65)
    counts = recorder.measured["gpt_step"].tensors[heads.result].counts.sum()
    assert counts == 65 * calls["gpt_step"]


def test_ranges_are_those_of_the_values(genuine_voice, tmp_path):
    """The vocoder's first convolution reads what the latents gave, all of it and nothing else."""
    recorder = recorder_of(genuine_voice, tmp_path)
    _, _, z, _ = spoken(genuine_voice, recorder)
    seen = recorder.measured["vocoder"].tensors["z"]
    assert seen.low == pytest.approx(min(0.0, float(z.min())), abs=1e-6)
    assert seen.high == pytest.approx(max(0.0, float(z.max())), abs=1e-6)


def test_the_cache_is_measured_per_channel(case):
    folder, recorder, _ = case
    gpt = open_bundle(folder).manifest.gpt
    prefill, step = recorder.measured["gpt_prefill"].channels, recorder.measured["gpt_step"].channels
    assert set(prefill) == {"keys", "values"}
    assert {array.shape for array in prefill.values()} == {(gpt.layers, 1, gpt.heads, gpt.head_dim)}
    assert [array.shape for array in step.values()] == [(3 * gpt.heads * gpt.head_dim,)] * gpt.layers
    assert all((array > 0).all() for array in (*prefill.values(), *step.values()))


def test_examples_are_some_calls_and_bounded(case):
    _, recorder, _ = case
    for name, seen in recorder.measured.items():
        assert len(seen.examples) == min(MAX_EXAMPLES, (seen.calls + 1) // 2), name
    assert len(recorder.measured["gpt_step"].examples) == MAX_EXAMPLES


def test_an_example_of_a_step_holds_the_rows_in_use(case):
    """Not the buffer's room; and fed again, it gives what it gave."""
    folder, recorder, _ = case
    bundle = open_bundle(folder)
    model, _ = bundle.graph(bundle.manifest.graphs["gpt_step"])
    step = OnnxEngine().load("gpt_step", model)
    positions = set()
    for example in recorder.measured["gpt_step"].examples:
        rows = int(example.inputs["total_length"][0])
        caches = [array for name, array in example.inputs.items() if name.startswith("past_")]
        assert caches
        assert all(array.shape[2] == rows for array in caches)
        assert set(example.outputs) & {"logits", "present_key_0"} == {"logits"}
        again = step.run(example.inputs)["logits"]
        np.testing.assert_allclose(again, example.outputs["logits"], atol=2e-4)
        positions.add(int(example.inputs["position"][0]))
    assert len(positions) > 3


def test_a_weight_that_is_not_finite_is_named(genuine_voice, tmp_path):
    recorder = recorder_of(genuine_voice, tmp_path)
    model = onnx.load(str(tmp_path / "latents.onnx"))
    index, tensor = next((i, t) for i, t in enumerate(model.graph.initializer) if t.name == "conv_1")
    weight = numpy_helper.to_array(tensor).copy()
    weight[0, 0, 0] = np.inf
    model.graph.initializer[index].CopyFrom(numpy_helper.from_array(weight, "conv_1"))
    onnx.save(model, str(tmp_path / "latents.onnx"))
    recorder = Recorder({"latents": FloatGraph(tmp_path / "latents.onnx")}, tmp_path, lambda name, call: False)
    with pytest.raises(BuildError, match=r"^graph 'latents': '.+' has values that are not finite$"):
        spoken(genuine_voice, recorder)


def test_nothing_is_kept_that_nobody_wants(genuine_voice, tmp_path):
    recorder = recorder_of(genuine_voice, tmp_path, lambda name, call: False)
    spoken(genuine_voice, recorder)
    assert all(seen.calls and not seen.examples for seen in recorder.measured.values())
