"""Free speech in the gate is the runtime's own, and what the guard mends is seen."""

import numpy as np

from build_engines.certify.free import FreeVoice
from edge_tts import Voice
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from tests.build.certify.conftest import make_int8

TEXT = "A sentence that is neither long nor short."


def test_it_is_what_a_voice_says(float_bundle):
    sound, spoken = FreeVoice(open_bundle(float_bundle), OnnxEngine()).speak(TEXT, "ada", 7)
    voice = Voice.load(float_bundle)
    wanted = np.concatenate([chunk.samples for chunk in voice.synthesize(TEXT, speaker="ada", seed=7)])
    np.testing.assert_array_equal(sound, wanted)
    assert spoken.seconds == len(wanted) / voice.sample_rate
    assert (spoken.fault, spoken.redrawn, spoken.failed) == (None, 0, False)


def test_sentences_that_the_guard_mends_are_named(float_bundle, tmp_path):
    endless = make_int8(float_bundle, tmp_path / "endless", 0.0, ("gpt_step",), now=[[0.0] * 64 + [-50.0]])
    _, spoken = FreeVoice(open_bundle(endless), OnnxEngine()).speak(TEXT, "ada", 1)
    assert spoken.fault == "stall"
    assert spoken.redrawn > 10


def test_the_warm_up_does_not_count(float_bundle):
    voice = FreeVoice(open_bundle(float_bundle), OnnxEngine())
    voice.warm_up(TEXT, "ada")
    assert voice.seconds == 0
    assert not voice.times.seconds
    _, spoken = voice.speak(TEXT, "ada", 1)
    assert voice.seconds == spoken.seconds > 0
    assert {"prefill", "decode", "latents", "vocoder"} <= set(voice.times.seconds)
