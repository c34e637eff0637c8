"""The semantic tokenizer and the reference encoder of a distilled voice.

Tokenizer: log-mel at 100 Hz → 25 Hz → finite scalar quantization (Mentzer et al. 2023), 5 dimensions of 4 levels, so
1024 tokens. It is trained to give back mel, F0 and voicing with the speaker's embedding at hand, and phones without
it: what tokens need not carry (timbre, pitch register) they lose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from build_engines.models.layers import ConvNeXt, FiLMConvNeXt, downsample, upsample

__all__ = ["FSQ", "MelSpectrogram", "ReferenceEncoder", "Tokenizer", "TokenizerConfig", "Trunk", "mel_filters"]


@dataclass(frozen=True)
class TokenizerConfig:
    """Dimensions; rates are 100, 50 and 25 Hz."""

    sample_rate: int = 24_000
    hop: int = 240
    mels: int = 80
    mel_fmax_hz: float = 7_600.0
    dim: int = 256
    ge_dim: int = 64
    fsq_dims: int = 5
    fsq_levels: int = 4
    phone_classes: int = 40


def mel_filters(sample_rate: int, n_fft: int, mels: int, fmin: float, fmax: float, warp: float = 1.0) -> Tensor:
    """Triangular mel filters [n_fft/2+1, mels] (HTK scale, area-normalized); ``warp`` stretches the frequency axis."""
    low, high = (2595 * np.log10(1 + f / 700) for f in (fmin, fmax))
    edges = 700 * (10 ** (np.linspace(low, high, mels + 2) / 2595) - 1) * warp
    bins = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    rise = (bins[:, None] - left) / (centre - left)
    fall = (right - bins[:, None]) / (right - centre)
    weights = np.maximum(0, np.minimum(rise, fall)) * 2 / (right - left) * 100
    return torch.tensor(weights, dtype=torch.float32)


class MelSpectrogram(nn.Module):
    """Log-mel frames centred on 10 ms frames, roughly zero mean and unit variance: audio [B, N] → [B, N/hop, mels]."""

    window: Tensor
    filters: Tensor
    n_fft = 1024
    warps = (0.86, 0.91, 0.96, 1.0, 1.05, 1.10, 1.16)

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.hop = config.hop
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)
        banks = [
            mel_filters(config.sample_rate, self.n_fft, config.mels, 40.0, config.mel_fmax_hz / 1.0, warp)
            for warp in self.warps
        ]
        self.register_buffer("filters", torch.stack(banks), persistent=False)

    def forward(self, audio: Tensor, warp: int = 3) -> Tensor:
        side = (self.n_fft - self.hop) // 2
        padded = F.pad(audio, (side, side))
        spectrum = torch.stft(
            padded, self.n_fft, self.hop, window=self.window, center=False, return_complex=True
        ).abs()
        mel = spectrum.transpose(1, 2) @ self.filters[warp]
        return (torch.log(mel + 1e-3) + 2.0) / 2.5


class ReferenceEncoder(nn.Module):
    """Mel [B, T, mels] → speaker embedding ge [B, G], LayerNorm-ed (a tanh saturates and all speakers coincide)."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        self.stem = nn.Linear(config.mels, 128)
        self.blocks = nn.ModuleList(ConvNeXt(128, kernel=5, expansion=2) for _ in range(2))
        self.out = nn.Sequential(nn.Linear(256, 128), nn.GELU(), nn.Linear(128, config.ge_dim))
        self.norm = nn.LayerNorm(config.ge_dim, elementwise_affine=False)

    def forward(self, mel: Tensor) -> Tensor:
        x = self.stem(mel[:, ::2])
        for block in self.blocks:
            x = block(x)
        pooled = torch.cat([x.mean(1), x.std(1)], dim=-1)
        return self.norm(self.out(pooled))  # type: ignore[no-any-return]


class FSQ(nn.Module):
    """Finite scalar quantization with a straight-through gradient."""

    def __init__(self, levels: int, dims: int) -> None:
        super().__init__()
        self.levels, self.dims = levels, dims

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x [B, T, dims] → quantized values in [-1, 1] and tokens int64 [B, T]."""
        half = (self.levels - 1) / 2
        bounded = torch.tanh(x) * (half + 0.4)
        digits = torch.clamp(torch.round(bounded.detach() + half), 0, self.levels - 1)
        hard = digits - half
        quantized = (bounded + (hard - bounded).detach()) / half
        weights = self.levels ** torch.arange(self.dims, device=x.device)
        return quantized, (digits.long() * weights).sum(-1)

    def values(self) -> Tensor:
        """The codebook, [levels ** dims, dims]."""
        codes = torch.arange(self.levels**self.dims)
        digits = codes[:, None] // self.levels ** torch.arange(self.dims) % self.levels
        half = (self.levels - 1) / 2
        return (digits - half) / half


class Trunk(nn.Module):
    """25 Hz → 100 Hz: FiLM-conditioned ConvNeXt stages, [B, T, dim] → [B, 4T, dim]."""

    def __init__(self, dim: int, condition: int, blocks: tuple[int, int, int], kernel: int = 5) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.ModuleList(FiLMConvNeXt(dim, condition, kernel) for _ in range(count)) for count in blocks
        )
        self.ups = nn.ModuleList(upsample(dim, dim) for _ in range(2))

    def forward(self, x: Tensor, ge: Tensor) -> Tensor:
        for i, stage in enumerate(self.stages):
            if i:
                x = self.ups[i - 1](x).reshape(x.shape[0], -1, x.shape[2])
            for block in cast(Iterable[FiLMConvNeXt], stage):
                x = block(x, ge)
        return x


class Tokenizer(nn.Module):
    """Encoder, quantizer and the heads that train them."""

    def __init__(self, config: TokenizerConfig, speakers: int) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.stem = nn.Linear(config.mels, 192)
        self.at_100 = nn.ModuleList(ConvNeXt(192) for _ in range(2))
        self.to_50 = downsample(192, dim)
        self.at_50 = nn.ModuleList(ConvNeXt(dim) for _ in range(3))
        self.to_25 = downsample(dim, dim)
        self.at_25 = nn.ModuleList(ConvNeXt(dim, kernel=5) for _ in range(2))
        self.to_code = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, config.fsq_dims))
        self.quantizer = FSQ(config.fsq_levels, config.fsq_dims)
        self.phone_head = nn.Sequential(
            nn.Conv1d(config.fsq_dims, dim, 3, padding=1), nn.GELU(), nn.Conv1d(dim, 2 * config.phone_classes, 1)
        )
        self.frame_phone_head = nn.Linear(dim, 2 * config.phone_classes)
        self.reference = ReferenceEncoder(config)
        self.speaker_head = nn.Linear(config.ge_dim, speakers)
        self.from_code = nn.Linear(config.fsq_dims, dim)
        self.trunk = Trunk(dim, config.ge_dim, (2, 2, 2))
        self.mel_head = nn.Linear(dim, config.mels)
        self.f0_head = nn.Linear(dim, 2)
        self.f0_base = nn.Linear(config.ge_dim, 1)

    def encode(self, mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """mel [B, T, mels], T a multiple of 4 → quantized [B, T/4, dims], tokens [B, T/4], hidden [B, T/4, dim]."""
        b = mel.shape[0]
        x = self.stem(mel)
        for block in self.at_100:
            x = block(x)
        x = self.to_50(x.reshape(b, x.shape[1] // 2, -1))
        for block in self.at_50:
            x = block(x)
        x = self.to_25(x.reshape(b, x.shape[1] // 2, -1))
        for block in self.at_25:
            x = block(x)
        quantized, tokens = self.quantizer(self.to_code(x))
        return quantized, tokens, x

    def phones(self, quantized: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Phone logits at 50 Hz from the tokens alone and from the encoder's state: each [B, 2*T25, classes]."""
        b, t, _ = quantized.shape
        classes = self.config.phone_classes
        from_tokens = self.phone_head(quantized.transpose(1, 2)).transpose(1, 2).reshape(b, 2 * t, classes)
        return from_tokens, self.frame_phone_head(hidden).reshape(b, 2 * t, classes)

    def decode(self, quantized: Tensor, ge: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mel [B, T, mels], log-F0 in nat-log hertz [B, T] and voicing logit [B, T] at 100 Hz."""
        x = self.trunk(self.from_code(quantized), ge)
        pitch = self.f0_head(x)
        return self.mel_head(x), pitch[..., 0] + self.f0_base(ge) + 5.0, pitch[..., 1]
