"""The pointer of a distilled voice: which phone the next token speaks."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["PointerAttention"]


class PointerAttention(nn.Module):
    """Attention to the phones [pointer, pointer + window), two heads; returns the new hidden and log-weights."""

    heads = 2

    def __init__(self, dim: int, window: int) -> None:
        super().__init__()
        self.window = window
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)
        self.offset_bias = nn.Parameter(torch.zeros(self.window))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, state: Tensor, pointer: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, T, C], state [B, P, C], pointer int64 [B, T], last phone's index [B, 1]; log-weights [B, T, window]."""
        b, t, c = x.shape
        depth = c // self.heads
        wanted = pointer[:, :, None] + torch.arange(self.window, device=x.device)
        inside = wanted <= last[:, :, None]
        index = torch.minimum(wanted, last[:, :, None])
        flat = index.flatten(1)[:, :, None].expand(-1, -1, c)
        keys = torch.gather(self.key(state), 1, flat).view(b, t, self.window, self.heads, depth)
        values = torch.gather(self.value(state), 1, flat).view(b, t, self.window, self.heads, depth)
        query = self.query(x).view(b, t, 1, self.heads, depth)
        scores = (query * keys).sum(-1) / math.sqrt(depth) + self.offset_bias[:, None]
        scores = scores.masked_fill(~inside[..., None], -1e4)
        weights = torch.softmax(scores, dim=2)
        context = (weights[..., None] * values).sum(2).flatten(2)
        log_weights = torch.log(weights.mean(-1) + 1e-6)
        return self.norm(x + self.out(context)), log_weights
