import numpy as np
import pytest
import torch

from build_engines.models.discriminator import usable
from build_engines.training.decoder import spectral_loss

RATE = 24_000
TIME = torch.arange(RATE // 2, dtype=torch.float64) / RATE
SPEECH = 0.1 * torch.randn(2, RATE // 2, generator=torch.Generator().manual_seed(0))


def loss(made, target, low=0.0, high=12_000.0):
    rows = len(made)
    return float(spectral_loss(made, target, torch.full((rows,), low), torch.full((rows,), high), RATE))


def test_equal_signals_cost_nothing():
    assert loss(SPEECH, SPEECH) == 0


def test_it_grows_with_the_difference():
    near, far = (loss(SPEECH * gain, SPEECH) for gain in (1.1, 1.5))
    assert 0 < near < far


@pytest.mark.parametrize(("hertz", "low", "high"), [(10_000, 0.0, 8_000.0), (2_000, 7_200.0, 12_000.0)])
def test_what_lies_outside_the_band_is_ignored(hertz, low, high):
    fade = torch.hann_window(len(TIME))
    tone = (0.1 * torch.sin(2 * np.pi * hertz * TIME)).float() * fade
    target = (0.1 * torch.sin(2 * np.pi * 5_000 * TIME)).float().expand(2, -1) * fade
    assert loss(target + tone, target, low, high) < 2e-3
    assert loss(target + tone, target) > 0.05


def test_a_resampling_filters_slope_is_left_out():
    assert usable(torch.tensor([8_000.0, 11_025.0, 12_000.0]), RATE).tolist() == [7_200, 10_225, 12_000]
