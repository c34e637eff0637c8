"""The distilled voice's acoustic decoder → the graphs latents and vocoder of a bundle."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from build_engines.export.graph import trace
from build_engines.models.decoder import Decoder, pulse_train

__all__ = ["export_decoder"]


class _Latents(nn.Module):
    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.latents = decoder.latents

    def forward(self, codes: Tensor, phones: Tensor, align: Tensor, ge: Tensor) -> Tensor:
        return self.latents(codes, phones, align, ge).transpose(1, 2)  # type: ignore[no-any-return]


class _Vocoder(nn.Module):
    """The vocoder with its Fourier transforms as matrix products, and the oscillator's phase as input and output."""

    cosine: Tensor
    sine: Tensor
    bins: Tensor
    weight: Tensor

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.vocoder = decoder.vocoder
        c = decoder.config
        turn = torch.arange(c.n_fft).double() * (2 * torch.pi / c.n_fft)
        self.register_buffer("cosine", torch.cos(turn).float())
        self.register_buffer("sine", torch.sin(turn).float())
        self.register_buffer("bins", torch.arange(c.n_fft // 2 + 1))
        weight = torch.full((c.n_fft // 2 + 1, 1), 2.0 / c.n_fft / 1.5)
        weight[0] = weight[-1] = 1.0 / c.n_fft / 1.5
        self.register_buffer("weight", weight)

    def bases(self, samples: int) -> tuple[Tensor, Tensor]:
        """cos and -sin [samples, bins] as look-ups into one period: the file stays small, a session folds them once."""
        n_fft = self.vocoder.config.n_fft
        index = torch.remainder(torch.arange(samples)[:, None] * self.bins, n_fft)
        return self.cosine[index], -self.sine[index]

    def forward(self, z: Tensor, ge: Tensor, phase: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        voc, c = self.vocoder, self.vocoder.config
        log_f0, voiced, harmonic, hiss = voc.curves(z.transpose(1, 2), ge)
        # On a grid of 1/64 Hz the phase sums are the same whatever the window.
        f0 = torch.round(torch.exp(log_f0.clamp(3.9, 6.3)) * 64) / 64
        edges = torch.cat([f0, f0[:, -1:]], 1)
        first, slope = edges[:, :-1].double(), (edges[:, 1:] - edges[:, :-1]).double() / c.hop
        n = torch.arange(c.hop, dtype=torch.float64)
        inside = ((n + 1) * first[..., None] + slope[..., None] * (n * (n + 1) / 2)) / c.sample_rate
        whole = torch.cumsum(inside[..., -1], 1)
        starts = phase.double()[:, None] + torch.cat([torch.zeros_like(whole[:, :1]), whole], 1)
        starts = starts - torch.floor(starts)
        cycles = (starts[:, :-1, None] + inside).flatten(1)
        cycles = (cycles - torch.floor(cycles)).float()
        pulses = pulse_train(cycles, voc.sample_f0(edges), c.sample_rate)

        frames = z.shape[2]
        side = (c.window - c.hop) // 2
        blocks = c.window // c.hop

        cos, sin = self.bases(c.window)
        forward_cos, forward_sin = cos * voc.window[:, None], sin * voc.window[:, None]
        cos, sin = self.bases(c.n_fft)
        inverse_cos, inverse_sin = cos.T * self.weight, sin.T * self.weight

        def analyse(source: Tensor) -> tuple[Tensor, Tensor]:
            hops = F.pad(source, (side, side)).reshape(1, frames + blocks - 1, c.hop)
            pieces = torch.cat([hops[:, i : i + frames] for i in range(blocks)], 2)
            return pieces @ forward_cos, pieces @ forward_sin

        def polar(log_gain: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
            gain = torch.exp(log_gain)
            return gain * torch.cos(angle), gain * torch.sin(angle)

        real, imag = analyse(pulses)
        h_real, h_imag = polar(*harmonic)
        open_ = torch.sigmoid(voiced)[..., None]
        n_real, n_imag = analyse(noise)
        s_real, s_imag = polar(*hiss)
        out_real = open_ * (real * h_real - imag * h_imag) + n_real * s_real - n_imag * s_imag
        out_imag = open_ * (real * h_imag + imag * h_real) + n_real * s_imag + n_imag * s_real
        made = out_real @ inverse_cos + out_imag @ inverse_sin
        spread = -(-c.n_fft // c.hop)
        parts = F.pad(made, (0, spread * c.hop - c.n_fft)).reshape(1, frames, spread, c.hop)
        total = F.pad(parts[:, :, 0], (0, 0, 0, spread - 1))
        for k in range(1, spread):
            total = total + F.pad(parts[:, :, k], (0, 0, k, spread - 1 - k))
        audio = total.reshape(1, -1)[:, side : side + frames * c.hop]
        return audio, starts.float()


def export_decoder(decoder: Decoder, folder: Path) -> None:
    """Writes ``latents.onnx`` and ``vocoder.onnx``."""
    c = decoder.config
    folder.mkdir(parents=True, exist_ok=True)
    codes, frames = torch.arange(6)[None], 24
    latents = trace(
        _Latents(decoder),
        (codes, torch.arange(5)[None], torch.zeros(1, 6, dtype=torch.int64), torch.zeros(1, c.ge_dim)),
        ("codes", "phones", "align", "condition"), ("z",),
        {"codes": {1: "tokens"}, "align": {1: "tokens"}, "phones": {1: "phones"}, "z": {2: "frames"}},
    )  # fmt: skip
    vocoder = trace(
        _Vocoder(decoder),
        (torch.randn(1, c.dim, frames), torch.zeros(1, c.ge_dim), torch.zeros(1), torch.randn(1, frames * c.hop)),
        ("z", "condition", "phase", "noise"), ("audio", "phases"),
        {"z": {2: "frames"}, "noise": {1: "samples"}, "audio": {1: "samples"}, "phases": {1: "edges"}}, fold=False,
    )  # fmt: skip
    for name, graph in (("latents", latents), ("vocoder", vocoder)):
        onnx.save(graph, str(folder / f"{name}.onnx"))
