"""Small spectrogram discriminators for the decoder's adversarial phase (after Jang et al. 2021, UnivNet)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Discriminators", "magnitude", "usable"]


def magnitude(audio: Tensor, n_fft: int, hop: int) -> Tensor:
    """Magnitude STFT with a Hann window, [B, bins, frames]."""
    window = torch.hann_window(n_fft, device=audio.device)
    spectrum = torch.stft(audio, n_fft, hop, window=window, return_complex=True)
    return torch.sqrt(spectrum.real**2 + spectrum.imag**2 + 1e-9)


def usable(bandwidth_hz: Tensor, sample_rate: int) -> Tensor:
    """The band that a recording really fills: its resampling filter's slope is left out. The full band has none."""
    return torch.where(bandwidth_hz < sample_rate / 2 - 100, bandwidth_hz - 800, bandwidth_hz)


class _Discriminator(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        wide = 2 * width
        shapes = [(1, width, (1, 2)), (width, width, (2, 2)), (width, wide, (2, 2)), (wide, wide, (2, 1))]
        self.layers = nn.ModuleList(nn.Conv2d(a, b, (5, 3), stride, padding=(2, 1)) for a, b, stride in shapes)
        self.last = nn.Conv2d(2 * width, 1, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.1)
            features.append(x)
        return self.last(x), features


class Discriminators(nn.Module):
    """One per resolution; each sees the log magnitudes up to the recording's bandwidth."""

    resolutions = ((1024, 240), (400, 100))

    def __init__(self, sample_rate: int, width: int = 24) -> None:
        super().__init__()
        self.sample_rate = sample_rate
        self.members = nn.ModuleList(_Discriminator(width) for _ in self.resolutions)

    def forward(self, audio: Tensor, bandwidth_hz: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """audio [B, N], bandwidth [B] → per resolution the score map and the layers' features."""
        results = []
        for member, (n_fft, hop) in zip(self.members, self.resolutions, strict=True):
            log = torch.log(magnitude(audio, n_fft, hop) + 1e-3) / 3
            bins = torch.linspace(0, self.sample_rate / 2, log.shape[1], device=audio.device)
            inside = bins[None, :] <= usable(bandwidth_hz, self.sample_rate)[:, None]
            results.append(member((log * inside[:, :, None])[:, None]))
        return results
