"""Clipping, bandwidth and lengths."""

from pathlib import Path

import numpy as np
import pytest
import soxr

from build_engines.enroll.audio import Recording, read_recording
from build_engines.enroll.measures import bandwidth_hz, find_clipping, measure
from build_engines.enroll.segments import without_rumble
from tests.build.enroll.sounds import clean, speech, write

RATE = 24_000


def recording(sound, rate=RATE, frames=None):
    power = float(np.mean(sound.astype(np.float64) ** 2))
    return Recording(Path("a.wav"), sound, rate, 1, power, 0, 16, "WAV PCM_16", frames or len(sound), "0" * 64)


@pytest.mark.parametrize("level", [0.05, 0.3, 0.999])
def test_nothing_is_clipped(level):
    sound = clean()
    found = find_clipping(sound / np.abs(sound).max() * np.float32(level))
    assert (found.share, found.longest, found.runs) == (0, 0, ())


def test_a_tone_is_not_clipped():
    for hz in (80, 120, 440, 997, 3000):
        assert find_clipping(np.sin(np.arange(RATE) * 2 * np.pi * hz / RATE).astype(np.float32) * 0.99).share == 0


@pytest.mark.parametrize("turned_down", [1.0, 0.4])
def test_clipped_places(turned_down):
    sound = np.full(1000, 0.1, np.float32)
    sound[100:110] = 0.8
    sound[200:205] = -0.8
    sound[300:302] = 0.8  # too short to be told from a peak
    found = find_clipping(sound * np.float32(turned_down))
    assert found.runs == ((100, 110), (200, 205))
    assert found.share == pytest.approx(0.015)
    assert found.longest == 10


def test_more_drive_clips_more():
    sound = speech()
    shares = [find_clipping(np.clip(sound * gain, -1, 1)).share for gain in (1, 4, 8, 16)]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert shares[-1] > 0.05


def test_full_scale_counts_where_the_peak_is_higher():
    sound = np.full(1000, 0.1, np.float32)
    sound[100:110] = 1.0
    sound[500] = 1.2
    assert find_clipping(sound).runs == ((100, 110),)


def test_silence_is_not_clipped():
    assert find_clipping(np.zeros(1000, np.float32)).share == 0


@pytest.mark.parametrize(("through", "edge"), [(8_000, 4_000), (11_025, 5_512), (16_000, 8_000), (None, 12_000)])
def test_bandwidth(through, edge):
    sound = clean(3.0, snr_db=50)
    if through is not None:
        sound = soxr.resample(soxr.resample(sound, RATE, through), through, RATE)
    sound = np.round(sound * 32_768) / 32_768
    assert bandwidth_hz(without_rumble(sound.astype(np.float32), RATE), RATE) == pytest.approx(edge, rel=0.06)


def test_bandwidth_of_next_to_nothing():
    assert bandwidth_hz(np.zeros(10), RATE) == 12_000


@pytest.mark.parametrize(
    ("frames", "rate", "counted"),
    [(48_000, 16_000, 48_000), (132_299, 44_100, 48_000), (132_300, 44_100, 48_000), (132_301, 44_100, 48_001),
     (441_000, 44_100, 160_000), (441_001, 44_100, 160_001), (71_998, 24_000, 47_999)],
)  # fmt: skip
def test_length_is_counted_as_gpt_sovits_counts(frames, rate, counted):
    assert measure(recording(np.zeros(rate, np.float32), rate, frames)).samples_16k == counted


def test_a_whole_recording(tmp_path):
    sound = speech(4.0, pauses=((0.0, 0.15), (0.75, 1.0))) + np.float32(0.02)
    m = measure(read_recording(write(tmp_path / "a.wav", sound)))
    assert m.seconds == 4.0
    assert m.leading_seconds == pytest.approx(0.6, abs=0.05)
    assert m.trailing_seconds == pytest.approx(1.0, abs=0.05)
    assert m.speech_seconds == pytest.approx(2.4, abs=0.1)
    assert m.offset == pytest.approx(0.02, abs=5e-3)
    assert m.peak == pytest.approx(float(np.abs(sound).max()), abs=1e-3)
    assert m.cancelled_db == pytest.approx(0, abs=0.01)


def test_channels_that_cancel(tmp_path):
    sound = clean()
    pair = np.stack([sound, -0.9 * sound], 1)
    assert measure(read_recording(write(tmp_path / "a.wav", pair))).cancelled_db > 20
