"""Signals against signals: known answers, the order of better and worse, and what can't be judged."""

import numpy as np
import pytest

from build_engines.certify import signals
from build_engines.certify.signals import UnjudgedError
from build_engines.errors import BuildError

RATE = 24_000
SECONDS = 2


def speech_like(seconds=SECONDS, seed=0):
    """Bursts of a harmonic sound with pauses, and some noise: enough for judges of speech."""
    random = np.random.Generator(np.random.Philox(seed))
    time = np.arange(int(seconds * RATE)) / RATE
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * time)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 25))
    loud = np.clip(np.sin(2 * np.pi * 2.5 * time), 0, 1)
    return (0.1 * loud * tone + 1e-3 * random.standard_normal(len(time))).astype(np.float32)


def noisy(sound, level, seed=1):
    random = np.random.Generator(np.random.Philox(seed))
    return (sound + level * sound.std() * random.standard_normal(len(sound))).astype(np.float32)


SOUND = speech_like()


@pytest.mark.parametrize(
    ("judge", "best"),
    [
        (signals.pesq_score, 4.644),
        (signals.stoi_score, 1.0),
        (signals.log_spectral_distance, 0.0),
        (signals.loudness_difference, 0.0),
    ],
)
def test_equal_sounds_are_as_good_as_can_be(judge, best):
    assert judge(SOUND, SOUND.copy(), RATE) == pytest.approx(best, abs=1e-3)


@pytest.mark.parametrize(
    ("judge", "sign"), [(signals.pesq_score, -1), (signals.stoi_score, -1), (signals.log_spectral_distance, 1)]
)
def test_more_noise_is_worse(judge, sign):
    found = [sign * judge(SOUND, noisy(SOUND, level), RATE) for level in (0.001, 0.05, 1.0)]
    assert found == sorted(found)
    assert found[0] != found[-1]


@pytest.mark.parametrize("other", [np.zeros_like(SOUND), np.full_like(SOUND, np.nan)])
def test_silence_and_what_is_no_number_are_at_the_bottom_of_every_scale(other):
    assert signals.pesq_score(SOUND, other, RATE) < 1.5
    assert signals.stoi_score(SOUND, other, RATE) < 0.3
    assert signals.log_spectral_distance(SOUND, other, RATE) > 12
    assert signals.loudness_difference(SOUND, other, RATE) < -20


def test_twice_the_amplitude_is_six_units_louder():
    assert signals.loudness_difference(SOUND, 2 * SOUND, RATE) == pytest.approx(6.02, abs=0.02)


def test_a_spectrum_ten_decibels_up_is_ten_decibels_away():
    hiss = 0.1 * np.random.Generator(np.random.Philox(3)).standard_normal(RATE, np.float32)
    assert signals.log_spectral_distance(hiss, hiss * np.float32(10**0.5), RATE) == pytest.approx(10, abs=0.05)


@pytest.mark.parametrize("judge", [signals.pesq_score, signals.stoi_score, signals.loudness_difference])
def test_too_short_a_sound_can_not_be_judged(judge):
    short = SOUND[: RATE // 5]
    with pytest.raises(UnjudgedError):
        judge(short, short, RATE)


def test_a_silent_float_voice_can_not_be_judged():
    silent = np.zeros_like(SOUND)
    with pytest.raises(UnjudgedError, match="silent"):
        signals.loudness_difference(silent, SOUND, RATE)
    with pytest.raises(UnjudgedError, match="PESQ can't judge the float voice: No utterances detected"):
        signals.pesq_score(silent, SOUND, RATE)


@pytest.mark.parametrize("before", [np.full(RATE, np.inf, np.float32), np.zeros(0, np.float32)])
def test_a_float_voice_without_sound_is_nothing_to_compare_with(before):
    with pytest.raises(BuildError, match="nothing can be compared"):
        signals.log_spectral_distance(before, SOUND, RATE)


def test_kl_by_hand():
    before, after = np.log([[0.5, 0.5], [0.9, 0.1]]), np.log([[0.25, 0.75], [0.9, 0.1]])
    wanted = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    assert signals.kl_divergence(before, after + 7.0) == pytest.approx([wanted, 0.0])


def test_logits_that_are_no_numbers_agree_with_nothing():
    before, after = np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([[0.0, 2.0], [np.nan, 2.0]])
    assert signals.agreement(before, after).tolist() == [True, False]
    assert signals.kl_divergence(before, after)[1] == 99


@pytest.mark.parametrize(("other", "wanted"), [(1.1, 20.0), (1.0, 120.0), (np.nan, 0.0), (0.0, 0.0)])
def test_signal_to_noise_ratio(other, wanted):
    ones = np.ones(8, np.float32)
    assert signals.snr_db(ones, np.float32(other) * ones) == pytest.approx(wanted, abs=1e-3)


def test_signals_of_other_shapes_have_nothing_in_common():
    assert signals.snr_db(np.ones((2, 4)), np.ones((2, 5))) == 0


def test_cosine():
    assert signals.cosine(np.array([1.0, 0.0]), np.array([2.0, 2.0])) == pytest.approx(0.5**0.5)
    assert signals.cosine(np.array([1.0, 0.0]), np.zeros(2)) == 0
    assert signals.cosine(np.array([1.0, 0.0]), np.array([np.nan, 1.0])) == 0
