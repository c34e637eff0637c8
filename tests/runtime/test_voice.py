"""edge_tts.voice: the public surface."""

import threading

import numpy as np
import pytest

from edge_tts import AudioChunk, SpeakerInfo, Voice
from edge_tts.bundle import locate, search_path
from edge_tts.errors import (
    BundleError,
    ParameterError,
    SpeakerNotFoundError,
    TextError,
    VoiceNotFoundError,
)

TEXT = "Hello there. How are you today?"


@pytest.fixture(scope="module")
def voice(tiny_bundle):
    return Voice.load(tiny_bundle)


def joined(chunks):
    return np.concatenate([chunk.samples for chunk in chunks])


def test_what_a_voice_says_of_itself(voice):
    assert (voice.name, voice.sample_rate, voice.default_speaker) == ("tiny", 24000, "ada")
    assert voice.speakers["bob"] == SpeakerInfo("bob", "en", "bob, random")
    assert len(voice.bundle_id) == 64


def test_a_voice_is_found_by_name(tiny_bundle, monkeypatch):
    monkeypatch.setenv("EDGETTS_VOICES", str(tiny_bundle.parent))
    assert Voice.load("tiny").name == "tiny"


def test_an_unknown_voice():
    with pytest.raises(VoiceNotFoundError, match="no voice is called 'nobody'"):
        Voice.load("nobody")


def test_a_damaged_bundle(bundle_copy):
    (bundle_copy / "speakers/bob.safetensors").write_bytes(b"")
    with pytest.raises(BundleError, match="bob"):
        Voice.load(bundle_copy)


def test_chunks(voice):
    chunks = list(voice.synthesize(TEXT, seed=1))
    assert all(isinstance(chunk, AudioChunk) and chunk.samples.dtype == np.float32 for chunk in chunks)
    assert all(np.abs(chunk.samples).max() <= 1 for chunk in chunks)
    assert [c.sentence for c in chunks] == sorted(c.sentence for c in chunks)
    assert {c.sentences for c in chunks} == {2} and {c.sample_rate for c in chunks} == {24000}


def test_seed_speaker_and_speed_matter(voice):
    first = joined(voice.synthesize(TEXT, seed=1))
    np.testing.assert_array_equal(first, joined(voice.synthesize(TEXT, seed=1, speaker="ada", speed=1)))
    for other in ({"seed": 2}, {"seed": 1, "speaker": "bob"}, {"seed": 1, "speed": 1.5}, {}, {"seed": (1 << 64) - 1}):
        audio = joined(voice.synthesize(TEXT, **other))
        assert len(audio) != len(first) or not np.array_equal(audio, first)


@pytest.mark.parametrize("text", ["", " \n\t ", "\u200b"])
def test_nothing_to_speak_is_refused_at_the_call(voice, text):
    with pytest.raises(TextError):
        voice.synthesize(text)


@pytest.mark.parametrize("speed", [0.49, 2.01, 0, -1, float("nan"), float("inf"), "1", None, True])
def test_wrong_speeds_are_refused_at_the_call(voice, speed):
    with pytest.raises(ParameterError, match="speed"):
        voice.synthesize(TEXT, speed=speed)


@pytest.mark.parametrize("seed", [-1, 1 << 64, 1.5, "1", True])
def test_wrong_seeds_are_refused_at_the_call(voice, seed):
    with pytest.raises(ParameterError, match="seed"):
        voice.synthesize(TEXT, seed=seed)


@pytest.mark.parametrize("speaker", ["eve", "", 3])
def test_unknown_speakers_are_refused_at_the_call(voice, speaker):
    with pytest.raises(SpeakerNotFoundError, match="ada, bob"):
        voice.synthesize(TEXT, speaker=speaker)


def test_cancel(voice):
    cancel = threading.Event()
    chunks = voice.synthesize(TEXT, seed=1, cancel=cancel)
    next(chunks)
    cancel.set()
    assert list(chunks) == []


def test_threads_may_share_a_voice(voice):
    alone = joined(voice.synthesize(TEXT, seed=1))
    results = [None] * 3

    def speak(index):
        results[index] = joined(voice.synthesize(TEXT, seed=1))

    threads = [threading.Thread(target=speak, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        np.testing.assert_array_equal(result, alone)


@pytest.fixture(scope="module")
def default_voice(tmp_path_factory):
    try:
        locate("default", search_path({}, tmp_path_factory.mktemp("home")))
    except VoiceNotFoundError:
        pytest.skip("the default voice is not installed")
    return Voice.load("default")


def test_the_default_voice_streams_what_it_would_say_as_a_whole(default_voice, monkeypatch):
    text = "The small brown bird sat on the fence and sang until the sun went down."
    streamed = list(default_voice.synthesize(text, seed=1))
    monkeypatch.setattr("edge_tts.synthesis.WINDOW_TOKENS", (100_000,))
    whole = list(default_voice.synthesize(text, seed=1))
    assert len(streamed) > 2 and len(whole) == 1
    signal, difference = joined(whole), joined(streamed) - joined(whole)
    assert 10 * np.log10((signal**2).sum() / max((difference**2).sum(), 1e-30)) >= 60


def test_the_default_voice_says_each_sentence_to_its_end(default_voice):
    for speaker in default_voice.speakers:
        for seed in range(3):
            audio = joined(
                default_voice.synthesize("Please close the window before you leave.", speaker=speaker, seed=seed)
            )
            assert 1.2 < len(audio) / default_voice.sample_rate < 5
            assert 0.005 < np.sqrt((audio**2).mean()) < 0.5
