"""How far the generator looks, and what that buys: windows whose samples are those of the whole utterance."""

from dataclasses import replace

import pytest
import torch

from build_engines.models.sovits.config import SovitsConfig
from build_engines.models.sovits.generator import Generator, vocoder_context_frames

SMALL = SovitsConfig(inter_channels=4, upsample_initial_channel=32, gin_channels=8)
PLUS = replace(SMALL, upsample_kernel_sizes=(20, 16, 8, 2, 2))
SHORT = replace(SMALL, resblock_kernel_sizes=(3, 5), resblock_dilation_sizes=((1, 2), (1, 2)))
FAST = replace(SMALL, upsample_rates=(5, 2), upsample_kernel_sizes=(11, 4), hop_length=10)


@pytest.fixture(params=[SMALL, PLUS, SHORT, FAST], ids=["v2", "v2ProPlus", "short", "fast"])
def config(request):
    return request.param


def generator(config):
    torch.manual_seed(0)
    return Generator(config).double().requires_grad_(False)


def test_samples_depend_on_exactly_the_context(config):
    """Of frames on either side, the furthest inside the context is heard and the next one isn't."""
    made, context = generator(config), vocoder_context_frames(config)
    middle = context + 2
    z = torch.randn(1, config.inter_channels, 2 * middle + 1, dtype=torch.float64)
    still = torch.zeros(1, config.upsample_initial_channel, 1, dtype=torch.float64)
    frame = slice(middle * config.hop_length, (middle + 1) * config.hop_length)
    whole = made(z, still)[0, 0]
    assert whole.shape == (z.shape[2] * config.hop_length,)

    def heard(at):
        changed = z.clone()
        changed[:, :, at] += 10
        return not torch.equal(made(changed, still)[0, 0, frame], whole[frame])

    assert not heard(middle - context - 1)
    assert not heard(middle + context + 1)
    assert heard(middle - context) or heard(middle + context)


def test_real_dimensions():
    """±11.7 frames around a frame's middle, in GPT-SoVITS's own code."""
    assert vocoder_context_frames(SovitsConfig()) == 11
    assert vocoder_context_frames(replace(SovitsConfig(), upsample_kernel_sizes=(20, 16, 8, 2, 2))) == 11
