"""The finished voice's decoder as a frozen talker: embeddings → speech, and what remains of speech in the long run.

Speech that says different words is compared by statistics: the mean spectrum of voiced and of unvoiced sound, the
spread of the former, and the register of F0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from build_engines.models.decoder import Decoder, pulse_train
from build_engines.models.layers import FiLMConvNeXt
from build_engines.models.speaker_encoder import EncoderConfig, SpeechMel, levelled
from build_engines.training.enrolment_data import Draft

__all__ = ["Statistics", "Talker", "statistics"]

_TOKENS = 60  # of one crop
_BANDS = 76  # the bands above are empty in slowed 16 kHz recordings
_ROWS = 16


@dataclass(frozen=True)
class Statistics:
    """Natural logarithms: spectrum [B, 3, bands] (mean of voiced frames, their deviation, mean of unvoiced frames) and
    log_f0 [B], the mean of voiced frames."""

    spectrum: Tensor
    log_f0: Tensor

    def __getitem__(self, rows: Tensor | slice) -> Statistics:
        return Statistics(self.spectrum[rows], self.log_f0[rows])


def statistics(mel: Tensor, voiced: Tensor, log_f0: Tensor) -> Statistics:
    """mel magnitudes [B, T, mels], voiced 0 or 1 [B, T] and log-F0 [B, T] where voiced."""
    frames, active = levelled(mel)
    frames = frames[:, :, :_BANDS]

    def mean(x: Tensor, weight: Tensor) -> Tensor:
        share = weight / weight.sum(1, keepdim=True).clamp(min=1.0)
        return (share[:, :, None] * x).sum(1)

    loud, hiss = active * voiced, active * (1 - voiced)
    tone = mean(frames, loud)
    spread = torch.sqrt(mean((frames - tone[:, None]) ** 2, loud) + 1e-4)
    return Statistics(torch.stack([tone, spread, mean(frames, hiss)], 1), mean(log_f0[:, :, None], loud)[:, 0])


class Talker:
    """The frozen decoder with crops of tokens to speak, and what each crop adds to the statistics by its words."""

    def __init__(
        self, decoder: Decoder, drafts: Sequence[Draft], anchors: Tensor, crops: int, tokens: int = _TOKENS
    ) -> None:
        """``anchors`` [A, G] are known embeddings, under which the crops, of ``tokens`` tokens each, are compared."""
        self.decoder, self.mel = decoder, SpeechMel(EncoderConfig())
        rng = np.random.default_rng(0)
        long = [d for d in drafts if len(d.codes) >= tokens]
        self.crops: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
        for i in rng.permutation(len(long))[:crops]:
            first = int(rng.integers(0, len(long[i].codes) - tokens + 1))
            part = slice(first, first + tokens)
            self.crops.append((long[i].codes[part], long[i].align[part], long[i].phones))
        films = [m.film.weight for m in decoder.modules() if isinstance(m, FiLMConvNeXt)]
        weight = torch.cat(films)
        self.metric = weight.T @ weight / len(weight)
        self.content = self._content(anchors)

    @torch.no_grad()
    def _content(self, anchors: Tensor) -> Statistics:
        """By how much each crop's statistics differ from the mean of all, averaged over the anchors."""
        spectra, pitches = [], []
        for ge in anchors:
            parts = np.array_split(np.arange(len(self.crops)), -(-len(self.crops) // _ROWS))
            found = [self(ge.expand(len(rows), -1), rows)[1] for rows in parts]
            spectrum, pitch = torch.cat([s.spectrum for s in found]), torch.cat([s.log_f0 for s in found])
            spectra.append(spectrum - spectrum.mean(0))
            pitches.append(pitch - pitch.mean())
        return Statistics(torch.stack(spectra).mean(0), torch.stack(pitches).mean(0))

    def __call__(self, ge: Tensor, rows: NDArray[np.int64]) -> tuple[Tensor, Statistics]:
        """Mel magnitudes [B, T, mels] and statistics of crops spoken with embeddings [B, G]."""
        chosen = [self.crops[i] for i in rows]
        longest = max(len(p) for _, _, p in chosen)
        codes = torch.from_numpy(np.stack([c for c, _, _ in chosen]))
        align = torch.from_numpy(np.stack([a for _, a, _ in chosen]))
        phones = torch.from_numpy(np.stack([np.pad(p, (0, longest - len(p))) for _, _, p in chosen]))
        z = self.decoder.latents(codes, phones, align, ge)
        log_f0, voiced, harmonic, hiss = self.decoder.vocoder.curves(z, ge)
        f0 = torch.exp(log_f0.detach().clamp(3.9, 6.3))
        samples = self.decoder.vocoder.sample_f0(torch.cat([f0, f0[:, -1:]], 1))
        rate = self.decoder.config.sample_rate
        phase = torch.cumsum(samples.double() / rate, 1).float() % 1.0
        pulses, noise = pulse_train(phase, samples, rate), torch.randn_like(samples)
        audio = self.decoder.vocoder.shape(pulses, noise, voiced, harmonic, hiss)
        mel = self.mel(audio)
        return mel, statistics(mel, (voiced > 0).float(), log_f0)

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        """How differently embeddings [.., G] modulate the decoder: mean squared difference of its gains and shifts."""
        difference = a - b
        return ((difference @ self.metric) * difference).sum(-1)
