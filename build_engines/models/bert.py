"""The encoder of BERT (Devlin et al. 2018), as far as GPT-SoVITS reads Chinese with it: without its last layers.

Parameters go by names of our own; `build_engines.importing.bert` says which tensor of a published model each of them
is.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Bert", "BertConfig", "Embeddings", "PackedTable"]


@dataclass(frozen=True)
class BertConfig:
    """Dimensions; the defaults are those of chinese-roberta-wwm-ext-large. ``layers`` are those that are computed."""

    vocabulary: int = 21_128
    hidden: int = 1024
    heads: int = 16
    inner: int = 4096
    layers: int = 22
    positions: int = 512
    segments: int = 2
    eps: float = 1e-12


class PackedTable(nn.Module):
    """An embedding in INT8 with a scale for each row, so that a look-up unpacks no other rows."""

    packed: Tensor
    scale: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        scale = weight.abs().amax(1, keepdim=True).clamp(min=1e-12) / 127
        self.register_buffer("packed", torch.round(weight / scale).to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: Tensor) -> Tensor:
        return self.packed[ids].float() * self.scale[ids]


class Embeddings(nn.Module):
    """Ids int64 [B, N] → rows [B, N, H]: each token at its place, in the first segment."""

    def __init__(self, c: BertConfig) -> None:
        super().__init__()
        self.words: nn.Module = nn.Embedding(c.vocabulary, c.hidden)
        self.places = nn.Embedding(c.positions, c.hidden)
        self.segments = nn.Embedding(c.segments, c.hidden)
        self.norm = nn.LayerNorm(c.hidden, c.eps)

    def forward(self, ids: Tensor) -> Tensor:
        places = torch.cumsum(torch.ones_like(ids), 1) - 1
        return self.norm(self.words(ids) + self.segments.weight[0] + self.places(places))  # type: ignore[no-any-return]


class Layer(nn.Module):
    """Attention over the whole text, then a feed-forward network, each followed by the norm of its sum: [B, N, H]."""

    def __init__(self, c: BertConfig) -> None:
        super().__init__()
        self.heads = c.heads
        self.query = nn.Linear(c.hidden, c.hidden)
        self.key = nn.Linear(c.hidden, c.hidden)
        self.value = nn.Linear(c.hidden, c.hidden)
        self.merge = nn.Linear(c.hidden, c.hidden)
        self.merge_norm = nn.LayerNorm(c.hidden, c.eps)
        self.widen = nn.Linear(c.hidden, c.inner)
        self.narrow = nn.Linear(c.inner, c.hidden)
        self.norm = nn.LayerNorm(c.hidden, c.eps)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            linear(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for linear in (self.query, self.key, self.value)
        )
        weights = torch.softmax(q @ k.transpose(2, 3) * q.shape[-1] ** -0.5, -1)
        x = self.merge_norm(x + self.merge((weights @ v).transpose(1, 2).flatten(2)))
        return self.norm(x + self.narrow(F.gelu(self.widen(x))))  # type: ignore[no-any-return]


class Inside(nn.Module):
    """Rows [B, N, H] without those of [CLS] and [SEP]: [B, N-2, H]."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 1:-1]


class Bert(nn.Module):
    """Ids int64 [B, N] of a text with [CLS] and [SEP] around it → features of its characters [B, N-2, H].

    A chain of parts, each a function of what the part before it gives; they are exported one by one.
    """

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = Embeddings(config)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))

    def parts(self) -> list[nn.Module]:
        """The chain, in order."""
        return [self.embeddings, *self.layers, Inside()]

    def forward(self, ids: Tensor) -> Tensor:
        x = ids
        for part in self.parts():
            x = part(x)
        return x
