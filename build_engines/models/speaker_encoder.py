"""The encoder that enrolls speakers: a few seconds of speech become the speaker embedding of a distilled voice.

Log-mel frames of a common level go through ConvNeXt blocks; mean and deviation over the frames in which somebody
speaks are all that is left of time. The embedding ends in a LayerNorm, as those do that the decoder was trained with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from build_engines.models.layers import ConvNeXt
from build_engines.models.tokenizer import mel_filters

__all__ = ["EncoderConfig", "Reference", "SpeakerEncoder", "SpeechMel", "levelled"]

_FLOOR = 1e-3
_ACTIVE = 10**-3.5  # of the speech level, in power


@dataclass(frozen=True)
class EncoderConfig:
    """Dimensions; the defaults are the default voice's. ``mel_fmax_hz`` is what 16 kHz recordings still hold."""

    sample_rate: int = 24_000
    hop: int = 240
    n_fft: int = 1024
    mels: int = 80
    mel_fmax_hz: float = 7_600.0
    dim: int = 128
    blocks: int = 4
    kernel: int = 7
    expansion: int = 3
    ge_dim: int = 64


class SpeechMel(nn.Module):
    """Mel magnitudes centred on 10 ms frames: audio [B, N] → [B, N // hop, mels]."""

    window: Tensor
    filters: Tensor

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = c = config
        self.register_buffer("window", torch.hann_window(c.n_fft), persistent=False)
        filters = mel_filters(c.sample_rate, c.n_fft, c.mels, 40.0, c.mel_fmax_hz)
        self.register_buffer("filters", filters, persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        c = self.config
        side = (c.n_fft - c.hop) // 2
        padded = F.pad(audio[:, : audio.shape[1] // c.hop * c.hop], (side, side))
        bins = torch.stft(padded, c.n_fft, c.hop, window=self.window, center=False, return_complex=True)
        # abs() has no gradient at zero, and digital silence is zero.
        magnitude = torch.sqrt(bins.real**2 + bins.imag**2 + 1e-12)
        return magnitude.transpose(1, 2) @ self.filters


def levelled(mel: Tensor) -> tuple[Tensor, Tensor]:
    """Mel magnitudes → natural-log mel at a common speech level [B, T, mels], and 1.0 where somebody speaks [B, T].

    The level is the mean power weighted by power: loud frames make it, whatever the pauses, without a threshold.
    """
    power = (mel**2).mean(2)
    level = (power**2).sum(1, keepdim=True) / (power.sum(1, keepdim=True) + 1e-12) + 1e-12
    gain = torch.rsqrt(level)
    return torch.log(mel * gain[:, :, None] + _FLOOR), (power > _ACTIVE * level).float()


class SpeakerEncoder(nn.Module):
    """Mel magnitudes [B, T, mels] → speaker embedding ge [B, G] of length sqrt(G). T is even."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = c = config
        self.stem = nn.Linear(2 * c.mels, c.dim)
        self.blocks = nn.ModuleList(ConvNeXt(c.dim, c.kernel, c.expansion) for _ in range(c.blocks))
        self.out = nn.Sequential(nn.Linear(2 * c.dim, c.dim), nn.GELU(), nn.Linear(c.dim, c.ge_dim))
        self.norm = nn.LayerNorm(c.ge_dim, elementwise_affine=False)

    def forward(self, mel: Tensor) -> Tensor:
        frames, active = levelled(mel)
        b, t, _ = mel.shape
        x = self.stem(((frames + 3.0) / 2.0).reshape(b, t // 2, -1))
        for block in self.blocks:
            x = block(x)
        weight = active.reshape(b, t // 2, 2).mean(2, keepdim=True)
        weight = weight / (weight.sum(1, keepdim=True) + 1e-6)
        mean = (weight * x).sum(1)
        deviation = torch.sqrt((weight * (x - mean[:, None]) ** 2).sum(1) + 1e-5)
        return self.norm(self.out(torch.cat([mean, deviation], 1)))  # type: ignore[no-any-return]


class Reference(nn.Module):
    """What is exported: audio [1, N] at the voice's rate → ge [1, G], its Fourier transform as matrix products."""

    cosine: Tensor
    sine: Tensor
    bins: Tensor
    filters: Tensor

    def __init__(self, encoder: SpeakerEncoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.mel = SpeechMel(encoder.config)
        n_fft = encoder.config.n_fft
        turn = torch.arange(n_fft).double() * (2 * np.pi / n_fft)
        self.register_buffer("cosine", torch.cos(turn).float())
        self.register_buffer("sine", torch.sin(turn).float())
        used = int(self.mel.filters.any(1).nonzero().max()) + 1  # nothing above is in any mel band
        self.register_buffer("filters", self.mel.filters[:used].clone())
        self.register_buffer("bins", torch.arange(used))

    def forward(self, audio: Tensor) -> Tensor:
        c = self.encoder.config
        pairs = audio.shape[1] // (2 * c.hop)
        frames = 2 * pairs
        blocks = -(-c.n_fft // c.hop)
        side = (c.n_fft - c.hop) // 2
        spare = blocks * c.hop - c.n_fft
        hops = F.pad(audio[:, : frames * c.hop], (side, side + spare)).reshape(1, frames + blocks - 1, c.hop)
        pieces = torch.cat([hops[:, i : i + frames] for i in range(blocks)], 2)[:, :, : c.n_fft]
        # Look-ups into one period: the file stays small.
        index = torch.remainder(torch.arange(c.n_fft)[:, None] * self.bins, c.n_fft)
        window = self.mel.window[:, None]
        real, imag = pieces @ (self.cosine[index] * window), pieces @ (self.sine[index] * window)
        magnitude = torch.sqrt(real**2 + imag**2 + 1e-12)
        return self.encoder(magnitude @ self.filters)  # type: ignore[no-any-return]
