"""Reference encoder: a spectrogram becomes one vector that says who speaks and how ("ge" of GPT-SoVITS).

The style encoder of Meta-StyleSpeech (Min et al. 2021, https://arxiv.org/abs/2106.03153), with GPT-SoVITS's sizes.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["ReferenceEncoder"]

_WIDTH = 128
_HEADS = 2
_KERNEL = 5


class _Linear(nn.Module):
    """A linear layer one level down, where the checkpoint keeps it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.fc = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)  # type: ignore[no-any-return]


class _Convolution(nn.Module):
    """A convolution one level down, where the checkpoint keeps it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, _KERNEL, padding=_KERNEL // 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)  # type: ignore[no-any-return]


class _Gated(nn.Module):
    """Gated convolution with a residual, [1, C, T] in and out."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = _Convolution(_WIDTH, 2 * _WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = torch.split(self.conv1(x), _WIDTH, dim=1)
        return x + value * torch.sigmoid(gate)


class _SelfAttention(nn.Module):
    """Two heads, scaled by the square root of the model's width, not of a head's; residual; [1, T, C] in and out."""

    def __init__(self) -> None:
        super().__init__()
        self.w_qs = nn.Linear(_WIDTH, _WIDTH)
        self.w_ks = nn.Linear(_WIDTH, _WIDTH)
        self.w_vs = nn.Linear(_WIDTH, _WIDTH)
        self.fc = nn.Linear(_WIDTH, _WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        shape = (1, -1, _HEADS, _WIDTH // _HEADS)
        query, key, value = (w(x).reshape(shape).transpose(1, 2) for w in (self.w_qs, self.w_ks, self.w_vs))
        weights = torch.softmax(query @ key.transpose(2, 3) / math.sqrt(_WIDTH), dim=-1)
        return x + self.fc((weights @ value).transpose(1, 2).reshape(1, -1, _WIDTH))  # type: ignore[no-any-return]


class ReferenceEncoder(nn.Module):
    """``bins`` of a magnitude spectrogram [1, bins, T] to one vector [1, G]."""

    def __init__(self, bins: int, outputs: int) -> None:
        super().__init__()
        # The checkpoint counts the dropouts, which do nothing here.
        self.spectral = nn.Sequential(
            _Linear(bins, _WIDTH), nn.Mish(), nn.Identity(), _Linear(_WIDTH, _WIDTH), nn.Mish(), nn.Identity()
        )
        self.temporal = nn.Sequential(_Gated(), _Gated())
        self.slf_attn = _SelfAttention()
        self.fc = _Linear(_WIDTH, outputs)

    def forward(self, spectrum: Tensor) -> Tensor:
        rows = self.spectral(spectrum.transpose(1, 2))
        rows = self.temporal(rows.transpose(1, 2)).transpose(1, 2)
        return self.fc(self.slf_attn(rows)).mean(dim=1)  # type: ignore[no-any-return]
