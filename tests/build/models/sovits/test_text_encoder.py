"""Speaking rate: the latent's length is an input."""

import pytest
import torch
import torch.nn.functional as F

from build_engines.models.sovits.text_encoder import stretch


@pytest.mark.parametrize(("length", "frames"), [(8, 11), (8, 7), (120, 97), (120, 151), (1, 5), (300, 1), (7, 8)])
def test_equals_the_interpolation_of_torch(length, frames):
    x = torch.randn(1, 3, length)
    found = stretch(x, torch.tensor([frames]))
    wanted = F.interpolate(x, size=frames, mode="linear", align_corners=False)
    assert torch.allclose(found, wanted, rtol=0, atol=5e-5)  # places are rounded in their last bit, at up to 300


@pytest.mark.parametrize("length", [1, 2, 299, 4000])
def test_the_same_length_changes_nothing(length):
    x = torch.randn(1, 2, length)
    assert torch.equal(stretch(x, torch.tensor([length])), x)
