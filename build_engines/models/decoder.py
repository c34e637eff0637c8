"""The acoustic decoder of a distilled voice: semantic tokens, phones and a speaker embedding become sound.

Two parts, as two graphs: :class:`Latents` (tokens and the phone each of them speaks → 100 Hz latents; the role of
GPT-SoVITS's enc_p and flow) and :class:`Vocoder` (latents → waveform): a source-filter model. A band-limited pulse
train at the predicted F0 and white noise are shaped in the STFT domain by predicted envelopes; the harmonic filter has
the minimum phase that belongs to its envelope, plus a learned correction. Every output sample depends on few frames,
so windows with that context equal the whole utterance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from build_engines.models.layers import ConvNeXt
from build_engines.models.tokenizer import FSQ, Trunk

__all__ = ["Decoder", "DecoderConfig", "Latents", "Vocoder", "pulse_train"]


@dataclass(frozen=True)
class DecoderConfig:
    """Dimensions; the defaults are the default voice's."""

    sample_rate: int = 24_000
    hop: int = 240
    dim: int = 256
    ge_dim: int = 64
    phone_dim: int = 128
    phoneme_vocab_size: int = 732
    blocks: tuple[int, int, int] = (3, 3, 3)
    kernel: int = 5
    fsq_dims: int = 5
    fsq_levels: int = 4
    n_fft: int = 1024
    window: int = 720
    harmonic_bands: int = 96
    noise_bands: int = 64
    phase_bands: int = 48

    @property
    def latent_context_tokens(self) -> int:
        """Tokens on each side that a token's latents depend on."""
        reach = self.kernel // 2
        frames = [count * reach for count in self.blocks]
        return int(np.ceil(frames[0] + frames[1] / 2 + frames[2] / 4)) + 1


def _band_matrix(bands: int, config: DecoderConfig) -> NDArray[np.float64]:
    """[bands, bins]: linear interpolation from mel-spaced band values to STFT bins."""
    top = 2595 * np.log10(1 + config.sample_rate / 2 / 700)
    centres = 700 * (10 ** (np.linspace(0, top, bands) / 2595) - 1)
    bins = np.linspace(0, config.sample_rate / 2, config.n_fft // 2 + 1)
    return np.stack([np.interp(bins, centres, row) for row in np.eye(bands)])


def _minimum_phase(log_magnitude: NDArray[np.float64], n_fft: int) -> NDArray[np.float64]:
    """The phase of the minimum-phase filter with this log-magnitude [.., bins]: linear in it (folded cepstrum)."""
    cepstrum = np.fft.irfft(log_magnitude, n_fft)
    fold = np.zeros(n_fft)
    fold[0] = fold[n_fft // 2] = 1
    fold[1 : n_fft // 2] = 2
    return np.fft.rfft(cepstrum * fold).imag


def pulse_train(phase: Tensor, f0_hz: Tensor, sample_rate: int) -> Tensor:
    """Sum of all harmonics below the Nyquist frequency with unit power; phase in cycles, both [B, N]."""
    count = torch.floor(sample_rate / 2 / f0_hz)
    angle = np.pi * (phase - torch.round(phase))
    near = torch.abs(angle) < 1e-4
    safe = torch.where(near, torch.full_like(angle, 1e-4), angle)
    ratio = torch.where(near, 2 * count + 1, torch.sin((2 * count + 1) * safe) / torch.sin(safe))
    return (ratio - 1) * torch.sqrt(0.5 / count)


class Latents(nn.Module):
    """Tokens [B, T], phones [B, P], align [B, T] (which phone each token speaks, -1 = unknown), ge → z [B, 4T, dim]."""

    values: Tensor

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.from_code = nn.Linear(config.fsq_dims, config.dim)
        self.register_buffer("values", FSQ(config.fsq_levels, config.fsq_dims).values(), persistent=False)
        self.phone_embedding = nn.Embedding(config.phoneme_vocab_size, config.phone_dim)
        self.phone_blocks = nn.ModuleList(ConvNeXt(config.phone_dim, kernel=3, expansion=2) for _ in range(2))
        self.from_phone = nn.Linear(config.phone_dim, config.dim)
        self.unknown_phone = nn.Parameter(torch.zeros(config.dim))
        self.trunk = Trunk(config.dim, config.ge_dim, config.blocks, config.kernel)

    def forward(self, codes: Tensor, phones: Tensor, align: Tensor, ge: Tensor) -> Tensor:
        x = self.phone_embedding(phones)
        for block in self.phone_blocks:
            x = block(x)
        context = self.from_phone(x)
        index = align.clamp(min=0)[:, :, None].expand(-1, -1, context.shape[2])
        spoken = torch.gather(context, 1, index)
        spoken = torch.where((align >= 0)[:, :, None], spoken, self.unknown_phone)
        hidden = self.from_code(self.values[codes]) + spoken
        return self.trunk(hidden, ge)  # type: ignore[no-any-return]


class Vocoder(nn.Module):
    """z [B, T, dim] and ge → control curves, and those → audio."""

    harmonic_log: Tensor
    harmonic_phase: Tensor
    noise_log: Tensor
    noise_phase: Tensor
    phase_map: Tensor
    window: Tensor

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.norm = nn.LayerNorm(config.dim)
        widths = (2, config.harmonic_bands, config.noise_bands, config.phase_bands)
        self.widths = widths
        self.head = nn.Linear(config.dim, sum(widths))
        self.f0_base = nn.Linear(config.ge_dim, 1)
        nn.init.normal_(self.head.weight, std=0.02)
        with torch.no_grad():
            self.head.bias.zero_()
            self.head.bias[2 : 2 + widths[1]] = -3.0
            self.head.bias[2 + widths[1] : 2 + widths[1] + widths[2]] = -5.0
        harmonic = _band_matrix(config.harmonic_bands, config)
        tensors = {
            "harmonic_log": harmonic,
            "harmonic_phase": _minimum_phase(harmonic, config.n_fft),
            "noise_log": _band_matrix(config.noise_bands, config),
            "noise_phase": _minimum_phase(_band_matrix(config.noise_bands, config), config.n_fft),
            "phase_map": _band_matrix(config.phase_bands, config),
            "window": np.hanning(config.window + 1)[:-1],
        }
        for name, value in tensors.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32), persistent=False)

    def curves(self, z: Tensor, ge: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """log-F0 and voicing logit [B, T]; log-magnitude and phase [B, T, bins] of the harmonic and noise filters."""
        pitch, harmonic, noise, phase = self.head(self.norm(z)).split(self.widths, dim=-1)
        log_f0 = pitch[..., 0] + self.f0_base(ge) + 5.0
        harmonic = harmonic.clamp(max=6.0)
        noise = noise.clamp(max=6.0)
        angle = harmonic @ self.harmonic_phase + phase @ self.phase_map
        filters = (harmonic @ self.harmonic_log, angle), (noise @ self.noise_log, noise @ self.noise_phase)
        return log_f0, pitch[..., 1], *filters

    def sample_f0(self, f0: Tensor) -> Tensor:
        """F0 of each sample [B, T*hop] from F0 at frame starts [B, T+1], linear in between."""
        ramp = torch.arange(self.config.hop, device=f0.device, dtype=f0.dtype) / self.config.hop
        return (f0[:, :-1, None] + (f0[:, 1:] - f0[:, :-1])[..., None] * ramp).flatten(1)

    def shape(
        self,
        pulses: Tensor,
        noise: Tensor,
        voiced: Tensor,
        harmonic: tuple[Tensor, Tensor],
        hiss: tuple[Tensor, Tensor],
    ) -> Tensor:
        """Filter both sources [B, N] frame by frame and overlap-add: audio [B, N]."""
        c = self.config
        side = (c.window - c.hop) // 2
        scale = 1.0 / 1.5  # a Hann window that hops a third of its length sums to 1.5
        sources = F.pad(torch.stack([pulses, noise], 1), (side, side)).unfold(-1, c.window, c.hop) * self.window
        spectra = torch.fft.rfft(F.pad(sources, (0, c.n_fft - c.window)))
        gain = torch.exp(harmonic[0]) * torch.sigmoid(voiced)[..., None]
        shaped = spectra[:, 0] * torch.polar(gain, harmonic[1])
        shaped = shaped + spectra[:, 1] * torch.polar(torch.exp(hiss[0]), hiss[1])
        frames = torch.fft.irfft(shaped, c.n_fft) * scale
        blocks = -(-c.n_fft // c.hop)
        b, t, _ = frames.shape
        pieces = F.pad(frames, (0, blocks * c.hop - c.n_fft)).view(b, t, blocks, c.hop)
        total = sum(F.pad(pieces[:, :, k], (0, 0, k, blocks - 1 - k)) for k in range(blocks))
        audio = total.flatten(1)  # type: ignore[union-attr]
        return audio[:, side : side + t * c.hop]

    def forward(self, z: Tensor, ge: Tensor, f0_hz: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Training: audio [B, T*hop] on a given F0 at frame starts [B, T+1]; with log-F0 and voicing predictions."""
        log_f0, voiced, harmonic, hiss = self.curves(z, ge)
        f0 = self.sample_f0(f0_hz)
        phase = torch.cumsum(f0.double() / self.config.sample_rate, 1).float() % 1.0
        pulses = pulse_train(phase, f0, self.config.sample_rate)
        return self.shape(pulses, noise, voiced, harmonic, hiss), log_f0, voiced


class Decoder(nn.Module):
    """Latents and vocoder together, as training sees them."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.latents = Latents(config)
        self.vocoder = Vocoder(config)
