"""Both resamplers: torchaudio's filter number by number, and soxr's with librosa's lengths."""

import numpy as np
import pytest

from build_engines.enroll import resample as module
from build_engines.enroll.resample import resample, sinc_resample

# What torchaudio.transforms.Resample of 2.11 makes of sin(0.003 n²) / 2, n < 600: rates, length, and the samples
# 0, 1, 57, 200 and the last.
TORCHAUDIO = [
    (24_000, 32_000, 800, [3e-06, 0.000882, -0.358886, -0.499607, 0.523601]),
    (44_100, 32_000, 436, [2.8e-05, 0.002861, -0.165678, 0.492869, 0.236148]),
    (32_000, 16_000, 300, [5.1e-05, 0.006009, 0.479771, 0.000282, 0.018374]),
    (22_050, 32_000, 871, [3e-06, 0.000763, -0.49824, 0.207663, 0.435386]),
    (8_000, 32_000, 2400, [3e-06, 0.000171, 0.286264, 0.46897, 0.219839]),
    (48_000, 32_000, 400, [2.7e-05, 0.003389, 0.030202, -0.070028, 0.022771]),
]


def chirp(count=600):
    steps = np.arange(count)
    return (np.sin(steps * steps * 0.003) * 0.5).astype(np.float32)


@pytest.mark.parametrize(("rate", "target", "length", "samples"), TORCHAUDIO)
def test_as_torchaudio(rate, target, length, samples):
    found = sinc_resample(chirp(), rate, target)
    assert (found.dtype, len(found)) == (np.float32, length)
    assert found[[0, 1, 57, 200, -1]] == pytest.approx(samples, abs=1e-5)


def test_blocks_make_no_difference(monkeypatch):
    whole = sinc_resample(chirp(5000), 44_100, 32_000)
    monkeypatch.setattr(module, "_BLOCK", 7)
    assert np.allclose(sinc_resample(chirp(5000), 44_100, 32_000), whole, atol=1e-6)


@pytest.mark.parametrize("change", [resample, sinc_resample])
def test_the_same_rate_changes_nothing(change):
    sound = chirp()
    assert np.array_equal(change(sound, 32_000, 32_000), sound)


@pytest.mark.parametrize("change", [resample, sinc_resample])
@pytest.mark.parametrize(("rate", "target"), [(24_000, 16_000), (44_100, 16_000), (8_000, 16_000), (22_050, 24_000)])
@pytest.mark.parametrize("count", [4_000, 4_001, 4_007])
def test_lengths_are_rounded_up(change, rate, target, count):
    found = change(chirp(count), rate, target)
    assert len(found) == int(np.ceil(count * target / rate))
    assert found.dtype == np.float32


@pytest.mark.parametrize("change", [resample, sinc_resample])
def test_a_tone_keeps_its_pitch_and_level(change):
    tone = np.sin(2 * np.pi * 1000 * np.arange(24_000) / 24_000).astype(np.float32)
    found = change(tone, 24_000, 32_000)
    wanted = np.sin(2 * np.pi * 1000 * np.arange(32_000) / 32_000)
    assert np.abs(found - wanted)[500:-500].max() < 2e-3
