import numpy as np
import pytest
import torch

from build_engines.models.decoder import Decoder, DecoderConfig, pulse_train
from tests.build.conftest import DECODER_CONFIG

RATE = 24_000


@pytest.mark.parametrize("f0_hz", [73.0, 110.0, 210.0, 415.0])
def test_pulses_are_all_harmonics_below_nyquist_with_unit_power(f0_hz):
    time = torch.arange(RATE, dtype=torch.float64) / RATE  # one second: bins of 1 Hz
    audio = pulse_train(time * f0_hz % 1, torch.full_like(time, f0_hz), RATE)
    assert float((audio**2).mean()) == pytest.approx(1, abs=1e-3)
    amplitude = np.abs(np.fft.rfft(audio.numpy())) * 2 / RATE
    harmonics = np.arange(1, int(RATE / 2 / f0_hz) + 1) * int(f0_hz)
    np.testing.assert_allclose(amplitude[harmonics], np.sqrt(2 / len(harmonics)), rtol=1e-4)
    amplitude[harmonics] = 0
    assert amplitude.max() < 1e-4, "energy between the harmonics would be folded from above Nyquist"


def test_pulses_are_finite_at_the_peak():
    audio = pulse_train(torch.tensor([[0.0, 1e-7, 1 - 1e-7]]), torch.full((1, 3), 100.0), RATE)
    torch.testing.assert_close(audio, torch.full((1, 3), 240 * np.sqrt(0.5 / 120)), rtol=1e-3, atol=0)


def test_f0_is_linear_between_frames():
    vocoder = Decoder(DECODER_CONFIG).vocoder
    f0 = vocoder.sample_f0(torch.tensor([[100.0, 200.0, 200.0]]))
    assert f0.shape == (1, 480)
    assert f0[0, :2].tolist() == pytest.approx([100, 100 + 100 / 240])
    assert (f0[0, 240:] == 200).all()


def test_defaults_of_the_context():
    assert DecoderConfig().latent_context_tokens == 12
    assert DecoderConfig(blocks=(1, 2, 1)).latent_context_tokens == 6


def test_training_shapes_and_gradients():
    decoder = Decoder(DECODER_CONFIG)
    codes, phones = torch.randint(0, 1024, (2, 5)), torch.randint(0, 732, (2, 4))
    ge = torch.randn(2, DECODER_CONFIG.ge_dim)
    z = decoder.latents(codes, phones, torch.tensor([[0, 1, 2, 3, -1]] * 2), ge)
    assert z.shape == (2, 20, DECODER_CONFIG.dim)
    f0 = torch.full((2, 21), 120.0)
    audio, log_f0, voiced = decoder.vocoder(z, ge, f0, torch.randn(2, 20 * DECODER_CONFIG.hop))
    assert audio.shape == (2, 20 * DECODER_CONFIG.hop)
    assert log_f0.shape == voiced.shape == (2, 20)
    (audio.square().mean() + log_f0.mean() + voiced.mean()).backward()
    missing = [name for name, p in decoder.named_parameters() if p.grad is None]
    assert missing == []
