"""Pauses are found where they are, and the noise in them is measured."""

from itertools import pairwise

import numpy as np
import pytest
import soundfile

from build_engines.enroll.segments import detect, frame_levels, measure_noise, without_rumble
from tests.build.enroll.sounds import clean, noise, speech

RATE = 24_000


def listen(sound, rate=RATE):
    activity = detect(frame_levels(without_rumble(sound, rate), rate))
    return activity, measure_noise(activity)


def test_levels():
    square = np.tile([0.5, -0.5], RATE // 2)
    assert frame_levels(square, RATE) == pytest.approx(np.full(100, -6.02), abs=0.01)
    assert frame_levels(np.zeros(RATE + 5), RATE) == pytest.approx(np.full(100, -120.0))


def test_rumble_is_not_heard():
    time = np.arange(RATE) / RATE
    voice = np.sin(2 * np.pi * 120 * time).astype(np.float32)
    heard = without_rumble(voice + np.float32(0.3) + 0.5 * np.sin(2 * np.pi * 10 * time).astype(np.float32), RATE)
    assert np.abs(heard - voice)[4000:-4000].max() < 1e-3
    hum = np.sin(2 * np.pi * 50 * time).astype(np.float32)
    assert without_rumble(hum, RATE)[4000:-4000] == pytest.approx(hum[4000:-4000], abs=1e-3)


def test_pauses_are_where_they_are():
    sound = speech(5.0, pauses=((0.0, 0.1), (0.5, 0.6), (0.9, 1.0)))
    activity, _ = listen(sound + noise(sound, 40))
    begins, ends = zip(*activity.segments, strict=True)
    assert len(begins) == 2
    assert begins == pytest.approx((0.5, 3.0), abs=0.05)
    assert ends == pytest.approx((2.5, 4.5), abs=0.05)


@pytest.mark.parametrize("snr_db", [8, 12, 15, 20, 30, 40, 50])
@pytest.mark.parametrize("seed", [0, 1])
def test_known_noise(snr_db, seed):
    sound = speech(5.0, seed=seed)
    _, found = listen(sound + noise(sound, snr_db, seed=seed + 10))
    assert found.from_pauses
    assert found.snr_db == pytest.approx(snr_db, abs=1.5)
    assert found.noise_db == pytest.approx(-20 - snr_db, abs=1.0)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_any_rate(rate):
    sound = speech(4.0, rate)
    _, found = listen(sound + noise(sound, 25), rate)
    assert found.snr_db == pytest.approx(25, abs=1.5)


def test_padding_is_no_silence_to_measure():
    sound = speech(4.0)
    noisy = sound + noise(sound, 18)
    _, found = listen(np.concatenate([np.zeros(RATE, np.float32), noisy, np.zeros(RATE, np.float32)]))
    assert found.snr_db == pytest.approx(18, abs=1.5)


def test_breaths_are_no_noise():
    sound = clean(6.0, snr_db=45)
    breath = noise(sound, 18, seed=9)
    breath[: round(0.01 * len(sound))] = breath[round(0.04 * len(sound)) : round(0.47 * len(sound))] = 0
    breath[round(0.5 * len(sound)) :] = 0
    _, found = listen(sound + breath)
    assert found.snr_db > 40


@pytest.mark.parametrize("snr_db", [20, 30])
def test_without_a_pause_it_is_said(snr_db):
    closures = tuple((at, at + 0.012) for at in np.arange(0.05, 0.95, 0.13))
    sound = speech(4.0, pauses=closures)
    activity, found = listen(sound + noise(sound, snr_db))
    assert max(b[0] - a[1] for a, b in pairwise(activity.segments)) < 0.2
    assert not found.from_pauses
    assert found.snr_db == pytest.approx(snr_db, abs=2.5)


def test_weak_speech_is_no_noise():
    """A clip cut tightly out of fluent speech must not be refused for what is spoken softly in it."""
    time = np.arange(4 * RATE) / RATE
    sound = speech(4.0, pauses=()) * (10 ** (-1.5 * np.sin(2 * np.pi * 0.9 * time) ** 8)).astype(np.float32)
    _, found = listen(sound + noise(sound, 50))
    assert found.snr_db > 25


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(RATE * 2, np.float32),
        np.full(RATE * 2, 0.3, np.float32),
        noise(np.zeros(RATE * 2), 20),
        np.sin(np.arange(RATE * 2) * 0.1).astype(np.float32),
    ],
    ids=["zeros", "offset", "hiss", "tone"],
)
def test_nobody_speaks(sound):
    activity, found = listen(sound)
    assert activity.segments == ()
    assert found is None


def test_a_click_is_no_speech():
    sound = noise(np.zeros(RATE * 3), 30)
    sound[RATE : RATE + 40] = 0.9
    activity, _ = listen(sound)
    assert sum(end - start for start, end in activity.segments) < 0.1


def test_shorter_than_a_frame():
    activity, found = listen(np.zeros(10, np.float32))
    assert (len(activity.levels), found) == (0, None)


def test_noise_on_real_recordings(reference):
    """White noise at known distances on recordings that are quiet themselves."""
    errors = []
    for path in sorted((reference.parent / "data" / "ljspeech_en_female" / "audio").glob("*.flac"))[::18]:
        sound, rate = soundfile.read(path, dtype="float32", frames=10 * 22_050)
        _, own = listen(sound, rate)
        for snr_db in (12, 18, 25, 32):
            _, found = listen(sound + noise(sound, snr_db, own.speech_db), rate)
            both = 10 * np.log10(10 ** (own.noise_db / 10) + 10 ** ((own.speech_db - snr_db) / 10))
            errors.append(found.snr_db - (own.speech_db - both))
    if not errors:
        pytest.skip("no recordings on this machine")
    assert np.abs(errors).max() < 2.5
    assert np.abs(np.mean(errors)) < 1.0
