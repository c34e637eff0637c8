"""Kaldi's filter bank: recorded numbers and what must hold of any."""

import numpy as np
import pytest

from build_engines.models.fbank import MEL_BINS, SAMPLE_RATE, fbank, frame_count

# Recorded from the fbank that GPT-SoVITS ships (num_mel_bins 80, 16 kHz, dither 0), of `recording()`: norm, mean,
# and every 97th number of the flattened frames.
GOLDEN_NORM, GOLDEN_MEAN = 285.251, -0.870073
GOLDEN = [
    -1.99204, -2.38708, 0.23198, 2.84123, 2.03393, -5.96159, -3.18199, 0.84015,
    2.01738, 3.78293, -3.53197, -3.74888, 1.37907, 3.09080, 4.78968, -1.04925,
    0.13105, 3.09041, 4.00990, -2.14643, -0.97759, 1.52996, 3.26250, 4.57322,
    -4.70596, -15.94238, -15.94238, -15.94238,
]  # fmt: skip


def recording():
    """Half a second of noise that grows over a hum and an offset, and then silence."""
    count = np.arange(5600)
    noise = np.random.Generator(np.random.Philox(7)).random(5600) - 0.5
    audio = noise * (count + 1500) / 8000 + 0.2 * np.sin(count * 0.03) + 0.1
    audio[4800:] = 0
    return audio.astype(np.float32)


def sine(hertz, amplitude=0.5, offset=0.0):
    return (amplitude * np.sin(np.arange(4000) * 2 * np.pi * hertz / SAMPLE_RATE) + offset).astype(np.float32)


def test_numbers_are_kaldi_s():
    frames = fbank(recording())
    assert frames.shape == (33, 80)
    assert frames.dtype == np.float32
    np.testing.assert_allclose([np.linalg.norm(frames), frames.mean()], [GOLDEN_NORM, GOLDEN_MEAN], rtol=1e-5)
    np.testing.assert_allclose(frames.ravel()[::97], GOLDEN, atol=1e-4)


@pytest.mark.parametrize(
    ("samples", "frames"), [(0, 0), (399, 0), (400, 1), (559, 1), (560, 2), (16_000, 98), (160_000, 998)]
)
def test_frames_lie_wholly_inside(samples, frames):
    assert frame_count(samples) == frames
    assert fbank(np.zeros(samples, np.float32)).shape == (frames, MEL_BINS)


def test_silence_and_an_offset_lie_on_the_floor():
    floor = np.log(np.finfo(np.float32).eps)
    np.testing.assert_allclose(fbank(np.zeros(800, np.float32)), floor, rtol=1e-6)
    np.testing.assert_allclose(fbank(np.full(800, 0.25, np.float32)), floor, rtol=1e-6)


@pytest.mark.parametrize("bin_", [8, 25, 47, 70, 79])
def test_a_sine_has_its_energy_in_its_bin(bin_):
    low, high = (1127 * np.log(1 + hertz / 700) for hertz in (20, 8000))
    centre = 700 * (np.exp((low + (bin_ + 1) * (high - low) / 81) / 1127) - 1)
    frames = fbank(sine(centre))
    assert set(frames.argmax(1)) == {bin_}
    far = np.abs(np.arange(80) - bin_) > 12
    assert frames[:, far].max() < frames[:, bin_].min() - 8


def test_louder_by_a_factor_is_a_sum_in_logs():
    noise = np.random.default_rng(0).standard_normal(1600).astype(np.float32) / 8
    np.testing.assert_allclose(fbank(noise * 2) - fbank(noise), np.log(4), atol=1e-4)


def test_pre_emphasis_lifts_the_treble():
    low, high = fbank(sine(200)).max(), fbank(sine(4000)).max()
    gain = [abs(1 - 0.97 * np.exp(-2j * np.pi * hertz / SAMPLE_RATE)) ** 2 for hertz in (200, 4000)]
    assert high - low == pytest.approx(np.log(gain[1] / gain[0]), abs=2.0)


def test_a_later_start_by_a_hop_is_a_later_frame():
    audio = recording()
    np.testing.assert_allclose(fbank(audio[160:]), fbank(audio)[1:], atol=1e-5)
