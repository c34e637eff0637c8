"""The GPT: phones in, 25 Hz semantic tokens out (GPT-SoVITS's text-to-semantic model, "s1").

Post-norm transformer over [text rows | audio rows]: text rows see all text, audio rows see the text and the audio
before them. Parameter names are those of GPT-SoVITS checkpoints, and ``GPT.rows`` is what a genuine one computes.

A distilled voice switches on the *pointer* (``pointer_window > 0``): an attention from each audio row to a few phones
from the one just spoken on, trained toward the phone that the next token speaks. It can't go back and can't skip far,
so an utterance neither loops nor ends early, and its argmax says which phone each token belongs to. Its audio begins
with a start row, the end token at position 0, since the pointer needs one to begin with; a genuine voice draws its
first token from the last row that there is, of the prompt or, without one, of the text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from build_engines.models.pointer import PointerAttention

if TYPE_CHECKING:
    from build_engines.checkpoint import GptCheckpoint

__all__ = ["GPT", "GPTConfig", "Memory", "attend", "load_gpt", "visible"]


@dataclass(frozen=True)
class GPTConfig:
    """Dimensions; the defaults are the default voice's. A genuine checkpoint has no pointer (window 0), no dropout,
    features of 1024 and ``linear_units`` of four times ``hidden_dim``."""

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


def visible(text: Tensor, audio: Tensor) -> Tensor:
    """bool [P + T, P + T], which rows (first axis) see which, from phones [B, P] and tokens [B, T]."""
    p, t = text.shape[1], audio.shape[1]
    index = torch.arange(p + t, device=text.device)
    return (index < p) | (index <= index[:, None])


def attend(query: Tensor, keys: Tensor, values: Tensor, allowed: Tensor | None) -> Tensor:
    """Scaled dot-product attention of heads [B, H, T, D], merged to [B, T, H * D]; ``allowed`` bool [B, H, T, S].

    Written out: at these lengths its backward pass on a CPU takes half the time of the fused operator's.
    """
    scores = query @ keys.transpose(-1, -2) / math.sqrt(query.shape[-1])
    if allowed is not None:
        scores = scores + (~allowed).to(scores.dtype) * -1e4
    heads = torch.softmax(scores, dim=-1).to(values.dtype) @ values
    return heads.transpose(1, 2).flatten(2)


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
        # On the CPU even where load_gpt makes all else on "meta": a checkpoint doesn't hold it.
        even = torch.arange(0, dim, 2, dtype=torch.float32, device="cpu")
        rate = torch.exp(even * -(math.log(10000.0) / dim))
        self.register_buffer("rate", rate, persistent=False)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        """x [B, T, C], positions int64 [T]."""
        angle = positions[:, None].float() * self.rate
        return x + self.alpha * torch.stack([torch.sin(angle), torch.cos(angle)], dim=-1).flatten(1)


class SelfAttention(nn.Module):
    """Projections of a multi-head attention; the attention itself is the caller's choice."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.dim, self.heads = dim, heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def project(self, x: Tensor) -> Tensor:
        """Queries, keys and values side by side: [..., C] to [..., 3 * C]."""
        return F.linear(x, self.in_proj_weight, self.in_proj_bias)

    def heads_of(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values of rows [B, T, C], each [B, H, T, D]."""
        shape = (*x.shape[:2], self.heads, self.dim // self.heads)
        q, k, v = (part.view(shape).transpose(1, 2) for part in torch.split(self.project(x), self.dim, dim=-1))
        return q, k, v


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
        """Everything after the attention, whose output has the shape of x, [..., C]."""
        x = self.norm1(x + self.dropout(self.self_attn.out_proj(attended)))
        return self.norm2(x + self.dropout(self.linear2(F.relu(self.linear1(x)))))  # type: ignore[no-any-return]


class Layers(nn.Module):
    """The stack, under the checkpoint's name ``h.layers``."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.n_layer))

    def __iter__(self) -> Iterator[Layer]:
        return (cast(Layer, layer) for layer in self.layers)


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
            self.pointer = PointerAttention(dim, config.pointer_window)
            self.pointer_input = nn.Linear(dim, dim)
        for table in (self.ar_text_embedding, self.ar_audio_embedding):
            nn.init.normal_(table.word_embeddings.weight, std=0.5)

    def embed_text(self, phones: Tensor, features: Tensor) -> Tensor:
        """phones int64 [B, P], features [B, P, F]; [B, P, C]."""
        x = self.ar_text_embedding(phones) + self.bert_proj(features)
        positions = torch.arange(phones.shape[1], device=phones.device)
        return self.dropout(self.ar_text_position(x, positions))  # type: ignore[no-any-return]

    def rows(self, phones: Tensor, features: Tensor, tokens: Tensor) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        """Run text and audio rows together, without a pointer: phones int64 [B, P], features [B, P, F], tokens [B, T].

        T may be 0. Returns hidden states [B, P + T, C], of which ``ar_predict_layer`` makes the logits of the token
        that follows, and keys and values per layer [B, H, P + T, D].
        """
        audio = self.embed_audio(tokens, torch.arange(tokens.shape[1], device=tokens.device))
        return self._through_layers(torch.cat([self.embed_text(phones, features), audio], 1), visible(phones, tokens))

    def read(self, phones: Tensor, features: Tensor, mask: Tensor | None = None) -> Memory:
        """Run the text rows alone: phones int64 [B, P], features [B, P, F], mask bool [B, P] (True = real)."""
        allowed = None if mask is None else mask[:, None, None, :]
        x, keys, values = self._through_layers(self.embed_text(phones, features), allowed)
        return Memory(keys, values, x, mask)

    def _through_layers(self, x: Tensor, allowed: Tensor | None) -> tuple[Tensor, list[Tensor], list[Tensor]]:
        keys, values = [], []
        for layer in self.h:
            q, k, v = layer.self_attn.heads_of(x)
            keys.append(k)
            values.append(v)
            x = layer.finish(x, attend(q, k, v, allowed))
        return x, keys, values

    def embed_audio(
        self, tokens: Tensor, positions: Tensor, pointer: Tensor | None = None, state: Tensor | None = None
    ) -> Tensor:
        """tokens int64 [B, T], positions int64 [T]; where there is a pointer, it [B, T] and the text's state [B, P, C];
        gives [B, T, C]."""
        x = self.ar_audio_embedding(tokens)
        if self.config.pointer_window and pointer is not None and state is not None:
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
            q, k, v = layer.self_attn.heads_of(x)
            keys = torch.cat([memory.keys[i], k], dim=2)
            values = torch.cat([memory.values[i], v], dim=2)
            x = layer.finish(x, attend(q, keys, values, allowed))
        return self.ar_predict_layer(x), log_weights


def load_gpt(checkpoint: GptCheckpoint) -> GPT:
    """The network of a genuine checkpoint, float32, ready for inference."""
    with torch.device("meta"):  # the weights need no memory before they arrive
        gpt = GPT(checkpoint.config)
    weights = {name: torch.from_numpy(checkpoint.tensor(name)) for name in checkpoint.names}
    gpt.load_state_dict(weights, assign=True)
    return gpt.eval()
