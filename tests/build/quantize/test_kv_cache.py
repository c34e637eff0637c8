"""The GPT's cache in INT8: rows go in rounded, and what the runtime makes of them stays close to float."""

import numpy as np
import onnx
import onnxruntime
import pytest

from build_engines.export import export_gpt
from build_engines.quantize.calibrate import Recorder as Calibrator
from build_engines.quantize.kv_cache import (
    computes_int8_cache,
    kv_tensors,
    quantize_prefill,
    quantize_step,
    scales_of,
)
from build_engines.quantize.layers import FloatGraph
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.gpt.decoder import GptGraphs
from tests.gpt_voice import SMALL, GptVoice, Recorder, prompt_of, small_gpt

needs_int8_cache = pytest.mark.skipif(
    not computes_int8_cache(onnxruntime.__version__),
    reason=f"an INT8 KV cache needs onnxruntime 1.27, this is {onnxruntime.__version__}",
)
PHONES, PROMPT, TOKENS = 14, 5, 40
WIDTH = SMALL.hidden_dim


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    return GptVoice(small_gpt(), tmp_path_factory.mktemp("voice"))


def start(graphs, seed=0):
    """A sentence's decoder; three of the phones are the prompt's."""
    random = np.random.default_rng(seed)
    phones = random.integers(0, SMALL.phoneme_vocab_size, PHONES)
    features = random.standard_normal((PHONES, SMALL.feature_dim)).astype(np.float32)
    speaker = prompt_of(random.integers(0, SMALL.eos, PROMPT), phones[:3], features[:3])
    return graphs.start(phones[3:], features[3:], speaker, TOKENS + 1)


def tokens(seed=0):
    return np.random.default_rng(100 + seed).integers(0, SMALL.eos, TOKENS)


def speak(graphs, seed=0):
    """Logits of forced tokens, [tokens + 1, V]."""
    return Recorder(start(graphs, seed)).feed(tokens(seed))


@pytest.fixture(scope="module")
def measured(voice, tmp_path_factory):
    """(graphs, what was measured of them) over two sentences."""
    work = tmp_path_factory.mktemp("work")
    export_gpt(voice.gpt, work)
    graphs = {name: FloatGraph(work / f"{name}.onnx") for name in ("gpt_prefill", "gpt_step")}
    calibrator = Calibrator(graphs, work, lambda name, call: False)
    loaded = GptGraphs(*(calibrator.load(name, graphs[name].path) for name in graphs), voice.spec)
    for seed in range(2):
        speak(loaded, seed)
    return graphs, calibrator.measured


def scales(measured):
    graphs, seen = measured
    step, prefill = seen["gpt_step"].channels, seen["gpt_prefill"].channels
    return scales_of([step[name] for name in kv_tensors(graphs["gpt_step"])], prefill["keys"], prefill["values"])


@pytest.fixture(scope="module")
def models(measured):
    graphs, _ = measured
    prefill, step = (graphs[name].model() for name in ("gpt_prefill", "gpt_step"))
    quantize_prefill(prefill, scales(measured), SMALL.head)
    quantize_step(step, scales(measured))
    return {"gpt_prefill": prefill, "gpt_step": step}


@pytest.fixture(scope="module")
def int8(voice, measured, models):
    """The graphs with INT8 caches, loaded as the runtime does it."""
    graphs, _ = measured
    loaded = []
    for name, model in models.items():
        path = graphs[name].path.with_name(f"{name}.int8.onnx")  # beside the weights
        onnx.save(model, str(path))
        loaded.append(OnnxEngine().load(name, path))
    return GptGraphs(*loaded, voice.spec)


def snr_db(expected, made):
    return 10 * np.log10((expected**2).sum() / ((expected - made) ** 2).sum())


def test_scales_by_hand():
    """Of a step's row [3 * C] the query counts for nothing; of step and prefill the larger does."""
    row = np.array([90, 90, 1, 2, 0, 4], np.float32)  # C = 2
    keys, values = np.array([[[[0.5, 6.0]]]], np.float32), np.array([[[[3.0, 1.0]]]], np.float32)
    ((key, value),) = scales_of([row], keys, values).values()
    np.testing.assert_allclose(key, np.array([1, 6]) * 1.25 / 127, rtol=1e-6)
    np.testing.assert_allclose(value, np.array([3, 4]) * 1.25 / 127, rtol=1e-6)


def test_a_channel_of_zeros_has_a_scale():
    zeros = np.zeros((1, 1, 1, 1), np.float32)
    ((key, value),) = scales_of([np.zeros(3, np.float32)], zeros, zeros).values()
    assert key[0] > 0
    assert value[0] > 0


def test_one_scale_per_layer_and_channel(measured):
    found = scales(measured)
    assert list(found) == list(range(SMALL.n_layer))
    assert all(part.shape == (WIDTH,) and (part > 0).all() for pair in found.values() for part in pair)


def test_caches_are_int8_outside_too(models):
    prefill, step = models["gpt_prefill"].graph, models["gpt_step"].graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*prefill.output, *step.input, *step.output)}
    caches = [name for name in types if name.startswith(("keys", "values", "past_", "present_"))]
    assert len(caches) == 2 + 4 * SMALL.n_layer
    assert {types[name] for name in caches} == {onnx.TensorProto.INT8}
    assert types["logits"] == onnx.TensorProto.FLOAT


@needs_int8_cache
def test_the_prefill_gives_rounded_rows(voice, measured, int8):
    random = np.random.default_rng(7)
    feeds = {
        "phones": random.integers(0, SMALL.phoneme_vocab_size, (1, PHONES)),
        "features": random.standard_normal((1, PHONES, SMALL.feature_dim)).astype(np.float32),
        "prompt": random.integers(0, SMALL.eos, (1, PROMPT)),
    }
    expected, made = voice.graphs.prefill.run(feeds), int8.prefill.run(feeds)
    np.testing.assert_allclose(made["logits"], expected["logits"], atol=1e-5)
    for which, kind in enumerate(("keys", "values")):
        rows = made[kind]
        assert rows.dtype == np.int8
        assert rows.shape == expected[kind].shape
        assert np.abs(rows).max() > 60  # the scales suit the values
        for layer, pair in scales(measured).items():
            scale = pair[which].reshape(1, SMALL.head, 1, -1)
            back = np.clip(expected[kind][layer], -128 * scale, 127 * scale)
            np.testing.assert_allclose(rows[layer] * scale, back, atol=0.501 * scale.max())


@needs_int8_cache
def test_values_beyond_the_scale_are_cut_off(measured, voice, tmp_path):
    graphs, _ = measured
    small = {layer: tuple(part / 50 for part in pair) for layer, pair in scales(measured).items()}
    model = graphs["gpt_prefill"].model()
    quantize_prefill(model, small, SMALL.head)
    path = graphs["gpt_prefill"].path.with_name("cut.onnx")
    onnx.save(model, str(path))
    made = OnnxEngine().load("gpt_prefill", path).run({
        "phones": np.arange(4)[None], "features": np.ones((1, 4, SMALL.feature_dim), np.float32),
        "prompt": np.arange(3)[None],
    })  # fmt: skip
    assert (made["keys"].min(), made["keys"].max()) == (-128, 127)


@needs_int8_cache
@pytest.mark.parametrize("seed", [0, 5])
def test_a_forced_sentence_stays_close_to_float(voice, int8, seed):
    """Seed 5 was not calibrated with. The first logits are the prefill's own."""
    expected, made = speak(voice.graphs, seed), speak(int8, seed)
    np.testing.assert_allclose(made[0], expected[0], atol=1e-5)
    assert np.isfinite(made).all()
    assert snr_db(expected[1:], made[1:]) > 30
    assert snr_db(expected[-5:], made[-5:]) > 27  # it doesn't pile up
    assert np.abs(made[1:] - expected[1:]).max() > 1e-4  # rounded it is


@needs_int8_cache
def test_a_step_may_be_taken_again(int8):
    """Rows are addressed by number: what was written later counts for nothing."""
    decoder, fed = start(int8), tokens()
    seen = [decoder.step(index, int(token), None).logits.copy() for index, token in enumerate(fed[:12])]
    again = decoder.step(4, int(fed[4]), None).logits.copy()
    np.testing.assert_array_equal(again, seen[4])


@needs_int8_cache
def test_the_buffers_are_int8(int8):
    assert int8.step.inputs["past_key_0"].dtype == int8.step.outputs["present_value_0"].dtype == np.int8
    assert "key_scale_0" not in int8.step.inputs, "scales are defaults, which nobody feeds"


@pytest.mark.parametrize(
    ("version", "able"),
    [
        ("1.20.1", False), ("1.23.2", False), ("1.26.0", False), ("1.27.0", True), ("1.28.0.dev1", True),
        ("1.31.1", True), ("2.0", True),
    ],
)  # fmt: skip
def test_versions_of_onnxruntime(version, able):
    assert computes_int8_cache(version) is able
