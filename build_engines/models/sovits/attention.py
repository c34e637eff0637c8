"""Transformer encoder over [1, channels, time] with relative positions in a window, as VITS has it.

Shaw et al. 2018 (https://arxiv.org/abs/1803.02155): every pair of rows at most ``WINDOW`` apart adds a learned vector
to the key and to the value; pairs further apart add nothing.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Attention", "Encoder", "band_to_square", "square_to_band"]

WINDOW = 4


def band_to_square(band: Tensor) -> Tensor:
    """[1, H, T, 2w+1] by offset to [1, H, T, T] by position: entry (i, j) is band[i, j - i + w], else zero."""
    _, heads, length, width = band.shape
    # T rows of T + 2w + 1 entries, read as rows of one entry less: each begins one step further right than the last.
    flat = torch.cat([band, torch.zeros(1, heads, length, length, dtype=band.dtype)], dim=3).reshape(
        1, heads, -1, length
    )
    skewed = flat[:, :, :-1].reshape(1, heads, length, -1)
    return skewed[..., width // 2 : -(width // 2)]


def square_to_band(square: Tensor, width: int) -> Tensor:
    """[1, H, T, T] by position to [1, H, T, width] by offset; entries outside the square are zero."""
    _, heads, length, _ = square.shape
    side = torch.zeros(1, heads, length, width // 2, dtype=square.dtype)
    flat = torch.cat([side, square, side], dim=3).reshape(1, heads, -1, length)
    # The other way round. One more piece of any content makes the last row whole; its end is cut off.
    return torch.cat([flat, flat[:, :, :1]], dim=2).reshape(1, heads, length, -1)[..., :width]


class Attention(nn.Module):
    """Multi-head attention, its four projections written as convolutions; ``window`` 0 means no relative positions."""

    def __init__(self, channels: int, heads: int, window: int = 0) -> None:
        super().__init__()
        self.heads = heads
        self.depth = channels // heads
        self.window = window
        self.conv_q = nn.Conv1d(channels, channels, 1)
        self.conv_k = nn.Conv1d(channels, channels, 1)
        self.conv_v = nn.Conv1d(channels, channels, 1)
        self.conv_o = nn.Conv1d(channels, channels, 1)
        if window:
            self.emb_rel_k = nn.Parameter(torch.randn(1, 2 * window + 1, self.depth) / math.sqrt(self.depth))
            self.emb_rel_v = nn.Parameter(torch.randn(1, 2 * window + 1, self.depth) / math.sqrt(self.depth))

    def split(self, x: Tensor) -> Tensor:
        """[1, C, T] to [1, H, T, D]."""
        return x.reshape(1, self.heads, self.depth, -1).transpose(2, 3)

    def forward(self, x: Tensor, memory: Tensor) -> Tensor:
        """Queries from x [1, C, T], keys and values from memory [1, C, S]; [1, C, T]."""
        query = self.split(self.conv_q(x))
        key, value = self.split(self.conv_k(memory)), self.split(self.conv_v(memory))
        query = query / math.sqrt(self.depth)
        scores = query @ key.transpose(2, 3)
        if self.window:
            scores = scores + band_to_square(query @ self.emb_rel_k[0].transpose(0, 1))
        weights = torch.softmax(scores, dim=-1)
        out = weights @ value
        if self.window:
            out = out + square_to_band(weights, 2 * self.window + 1) @ self.emb_rel_v[0]
        return self.conv_o(out.transpose(2, 3).reshape(1, self.heads * self.depth, -1))  # type: ignore[no-any-return]


class ChannelNorm(nn.Module):
    """Layer normalization over the channels of [1, C, T], its parameters under the checkpoint's names."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta, 1e-5).transpose(1, 2)


class FeedForward(nn.Module):
    """Two convolutions with a ReLU between them."""

    def __init__(self, channels: int, filters: int, kernel: int) -> None:
        super().__init__()
        self.conv_1 = nn.Conv1d(channels, filters, kernel, padding="same")
        self.conv_2 = nn.Conv1d(filters, channels, kernel, padding="same")

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_2(torch.relu(self.conv_1(x)))  # type: ignore[no-any-return]


class Encoder(nn.Module):
    """Post-norm layers of self-attention and feed-forward, [1, C, T] in and out."""

    def __init__(self, channels: int, filters: int, heads: int, layers: int, kernel: int) -> None:
        super().__init__()
        self.attn_layers = nn.ModuleList(Attention(channels, heads, WINDOW) for _ in range(layers))
        self.norm_layers_1 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))
        self.ffn_layers = nn.ModuleList(FeedForward(channels, filters, kernel) for _ in range(layers))
        self.norm_layers_2 = nn.ModuleList(ChannelNorm(channels) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        layers = zip(self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True)
        for attention, norm_1, feed, norm_2 in layers:
            x = norm_1(x + attention(x, x))
            x = norm_2(x + feed(x))
        return x
