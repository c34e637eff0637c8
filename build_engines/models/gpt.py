"""The GPT: phones in, 25 Hz semantic tokens out (GPT-SoVITS's text-to-semantic model, "s1").

Post-norm transformer over [text rows | audio rows]: text rows see all text, audio rows see the text and the audio
before them. Parameter names are those of GPT-SoVITS checkpoints. A distilled voice switches on the *pointer*
(``pointer_window > 0``): an attention from each audio row to a few phones from the one just spoken on, trained toward
the phone that the next token speaks. It can't go back and can't skip far, so an utterance neither loops nor ends early,
and its argmax says which phone each token belongs to. A genuine checkpoint leaves it off.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["GPT", "GPTConfig", "Memory", "attend"]


@dataclass(frozen=True)
class GPTConfig:
    """Dimensions; the defaults are the default voice's."""

    vocab_size: int = 1025
    phoneme_vocab_size: int = 732
    hidden_dim: int = 256
    head: int = 4
    n_layer: int = 6
    linear_units: int = 1024
    feature_dim: int = 64
    pointer_window: int = 5
    pointer_layer: int = 2
    dropout: float = 0.1

    @property
    def eos(self) -> int:
        """The end-of-speech token."""
        return self.vocab_size - 1


@dataclass
class Memory:
    """What the audio rows need of the text: keys and values per layer [B, H, P, D], states [B, P, C], mask [B, P]."""

    keys: list[Tensor]
    values: list[Tensor]
    state: Tensor
    mask: Tensor | None


def attend(query: Tensor, keys: Tensor, values: Tensor, allowed: Tensor | None) -> Tensor:
    """Scaled dot-product attention, [B, H, T, D]; ``allowed`` bool, broadcast to [B, H, T, S].

    Written out: at these lengths its backward pass on a CPU takes half the time of the fused operator's.
    """
    scores = query @ keys.transpose(-1, -2) / math.sqrt(query.shape[-1])
    if allowed is not None:
        scores = scores + (~allowed).to(scores.dtype) * -1e4
    return torch.softmax(scores, dim=-1).to(values.dtype) @ values


class TokenEmbedding(nn.Module):
    """A table under the name that GPT-SoVITS checkpoints give it."""

    def __init__(self, rows: int, dim: int) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(rows, dim)

    def forward(self, ids: Tensor) -> Tensor:
        return self.word_embeddings(ids)  # type: ignore[no-any-return]


class SinePosition(nn.Module):
    """x + alpha * PE(position); interleaved sine and cosine, base 10000, alpha learned."""

    rate: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1))
        rate = torch.exp(torch.arange(0, dim, 2, dtype=torch.float32) * -(math.log(10000.0) / dim))
        self.register_buffer("rate", rate, persistent=False)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """x [B, T, C], positions int64 [T]."""
        angle = positions[:, None].float() * self.rate
        return x + self.alpha * torch.stack([torch.sin(angle), torch.cos(angle)], dim=-1).flatten(1)


class SelfAttention(nn.Module):
    """Projections of a multi-head attention; the attention itself is the caller's choice."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def project(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each [B, H, T, D]."""
        q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        b, t, c = q.shape
        shape = (b, t, self.heads, c // self.heads)
        return q.view(shape).transpose(1, 2), k.view(shape).transpose(1, 2), v.view(shape).transpose(1, 2)

    def merge(self, heads: Tensor) -> Tensor:
        """[B, H, T, D] to [B, T, C], projected."""
        return self.out_proj(heads.transpose(1, 2).flatten(2))  # type: ignore[no-any-return]


class Layer(nn.Module):
    """Post-norm layer with a ReLU feed-forward."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.self_attn = SelfAttention(dim, config.head)
        self.linear1 = nn.Linear(dim, config.linear_units)
        self.linear2 = nn.Linear(config.linear_units, dim)
        self.norm1 = nn.LayerNorm(dim)
        self.norm2 = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(config.dropout)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Everything after the attention."""
        x = self.norm1(x + self.dropout(self.self_attn.merge(attended)))
        return self.norm2(x + self.dropout(self.linear2(F.relu(self.linear1(x)))))  # type: ignore[no-any-return]


class Layers(nn.Module):
    """The stack, under the checkpoint's name ``h.layers``."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.n_layer))

    def __iter__(self) -> Iterator[Layer]:
        return (cast(Layer, layer) for layer in self.layers)


class PointerAttention(nn.Module):
    """Attention to the phones [pointer, pointer + window), two heads; returns the new hidden and log-weights."""

    heads = 2

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        dim = config.hidden_dim
        self.window = config.pointer_window
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


class GPT(nn.Module):
    """Text-to-semantic model; see the module's docstring."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.config = config
        dim = config.hidden_dim
        self.ar_text_embedding = TokenEmbedding(config.phoneme_vocab_size, dim)
        self.bert_proj = nn.Linear(config.feature_dim, dim)
        self.ar_audio_embedding = TokenEmbedding(config.vocab_size, dim)
        self.ar_text_position = SinePosition(dim)
        self.ar_audio_position = SinePosition(dim)
        self.h = Layers(config)
        self.ar_predict_layer = nn.Linear(dim, config.vocab_size, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        if config.pointer_window:
            self.pointer = PointerAttention(config)
            self.pointer_input = nn.Linear(dim, dim)
        for table in (self.ar_text_embedding, self.ar_audio_embedding):
            nn.init.normal_(table.word_embeddings.weight, std=0.5)

    def read(self, phones: Tensor, features: Tensor, mask: Tensor | None = None) -> Memory:
        """Run the text rows: phones int64 [B, P], features [B, P, F], mask bool [B, P] (True = real)."""
        x = self.ar_text_embedding(phones) + self.bert_proj(features)
        x = self.dropout(self.ar_text_position(x, torch.arange(phones.shape[1], device=phones.device)))
        keys, values = [], []
        allowed = None if mask is None else mask[:, None, None, :]
        for layer in self.h:
            q, k, v = layer.self_attn.project(x)
            keys.append(k)
            values.append(v)
            x = layer.finish(x, attend(q, k, v, allowed))
        return Memory(keys, values, x, mask)

    def embed_audio(self, tokens: Tensor, positions: Tensor, pointer: Tensor, state: Tensor) -> Tensor:
        """tokens, pointer int64 [B, T]; positions int64 [T]; [B, T, C]."""
        x = self.ar_audio_embedding(tokens)
        if self.config.pointer_window:
            spoken = torch.gather(state, 1, pointer[:, :, None].expand(-1, -1, state.shape[-1]))
            x = x + self.pointer_input(spoken)
        return self.dropout(self.ar_audio_position(x, positions))  # type: ignore[no-any-return]

    def forward(
        self, phones: Tensor, features: Tensor, mask: Tensor, tokens: Tensor, pointer: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Teacher-forced training pass.

        ``tokens`` int64 [B, T] are the inputs (EOS first, as the start), ``pointer`` [B, T] the phone that each input
        spoke. Returns logits [B, T, V] and the pointer's log-weights [B, T, window].
        """
        memory = self.read(phones, features, mask)
        b, t = tokens.shape
        x = self.embed_audio(tokens, torch.arange(t, device=tokens.device), pointer, memory.state)
        causal = torch.ones(t, t, dtype=torch.bool, device=x.device).tril()
        allowed = torch.cat([mask[:, None, :].expand(b, t, -1), causal.expand(b, t, t)], dim=2)[:, None]
        last = mask.sum(1, keepdim=True) - 1
        log_weights = x.new_zeros(b, t, 1)
        for i, layer in enumerate(self.h):
            if self.config.pointer_window and i == self.config.pointer_layer:
                x, log_weights = self.pointer(x, memory.state, pointer, last)
            q, k, v = layer.self_attn.project(x)
            keys = torch.cat([memory.keys[i], k], dim=2)
            values = torch.cat([memory.values[i], v], dim=2)
            x = layer.finish(x, attend(q, keys, values, allowed))
        return self.ar_predict_layer(x), log_weights
