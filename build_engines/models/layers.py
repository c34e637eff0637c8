"""Building blocks that the tokenizer, the reference encoder and the acoustic decoder share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["ConvNeXt", "FiLMConvNeXt", "downsample", "upsample"]


class ConvNeXt(nn.Module):
    """One-dimensional ConvNeXt block (Liu et al. 2022; Siuzdak 2023), [B, T, C] in and out."""

    def __init__(self, dim: int, kernel: int = 7, expansion: int = 3) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.up = nn.Linear(dim, expansion * dim)
        self.down = nn.Linear(expansion * dim, dim)
        self.scale = nn.Parameter(torch.full((dim,), 0.3))

    def mix(self, x: Tensor) -> Tensor:
        """Depthwise convolution and normalization."""
        return self.norm(self.depthwise(x.transpose(1, 2)).transpose(1, 2))  # type: ignore[no-any-return]

    def feed(self, hidden: Tensor) -> Tensor:
        """The block's two linear layers and their scale."""
        wide = torch.nn.functional.gelu(self.up(hidden), approximate="tanh")
        return self.scale * self.down(wide)  # type: ignore[no-any-return]

    def forward(self, x: Tensor) -> Tensor:
        return x + self.feed(self.mix(x))


class FiLMConvNeXt(ConvNeXt):
    """A ConvNeXt block whose normalized input is scaled and shifted by a condition [B, G]."""

    def __init__(self, dim: int, condition: int, kernel: int = 7, expansion: int = 3) -> None:
        super().__init__(dim, kernel, expansion)
        self.film = nn.Linear(condition, 2 * dim)
        nn.init.normal_(self.film.weight, std=0.02)
        nn.init.zeros_(self.film.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:  # type: ignore[override]
        gain, shift = self.film(condition)[:, None, :].chunk(2, dim=-1)
        hidden = self.mix(x) * (1 + gain) + shift
        return x + self.feed(hidden)


def downsample(dim_in: int, dim_out: int) -> nn.Linear:
    """Halve the rate: pairs of frames through one linear layer (apply to ``x.reshape(B, T/2, 2*C)``)."""
    return nn.Linear(2 * dim_in, dim_out)


def upsample(dim_in: int, dim_out: int) -> nn.Linear:
    """Double the rate: a linear layer to two frames (reshape its output to ``B, 2*T, C``)."""
    return nn.Linear(dim_in, 2 * dim_out)
