"""Speech on given tokens is what the runtime would have said: the same logits, the same sound."""

from dataclasses import replace

import numpy as np
import pytest

from build_engines.forced import ForcedVoice
from edge_tts import Voice
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import ParameterError, TextError
from edge_tts.gpt.sampler import draw
from edge_tts.noise import sampling_noise
from edge_tts.sovits.post import FADE_SECONDS, limit
from tests.tiny_bundle import CONTEXT, FRAMES, SAMPLES, TOKENS_PER_PHONE, V

TEXT = "Two boats."
MOST = 200


@pytest.fixture(scope="module", params=["tiny_bundle", "classic_bundle"])
def folder(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def voice(folder):
    return ForcedVoice(open_bundle(folder), OnnxEngine(), seed=5)


@pytest.fixture(scope="module")
def said(voice):
    (utterance,) = voice.read(TEXT, "bob")
    return utterance, voice.draw(utterance, "bob", 0, MOST)


def test_all_speakers(voice):
    assert voice.speakers == ("ada", "bob")


def test_a_sentence_ends_by_itself(voice, said):
    utterance, drawn = said
    assert drawn.ended
    if drawn.pointers is None:
        assert 30 < len(drawn.tokens) <= 40
    else:
        assert len(drawn.pointers) == len(drawn.tokens) == TOKENS_PER_PHONE * len(utterance.ids)
        assert drawn.pointers[0] == 0
        assert drawn.pointers[-1] == len(utterance.ids) - 1
    assert all(0 <= token < V - 1 for token in drawn.tokens)


def test_the_logits_are_those_that_the_tokens_were_drawn_from(voice, said):
    """Sampled once more with the same noise, they give every token and the end again."""
    utterance, drawn = said
    logits = voice.logits(utterance, "bob", drawn)
    assert logits.shape == (len(drawn.tokens) + 1, V)
    manifest = voice.manifest
    prompt = [int(token) for token in voice.bundle.speaker("bob").prompt_semantic]
    for index, row in enumerate(logits):
        before = prompt + list(drawn.tokens[:index])
        noise = sampling_noise(5, 0, 0, index, V)
        masked = index < manifest.sampling.min_tokens
        noise = noise[: len(row) - 1] if masked and len(noise) < len(row) else noise
        made = draw(row, before, noise, manifest.sampling, manifest.gpt.eos, masked)
        if index < len(drawn.tokens):
            assert (made.token, made.ends) == (drawn.tokens[index], False)
        else:
            assert made.ends


def test_logits_depend_on_the_tokens_before_only(voice, said):
    utterance, drawn = said
    other = replace(drawn, tokens=(*drawn.tokens[:10], (drawn.tokens[10] + 1) % (V - 1), *drawn.tokens[11:]))
    one, two = voice.logits(utterance, "bob", drawn), voice.logits(utterance, "bob", other)
    np.testing.assert_array_equal(one[:11], two[:11])
    assert np.abs(one[11] - two[11]).max() > 1e-3


def test_the_sound_is_the_runtimes(folder, voice, said):
    """Up to its fades and its limiter."""
    utterance, drawn = said
    z = voice.latents(utterance, "bob", drawn, 0)
    assert z.shape[1] == len(drawn.tokens) * FRAMES
    made = limit(voice.sound(z, "bob", 0))
    assert made.shape == (len(drawn.tokens) * FRAMES * SAMPLES,)
    chunks = list(Voice.load(folder).synthesize(TEXT, speaker="bob", seed=5))
    spoken = np.concatenate([chunk.samples for chunk in chunks])
    assert spoken.shape == made.shape
    fade = round(FADE_SECONDS * voice.manifest.sample_rate)
    np.testing.assert_allclose(made[fade:-fade], spoken[fade:-fade], atol=1e-4)
    assert np.abs(made).max() > 0.05


def test_the_number_of_a_sentence_decides_its_noise(voice, said):
    utterance, drawn = said
    assert voice.draw(utterance, "bob", 0, MOST) == drawn
    assert voice.draw(utterance, "bob", 1, MOST) != drawn


def test_no_more_tokens_than_wanted(voice, said):
    utterance, drawn = said
    few = voice.draw(utterance, "bob", 0, 7)
    assert few.tokens == drawn.tokens[:7]
    assert not few.ended
    assert few.pointers is None or few.pointers == drawn.pointers[:7]
    assert voice.logits(utterance, "bob", few).shape == (8, V)


def test_tokens_end_where_the_context_does(classic_bundle):
    """A voice that never ends, asked for more than there is room for: every token has its row in the cache."""

    class Endless:
        """An engine whose step never gives the end."""

        def load(self, name, model):
            graph = OnnxEngine().load(name, model)
            return _Endless(graph) if name == "gpt_step" else graph

    class _Endless:
        def __init__(self, graph):
            self.graph, self.inputs, self.outputs = graph, graph.inputs, graph.outputs

        def bind(self, inputs, outputs, states):
            binding = self.graph.bind(inputs, outputs, states)

            class Silenced:
                def run(self):
                    binding.run()
                    outputs["logits"][0, -1] = -50

                def rebind(self, states):
                    binding.rebind(states)

            return Silenced()

    voice = ForcedVoice(open_bundle(classic_bundle), Endless())
    (utterance,) = voice.read(TEXT, "ada")
    drawn = voice.draw(utterance, "ada", 0, 10 * CONTEXT)
    tokens = voice.bundle.speaker("ada")
    held = len(tokens.prompt_phones) + len(tokens.prompt_semantic) + len(utterance.ids)
    assert not drawn.ended
    assert len(drawn.tokens) == CONTEXT - held
    assert np.isfinite(voice.logits(utterance, "ada", drawn)).all()


def test_too_long_a_sentence(voice):
    (utterance,) = voice.read(TEXT, "ada")
    long = replace(utterance, ids=np.tile(utterance.ids, 60), pauses=utterance.pauses * 60, segments=())
    with pytest.raises(TextError, match="too long for this voice"):
        voice.draw(long, "ada", 0, MOST)


def test_texts_are_refused_as_the_runtime_does(voice):
    with pytest.raises(ParameterError, match="does not speak"):
        voice.read(TEXT, "ada", "ko")
