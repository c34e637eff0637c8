"""edge_tts.sovits: what streams out equals the whole utterance."""

import numpy as np
import pytest

from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import VoiceNotFoundError
from edge_tts.graphs import load_graphs
from edge_tts.sovits.post import CLAUSE_PAUSE_SECONDS, SENTENCE_PAUSE_SECONDS, Fader, limit, pause_seconds
from edge_tts.sovits.schedule import WINDOW_TOKENS, next_window
from edge_tts.sovits.speed import TimeStretch
from edge_tts.sovits.stream import AcousticStream
from edge_tts.voice import Voice
from tests.runtime.seams import WHOLE, decibels, sentence_of, signal_to_difference_db, stream

TOKENS, PHONES = 83, 40


@pytest.fixture(scope="module")
def acoustic(tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    return load_graphs(bundle, OnnxEngine()).acoustic, bundle.speaker("ada")


@pytest.fixture(scope="module")
def spoken():
    random = np.random.Generator(np.random.Philox(5))
    phones = random.integers(0, 700, PHONES)
    align = np.minimum(np.arange(TOKENS) // 2, PHONES - 1)
    return random.integers(0, 64, TOKENS).tolist(), align.tolist(), phones


@pytest.mark.parametrize("speed", [1.0, 0.5, 0.83, 1.31, 2.0])
@pytest.mark.parametrize(("sizes", "step"), [(WINDOW_TOKENS, 1), ((1,), 1), ((3,), 2), ((7, 2), 5), ((16,), 83)])
def test_windows_are_inaudible(acoustic, spoken, sizes, step, speed):
    whole = stream(acoustic, spoken, WHOLE, speed=speed)
    pieces = stream(acoustic, spoken, sizes, step, speed)
    assert len(whole) == 1 and len(pieces) > 1
    joined = np.concatenate(pieces)
    assert joined.shape == whole[0].shape
    assert signal_to_difference_db(whole[0], joined) >= 60


@pytest.fixture(scope="module")
def whole_acoustic(classic_bundle):
    """A voice whose latents need all tokens."""
    bundle = open_bundle(classic_bundle)
    return load_graphs(bundle, OnnxEngine()).acoustic, bundle.speaker("ada")


@pytest.mark.parametrize("speed", [1.0, 0.8, 1.25])
@pytest.mark.parametrize(("sizes", "step"), [(WINDOW_TOKENS, 1), ((1,), 1), ((7, 2), 5)])
def test_windows_over_whole_latents_are_inaudible(whole_acoustic, spoken, sizes, step, speed):
    tokens, _, phones = spoken
    whole = stream(whole_acoustic, (tokens, tokens, phones), WHOLE, speed=speed)
    pieces = stream(whole_acoustic, (tokens, tokens, phones), sizes, step, speed)
    joined = np.concatenate(pieces)
    frames = 4 * TOKENS if speed == 1.0 else int(4 * TOKENS / speed) + 1
    assert joined.shape == whole[0].shape == (frames * 240,)
    assert len(pieces) > 1 and signal_to_difference_db(whole[0], joined) >= 60


def test_windows_of_every_size_are_inaudible(acoustic, whole_acoustic, spoken):
    tokens, align, phones = spoken
    for voice, lines in ((acoustic, align), (whole_acoustic, None)):
        found = decibels(voice, (tokens, lines, phones), range(1, TOKENS + 1))
        assert min(found.values()) >= 60, found


def test_the_default_voice_s_windows_of_every_size_are_inaudible():
    try:
        voice = Voice.load("default", engine="onnx")
    except VoiceNotFoundError:
        pytest.skip("the default voice is not installed")
    acoustic, spoken = sentence_of(voice, "The kettle has just boiled.")
    assert len(spoken[0]) > 30
    found = decibels(acoustic, spoken, range(1, len(spoken[0]) + 1))
    assert min(found.values()) >= 60, found


def test_whole_latents_wait_for_the_last_token(whole_acoustic, spoken):
    graphs, speaker = whole_acoustic
    tokens, _, phones = spoken
    streaming = AcousticStream(graphs, phones, speaker, 3, 1)
    assert not list(streaming.advance(tokens, None, final=False))
    assert streaming.committed == 0
    assert list(streaming.advance(tokens, None, final=True))
    assert streaming.committed == TOKENS


def test_the_noise_of_the_latents_is_scaled(whole_acoustic, spoken):
    from dataclasses import replace

    graphs, speaker = whole_acoustic
    silent = replace(graphs, spec=replace(graphs.spec, noise_scale=0.0))
    seeds = [np.concatenate(stream((silent, speaker), spoken, WHOLE, seed=seed)) for seed in (3, 4)]
    np.testing.assert_array_equal(*seeds)
    assert not np.array_equal(seeds[0], stream(whole_acoustic, spoken, WHOLE)[0])


def test_a_missing_context_would_be_seen(acoustic, spoken):
    """The measure can fail: with less context than the receptive field the windows are heard."""
    from dataclasses import replace

    graphs, speaker = acoustic
    short = replace(graphs, spec=replace(graphs.spec, latent_context_tokens=1))
    whole = stream(acoustic, spoken, WHOLE)[0]
    assert signal_to_difference_db(whole, np.concatenate(stream((short, speaker), spoken, (4,)))) < 60


def test_length_follows_the_speed(acoustic, spoken):
    for speed in (0.5, 0.83, 1.0, 1.31, 2.0):
        frames = int(np.ceil(TOKENS * 4 / speed))
        assert sum(map(len, stream(acoustic, spoken, WINDOW_TOKENS, speed=speed))) == frames * 240


def test_the_seed_reaches_the_noise(acoustic, spoken):
    first, second = (np.concatenate(stream(acoustic, spoken, WINDOW_TOKENS, seed=seed)) for seed in (3, 4))
    assert first.shape == second.shape and not np.array_equal(first, second)


def test_first_sound_needs_few_tokens(acoustic, spoken):
    graphs, speaker = acoustic
    tokens, align, phones = spoken
    streaming = AcousticStream(graphs, phones, speaker, 3, 1)
    needed = WINDOW_TOKENS[0] + graphs.spec.latent_context_tokens
    assert not list(streaming.advance(tokens[: needed - 1], align[: needed - 1], final=False))
    assert streaming.committed == 0
    assert list(streaming.advance(tokens[:needed], align[:needed], final=False))
    assert streaming.committed == WINDOW_TOKENS[0]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_very_short_utterances(acoustic, spoken, count):
    graphs, speaker = acoustic
    tokens, align, phones = spoken
    streaming = AcousticStream(graphs, phones, speaker, 3, 1)
    pieces = list(streaming.advance(tokens[:count], align[:count], final=True))
    assert sum(map(len, pieces)) == count * 960
    assert abs(pieces[0][0]) < 0.01 and abs(pieces[-1][-1]) < 0.01


@pytest.mark.parametrize(
    ("index", "done", "available", "final", "expected"),
    [
        (0, 0, 15, False, 0),
        (0, 0, 16, False, 4),
        (1, 4, 23, False, 0),
        (1, 4, 24, False, 8),
        (9, 100, 160, False, 48),
        (0, 0, 6, True, 6),
        (0, 0, 7, True, 4),
        (9, 100, 172, True, 72),
        (9, 100, 173, True, 48),
        (2, 30, 30, True, 0),
    ],
)
def test_schedule(index, done, available, final, expected):
    assert next_window(index, done, available, 12, final) == expected


@pytest.mark.parametrize("speed", [0.5, 0.9, 1.1, 2.0])
def test_stretch_interpolates(speed):
    frames = np.arange(20, dtype=np.float32)[None] ** 2
    stretch = TimeStretch(speed)
    parts = [stretch.push(frames[:, i : i + 3], final=i == 18) for i in range(0, 20, 3)]
    positions = np.minimum(np.arange(np.ceil(20 / speed)) * speed, 19)
    expected = np.interp(positions, np.arange(20), frames[0])
    np.testing.assert_allclose(np.concatenate(parts, axis=1)[0], expected, rtol=1e-5)


def test_limit_bends_only_peaks_and_never_passes_one():
    samples = np.linspace(-3, 3, 6001).astype(np.float32)
    limited = limit(samples)
    quiet = np.abs(samples) <= 0.85
    np.testing.assert_array_equal(limited[quiet], samples[quiet])
    assert np.abs(limited).max() <= 1.0
    assert (np.diff(limited) >= 0).all()
    assert np.diff(limited).max() <= np.diff(samples).max() * 1.01


def test_limit_is_the_same_for_any_cut():
    samples = np.sin(np.arange(1000)).astype(np.float32) * 1.5
    np.testing.assert_array_equal(np.concatenate([limit(samples[:333]), limit(samples[333:])]), limit(samples))


def test_fades_at_both_ends_over_any_pieces():
    fader = Fader(1000)  # 5 samples
    pieces = [fader.apply(np.ones(count, np.float32), final) for count, final in ((2, False), (6, False), (7, True))]
    expected = [0.1, 0.3, 0.5, 0.7, 0.9, 1, 1, 1, 1, 1, 0.9, 0.7, 0.5, 0.3, 0.1]
    np.testing.assert_allclose(np.concatenate(pieces), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("One.", SENTENCE_PAUSE_SECONDS),
        ("“Two!” ", SENTENCE_PAUSE_SECONDS),
        ("(Three…)", SENTENCE_PAUSE_SECONDS),
        ("四。", SENTENCE_PAUSE_SECONDS),
        ("「五！」", SENTENCE_PAUSE_SECONDS),
        ("六，", CLAUSE_PAUSE_SECONDS),
        ("four,", CLAUSE_PAUSE_SECONDS),
        ("five", CLAUSE_PAUSE_SECONDS),
        ("", CLAUSE_PAUSE_SECONDS),
    ],
)
def test_pauses(written, seconds):
    assert pause_seconds(written) == seconds
