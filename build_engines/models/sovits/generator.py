"""The generator ("dec"): the latent at 50 Hz becomes sound. HiFi-GAN V1 (Kong et al. 2020) with a speaker condition."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from build_engines.models.sovits.config import SovitsConfig

__all__ = ["Generator", "vocoder_context_frames"]

_SLOPE = 0.1
_LAST_SLOPE = 0.01
_ENDS_KERNEL = 7


class _Residual(nn.Module):
    """Pairs of convolutions, the first of each pair dilated, each pair with a residual; [1, C, T] in and out."""

    def __init__(self, channels: int, kernel: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=(kernel - 1) * d // 2) for d in dilations
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, _SLOPE)), _SLOPE))
        return x


class Generator(nn.Module):
    """Latent [1, inter_channels, F] and condition, broadcast to [1, channels, F], to samples [1, 1, F * hop]."""

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        channels = config.upsample_initial_channel
        self.conv_pre = nn.Conv1d(config.inter_channels, channels, _ENDS_KERNEL, padding=_ENDS_KERNEL // 2)
        self.cond = nn.Conv1d(config.gin_channels, channels, 1)
        self.ups = nn.ModuleList()
        self.resblocks = nn.ModuleList()
        for rate, kernel in zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True):
            self.ups.append(nn.ConvTranspose1d(channels, channels // 2, kernel, rate, padding=(kernel - rate) // 2))
            channels //= 2
            blocks = zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True)
            self.resblocks.extend(_Residual(channels, size, dilations) for size, dilations in blocks)
        self.conv_post = nn.Conv1d(channels, 1, _ENDS_KERNEL, padding=_ENDS_KERNEL // 2, bias=False)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        x = self.conv_pre(z) + condition
        branches = len(self.resblocks) // len(self.ups)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, _SLOPE))
            total = self.resblocks[branches * i](x)
            for block in self.resblocks[branches * i + 1 : branches * (i + 1)]:
                total = total + block(x)
            x = total / branches
        return torch.tanh(self.conv_post(F.leaky_relu(x, _LAST_SLOPE)))


def vocoder_context_frames(config: SovitsConfig) -> int:
    """How many frames of real context on each side make a window's inner samples those of the whole utterance.

    Follows the samples of one frame back to the latent through all kernels, dilations and rates.
    """
    first, last = 0, config.hop_length - 1
    first, last = first - _ENDS_KERNEL // 2, last + _ENDS_KERNEL // 2
    reach = max(
        sum((kernel - 1) * d // 2 + (kernel - 1) // 2 for d in dilations)
        for kernel, dilations in zip(config.resblock_kernel_sizes, config.resblock_dilation_sizes, strict=True)
    )
    for rate, kernel in reversed(list(zip(config.upsample_rates, config.upsample_kernel_sizes, strict=True))):
        padding = (kernel - rate) // 2
        # Sample o of a transposed convolution comes from the inputs i with 0 <= o + padding - rate * i < kernel.
        first = -((kernel - 1 - (first - reach + padding)) // rate)
        last = (last + reach + padding) // rate
    first, last = first - _ENDS_KERNEL // 2, last + _ENDS_KERNEL // 2
    return max(-first, last)
