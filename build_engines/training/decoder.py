"""Stage 2a: the acoustic decoder, first on spectral losses, then with small discriminators."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from build_engines.models.decoder import Decoder, DecoderConfig
from build_engines.models.discriminator import Discriminators, magnitude, usable
from build_engines.models.tokenizer import MelSpectrogram, ReferenceEncoder, TokenizerConfig
from build_engines.training.batches import Crop, CropSampler, Shelf
from build_engines.training.loop import Budget, autocast, device, train
from edge_tts.text.symbols import phone_ids

__all__ = ["DecoderTrainer", "Library", "spectral_loss", "train_decoder"]

_RESOLUTIONS = ((2048, 480), (1024, 240), (384, 96))
_UNKNOWN_PHONES = 0.1
_JITTER = 0.25
_BORROWED_VOICE = 0.3
_HIGH_BAND_HZ = 7_200.0


class Library:
    """Tokens, pointers and phones of everything on a shelf, by utterance number."""

    def __init__(self, shelf: Shelf, token_files: Sequence[Path]) -> None:
        self.tokens: list[NDArray[np.int64]] = []
        for path in token_files:
            with np.load(path, allow_pickle=False) as data:
                self.tokens += np.split(data["tokens"].astype(np.int64), np.cumsum(data["counts"])[:-1])
        self.shelf = shelf
        if len(self.tokens) != len(shelf.items):
            raise ValueError(f"{len(self.tokens)} token sequences for {len(shelf.items)} utterances")

    def crop(
        self, number: int, first: int, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """codes [count], pointer [count] (-1 unknown), phone ids [P] of a crop."""
        codes = self.tokens[number][first : first + count]
        u = self.shelf.utterance(number)
        pointer = u.align[2::4][first : first + count].astype(np.int64)
        missing = count - len(codes)
        phones = np.array(phone_ids(u.phones) if u.phones else [0], dtype=np.int64)
        return np.pad(codes, (0, missing)), np.pad(pointer, (0, missing), mode="edge"), phones


def spectral_loss(made: Tensor, target: Tensor, low_hz: Tensor, high_hz: Tensor, sample_rate: int) -> Tensor:
    """Mean log-magnitude and magnitude error over three resolutions, inside each row's band [low, high]."""
    total = made.new_zeros(())
    high_hz = usable(high_hz, sample_rate)
    for n_fft, hop in _RESOLUTIONS:
        a, b = magnitude(made, n_fft, hop), magnitude(target, n_fft, hop)
        bins = torch.linspace(0, sample_rate / 2, a.shape[1], device=a.device)
        inside = ((bins >= low_hz[:, None]) & (bins <= high_hz[:, None])).float()[:, :, None]
        # Half of the weight goes by mel density: ears resolve low frequencies better.
        inside = inside * (0.5 + 700 / (700 + bins))[None, :, None]
        weight = inside.expand_as(a)
        floor = 2e-3 * n_fft / 1024
        log_error = (torch.log(a + floor) - torch.log(b + floor)).abs()
        total = total + (log_error * weight).sum() / weight.sum()
        total = total + 0.5 * ((a - b).abs() * weight).sum() / (b * weight).sum().clamp(min=1.0)
    return total / len(_RESOLUTIONS)


class DecoderTrainer(nn.Module):
    """Decoder, reference encoder and (in the second phase) discriminators, as one module to optimize."""

    def __init__(self, adversarial: bool) -> None:
        super().__init__()
        self.decoder = Decoder(DecoderConfig())
        self.reference = ReferenceEncoder(TokenizerConfig())
        self.discriminators = Discriminators(self.decoder.config.sample_rate) if adversarial else None

    def adversary(self, made: Tensor, target: Tensor, bandwidth: Tensor) -> dict[str, Tensor]:
        """Least-squares losses of both sides and feature matching; gradients reach only the side they are for."""
        net = self.discriminators
        assert net is not None
        real, fake = net(target, bandwidth), net(made.detach(), bandwidth)
        own = sum(((r - 1) ** 2).mean() + (f**2).mean() for (r, _), (f, _) in zip(real, fake, strict=True))
        net.requires_grad_(False)
        judged = net(made, bandwidth)
        net.requires_grad_(True)
        fool = sum(((f - 1) ** 2).mean() for f, _ in judged)
        match = sum(
            (a - b.detach()).abs().mean()
            for (_, left), (_, right) in zip(judged, real, strict=True)
            for a, b in zip(left, right, strict=True)
        )
        return {"judge": own, "fool": 0.15 * fool, "match": 0.5 * match}


def _objective(trainer: DecoderTrainer, sampler: CropSampler, library: Library) -> Callable[[], dict[str, Tensor]]:
    crops = iter(sampler)
    rng = np.random.default_rng(11)
    where = device()
    mel = MelSpectrogram(TokenizerConfig()).to(where)
    rate = trainer.decoder.config.sample_rate
    registers = torch.from_numpy(sampler.shelf.registers())

    def conditions(crop: Crop) -> tuple[Tensor, Tensor, Tensor]:
        count = sampler.tokens
        rows = [library.crop(n, f, count) for n, f in zip(crop.numbers, crop.first_tokens, strict=True)]
        longest = max(len(p) for _, _, p in rows)
        codes = np.stack([c for c, _, _ in rows])
        align = np.stack([a for _, a, _ in rows])
        phones = np.stack([np.pad(p, (0, longest - len(p))) for _, _, p in rows])
        for i in range(len(rows)):
            if rng.random() < _UNKNOWN_PHONES:
                align[i] = -1
            elif rng.random() < _JITTER:  # the GPT's pointer is sometimes a token early or late
                shift = int(rng.choice([-1, 1]))
                moved = np.roll(align[i], shift)
                moved[0 if shift > 0 else -1] = align[i][0 if shift > 0 else -1]
                a = int(rng.integers(0, count))
                align[i][a : a + 8] = moved[a : a + 8]
        to = [torch.from_numpy(x).to(where) for x in (codes, phones, align)]
        return to[0], to[1], to[2]

    def losses() -> dict[str, Tensor]:
        crop = next(crops)
        codes, phones, align = conditions(crop)
        audio, f0 = crop.audio.to(where), crop.f0_hz.to(where)
        bandwidth = crop.bandwidth.to(where)
        with torch.no_grad():
            reference = mel(crop.reference.to(where))
        with autocast():
            ge = trainer.reference(reference)
        ge = ge.float()
        # Some rows borrow another row's voice. Where the recording is wide-band they are judged above 7.2 kHz: so
        # narrow-band speakers get a high band. And F0 must move to the other voice's register.
        borrowed = torch.rand(len(ge), device=where) < _BORROWED_VOICE
        ge = torch.where(borrowed[:, None], ge.roll(1, 0), ge)
        register = registers[crop.speakers].to(where)
        moved = torch.where(borrowed, register.roll(1, 0) - register, 0.0)[:, None]
        low = torch.where(borrowed, _HIGH_BAND_HZ, 0.0)
        with autocast():
            z = trainer.decoder.latents(codes, phones, align, ge)
        centres = crop.f0_filled.to(where)
        starts = torch.cat([centres[:, :1], (centres[:, 1:] + centres[:, :-1]) / 2], 1)
        noise = torch.randn_like(audio)
        made, log_f0, voiced = trainer.decoder.vocoder(z.float(), ge, starts, noise)
        is_voiced = f0 > 0
        pitch_error = (log_f0 - torch.log(starts[:, :-1]) - moved).abs()
        voicing = F.binary_cross_entropy_with_logits(voiced, (f0 > 0).float(), reduction="none")
        found = {
            "spectrum": spectral_loss(made, audio, low, bandwidth, rate),
            "f0": 2 * (pitch_error * is_voiced).sum() / is_voiced.sum().clamp(min=1),
            "voicing": 0.1 * voicing[~borrowed].mean(),
        }
        if trainer.discriminators is not None:
            half = slice(0, len(made) // 2)
            with autocast():
                adversary = trainer.adversary(made[half], audio[half], torch.where(borrowed, 0.0, bandwidth)[half])
            found |= {name: value.float() for name, value in adversary.items()}
        return found

    return losses


def train_decoder(
    shelf: Shelf, token_files: Sequence[Path], folder: Path, minutes: float, adversarial: bool, batch: int = 10
) -> None:
    """Train into ``folder/decoder.pt``, or go on from it with discriminators into ``folder/decoder_adversarial.pt``."""
    torch.manual_seed(1)
    trainer = DecoderTrainer(adversarial).to(device())
    name = "decoder_adversarial" if adversarial else "decoder"
    if adversarial:
        state = torch.load(folder / "decoder.pt", map_location="cpu", weights_only=True)["model"]
        trainer.load_state_dict({**trainer.state_dict(), **state})
    else:  # warm start from the tokenizer's reference encoder
        state = torch.load(folder / "tokenizer.pt", map_location="cpu", weights_only=True)["average"]
        own = {k.removeprefix("reference."): v for k, v in state.items() if k.startswith("reference.")}
        trainer.reference.load_state_dict(own)
    sampler = CropSampler(shelf, batch, tokens=36, reference_tokens=60, seed=2 if adversarial else 1)
    library = Library(shelf, token_files)
    peak = 4e-4 if adversarial else 1e-3
    objective = _objective(trainer, sampler, library)
    train(name, trainer, objective, folder, Budget(minutes), peak, average=0.998)
