"""The default voice's TensorRT graphs on ONNX Runtime: the same speech as its CPU graphs, row by row into one cache."""

from pathlib import Path

import numpy as np
import pytest

import edge_tts
from build_engines.certify.bars import BARS, TENSORRT, TENSORRT_BARS
from build_engines.forced import ForcedVoice
from build_engines.quantize.measure import snr_db
from build_engines.tensorrt.emulated import emulated
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine

VOICE = Path(edge_tts.__file__).parent / "voices" / "default"


@pytest.fixture(scope="module")
def spoken():
    """Both voices, a sentence, and its tokens."""
    bundle = open_bundle(VOICE)
    plain = ForcedVoice(bundle, OnnxEngine())
    other = ForcedVoice(bundle, OnnxEngine(), accelerated=emulated(bundle))
    utterance = plain.read("Hello there.", "clara")[0]
    return plain, other, utterance, plain.draw(utterance, "clara", 0, 40)


def test_every_step_sees_the_rows_before_it(spoken):
    plain, other, utterance, drawn = spoken
    expected, made = (voice.logits(utterance, "clara", drawn) for voice in (plain, other))
    assert len(drawn.tokens) > 10
    # A row that was not written, or in another place, would leave nothing of the last steps.
    assert snr_db([expected[-3:]], [made[-3:]]) > 25
    assert snr_db([expected], [made]) > 25


def test_the_latents_are_the_same_speech(spoken):
    plain, other, utterance, drawn = spoken
    expected, made = (voice.latents(utterance, "clara", drawn, 0) for voice in (plain, other))
    assert snr_db([expected], [made]) > 25
    assert not np.array_equal(expected, made)


def test_a_bundle_without_such_graphs_has_none(tiny_bundle):
    assert emulated(open_bundle(tiny_bundle)) == {}


def test_its_bars_are_those_of_the_same_tokens():
    forced = [bar for bar in BARS if f"{TENSORRT}{bar.key}" in {one.key for one in TENSORRT_BARS}]
    assert [bar.key for bar in forced][:2] == ["token_agreement", "kl_nats"]
    assert {"pesq", "stoi", "speaker_cosine"} <= {bar.key for bar in forced}
    assert not {"sentences", "loops", "wer_points"} & {bar.key for bar in forced}
    assert [(bar.low, bar.high) for bar in forced] == [(bar.low, bar.high) for bar in TENSORRT_BARS]
