"""edge_tts.synthesis: whole sentences on a real acoustic decoder; a GPT that can be made to go wrong."""

from dataclasses import replace

import numpy as np
import pytest

from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import SynthesisError
from edge_tts.gpt.recovery import MAX_ATTEMPTS
from edge_tts.graphs import VoiceGraphs, load_graphs
from edge_tts.synthesis import Request, Synthesizer
from tests.runtime.straying import PHONES, SAMPLES_PER_TOKEN, STRAIGHT, Straying, joined, utterance
from tests.tiny_bundle import TOKENS_PER_PHONE


@pytest.fixture(scope="module")
def loaded(tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    return load_graphs(bundle, OnnxEngine()), bundle


@pytest.fixture(scope="module")
def speak(loaded):
    graphs, bundle = loaded

    def run(*utterances, **settings):
        request = Request(utterances, bundle.speaker("ada"), **{"speed": 1.0, "seed": 1, **settings})
        return Synthesizer(graphs, bundle.manifest).speak(request)

    return run


def test_a_sentence_is_as_long_as_its_tokens(speak):
    chunks = list(speak(utterance()))
    assert len(joined(chunks)) == PHONES * TOKENS_PER_PHONE * SAMPLES_PER_TOKEN
    assert {(c.sentence, c.sentences, c.sample_rate) for c in chunks} == {(0, 1, 24000)}
    assert len(chunks) > 2 and all(c.samples.dtype == np.float32 for c in chunks)


def test_a_classic_voice_speaks(classic_bundle):
    bundle = open_bundle(classic_bundle)
    synthesizer = Synthesizer(load_graphs(bundle, OnnxEngine()), bundle.manifest)
    audio = joined(synthesizer.speak(Request([utterance()], bundle.speaker("ada"), 1.0, 1)))
    # Its end comes after the step at position 40; the prompt took the first seven.
    assert len(audio) == (40 - 7 + 1) * SAMPLES_PER_TOKEN


def test_the_seed_decides(speak):
    first, again, other = (joined(speak(utterance(), seed=seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_two_requests_may_take_turns(speak):
    alone = [joined(speak(utterance(), seed=seed)) for seed in (1, 2)]
    turns = [speak(utterance(), seed=seed) for seed in (1, 2)]
    pieces = [[], []]
    for pair in zip(*turns, strict=True):
        for index, chunk in enumerate(pair):
            pieces[index].append(chunk)
    for index in (0, 1):
        np.testing.assert_array_equal(joined(pieces[index]), alone[index])


def test_pauses_between_sentences_but_not_after_the_last(speak):
    chunks = list(speak(utterance(written="One."), utterance(written="cut,"), utterance()))
    silent = [(c.sentence, len(c.samples)) for c in chunks if not c.samples.any()]
    assert silent == [(0, 6000), (1, 1920)]
    assert [c.sentence for c in chunks] == sorted(c.sentence for c in chunks)
    assert {c.sentences for c in chunks} == {3}


def test_equal_sentences_do_not_sound_equal(speak):
    chunks = list(speak(utterance(), utterance()))
    first, second = (joined(c for c in chunks if c.sentence == index and c.samples.any()) for index in (0, 1))
    assert first.shape == second.shape and not np.array_equal(first, second)


def test_speed_changes_the_length_only(speak):
    assert len(joined(speak(utterance(), speed=2.0))) == PHONES * TOKENS_PER_PHONE * SAMPLES_PER_TOKEN // 2


@pytest.fixture
def speak_with(loaded):
    graphs, bundle = loaded

    def run(gpt, **settings):
        synthesizer = Synthesizer(VoiceGraphs(gpt, graphs.acoustic, {}), bundle.manifest)
        request = Request([utterance()], bundle.speaker("ada"), **{"speed": 1.0, "seed": 1, **settings})
        return synthesizer.speak(request)

    return run


def tokens_in(chunks):
    return len(joined(chunks)) / SAMPLES_PER_TOKEN


def test_a_fault_before_any_sound_starts_over(speak_with):
    # The tiny voice's first sound needs seven tokens; an end after six comes before that.
    gpt = Straying(fork=0, fault="early")
    assert tokens_in(speak_with(gpt)) == STRAIGHT
    assert gpt.rewinds == 1 and gpt.steps == 6 + STRAIGHT


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("fork", [4, 11, 20, 33])
def test_a_stall_after_sound_resumes_behind_what_was_heard(speak_with, fork, times):
    gpt, straight = Straying(fork, "stall", times), Straying()
    mended, whole = list(speak_with(gpt)), list(speak_with(straight))
    assert gpt.rewinds == times and gpt.ends(len(gpt.progress) - 1)
    # A suspected stall is not made sound beyond 0.32 s, and nothing is said twice.
    assert STRAIGHT <= tokens_in(mended) <= STRAIGHT + 9
    before = (fork - 3) * SAMPLES_PER_TOKEN - 480  # up to the decoder's context
    if before > 0:
        np.testing.assert_allclose(joined(mended)[:before], joined(whole)[:before], atol=1e-5)


@pytest.mark.parametrize("times", [1, 2, 3])
@pytest.mark.parametrize("fork", [4, 11, 20, 24])
def test_an_early_end_is_drawn_again(speak_with, fork, times):
    gpt = Straying(fork, "early", times)
    assert tokens_in(speak_with(gpt)) == STRAIGHT
    # A retry may not end as early as the one before, so fewer retries than `times` may do.
    assert 1 <= gpt.rewinds <= times


def test_the_best_of_four_early_ends_is_kept(speak_with):
    gpt = Straying(4, "early", times=99)
    assert 10 <= tokens_in(speak_with(gpt)) < STRAIGHT
    assert gpt.rewinds == MAX_ATTEMPTS - 1


def test_four_stalls_are_an_error(speak_with):
    gpt = Straying(4, "stall", times=99)
    with pytest.raises(SynthesisError, match=f"{MAX_ATTEMPTS} attempts .*stall") as caught:
        list(speak_with(gpt))
    assert "\n" not in str(caught.value) and gpt.rewinds == MAX_ATTEMPTS - 1


def test_cancelling_ends_within_one_step(speak_with):
    gpt, stop = Straying(), []
    chunks = speak_with(gpt, stopped=lambda: bool(stop))
    next(chunks)
    steps = gpt.steps
    stop.append(True)
    assert list(chunks) == [] and gpt.steps <= steps + 1


def test_cancelling_before_the_first_chunk(speak):
    assert list(speak(utterance(), stopped=lambda: True)) == []


def test_closing_ends_it(speak_with):
    gpt = Straying()
    chunks = speak_with(gpt)
    next(chunks)
    steps = gpt.steps
    chunks.close()
    assert gpt.steps == steps and list(chunks) == []


def test_nothing_is_drawn_before_it_is_asked_for(speak_with):
    gpt = Straying()
    chunks = speak_with(gpt)
    assert gpt.steps == 0
    next(chunks)
    assert gpt.steps < 2 * 4 + 3


def test_a_voice_that_never_ends_is_cut_in_its_closing_pause(speak_with):
    """All has been said, but the end does not come: no retry, a little of the pause is kept."""

    class Endless(Straying):
        def ends(self, index):
            return False

    gpt = Endless()
    assert STRAIGHT <= tokens_in(speak_with(gpt)) <= STRAIGHT + 16
    assert gpt.rewinds == 0


def test_min_tokens_masks_the_end(loaded):
    graphs, bundle = loaded

    class Hasty(Straying):
        def ends(self, index):
            return True

        def pointer(self, index):
            return self.last // TOKENS_PER_PHONE

    manifest = replace(bundle.manifest, sampling=replace(bundle.manifest.sampling, min_tokens=11))
    synthesizer = Synthesizer(VoiceGraphs(Hasty(), graphs.acoustic, {}), manifest)
    assert tokens_in(synthesizer.speak(Request([utterance()], bundle.speaker("ada"), 1.0, 1))) == 11
