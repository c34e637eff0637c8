"""Stage 1: the semantic tokenizer and the reference encoder, and with them the tokens of every utterance."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from build_engines.models.tokenizer import MelSpectrogram, Tokenizer, TokenizerConfig
from build_engines.training.batches import CropSampler, Shelf
from build_engines.training.corpus import Corpus
from build_engines.training.loop import Budget, autocast, device, train

__all__ = ["load_tokenizer", "tokenize", "train_tokenizer"]

_WARP_SHARE = 0.4


def _objective(model: Tokenizer, mel: MelSpectrogram, sampler: CropSampler) -> Callable[[], dict[str, Tensor]]:
    crops = iter(sampler)
    rng = np.random.default_rng(7)
    where = device()

    def losses() -> dict[str, Tensor]:
        crop = next(crops)
        warp = int(rng.integers(0, len(mel.warps))) if rng.random() < _WARP_SHARE else 3
        with torch.no_grad():
            target = mel(crop.audio.to(where), warp)
            reference = mel(crop.reference.to(where), warp)
            noisy = target + 0.1 * torch.randn_like(target) * torch.rand(len(target), 1, 1, device=where)
        with autocast():
            ge = model.reference(reference)
            quantized, tokens, hidden = model.encode(noisy)
            from_tokens, from_hidden = model.phones(quantized, hidden)
            made, log_f0, voiced = model.decode(quantized, ge)
            who = model.speaker_head(ge)
        labels = crop.classes.to(where)[:, 1::2]
        f0 = crop.f0_hz.to(where)
        is_voiced = f0 > 0
        pitch_error = (log_f0.float() - torch.log(f0.clamp(min=50))).abs()
        known = labels >= 0
        right = (from_tokens.argmax(-1) == labels) & known
        right_hidden = (from_hidden.argmax(-1) == labels) & known
        phones = F.cross_entropy(from_tokens.float().transpose(1, 2), labels, ignore_index=-100)
        frames = F.cross_entropy(from_hidden.float().transpose(1, 2), labels, ignore_index=-100)
        return {
            "mel": 1.5 * (made.float() - target).abs().mean(),
            "phone": 0.7 * torch.nan_to_num(phones),
            "frame_phone": 0.4 * torch.nan_to_num(frames),
            "f0": 1.5 * (pitch_error * is_voiced).sum() / is_voiced.sum().clamp(min=1),
            "voicing": 0.3 * F.binary_cross_entropy_with_logits(voiced.float(), is_voiced.float()),
            "speaker": 0.1 * F.cross_entropy(who.float(), crop.speakers.to(where)) * float(warp == 3),
            "_right": right.sum() / known.sum().clamp(min=1),
            "_right_hidden": right_hidden.sum() / known.sum().clamp(min=1),
            "_used": torch.tensor(float(len(torch.unique(tokens)))),
        }

    return losses


def train_tokenizer(shelf: Shelf, folder: Path, minutes: float, batch: int = 20) -> None:
    """Train into ``folder/tokenizer.pt``."""
    config = TokenizerConfig()
    torch.manual_seed(0)
    model = Tokenizer(config, len(shelf.speaker_names)).to(device())
    mel = MelSpectrogram(config).to(device())
    sampler = CropSampler(shelf, batch, tokens=40, reference_tokens=60, seed=0)
    train("tokenizer", model, _objective(model, mel, sampler), folder, Budget(minutes), 1.5e-3, average=0.998)


def load_tokenizer(folder: Path) -> tuple[Tokenizer, MelSpectrogram]:
    """The trained tokenizer (averaged weights) and its mel front end."""
    state = torch.load(folder / "tokenizer.pt", map_location="cpu", weights_only=True)["average"]
    model = Tokenizer(TokenizerConfig(), speakers=len(state["speaker_head.bias"]))
    model.load_state_dict(state)
    return model.eval().to(device()), MelSpectrogram(model.config).to(device())


@torch.inference_mode()
def tokenize(model: Tokenizer, mel: MelSpectrogram, corpus: Corpus, path: Path) -> None:
    """Tokens, speaker embedding and phone log-probabilities of every utterance, into one ``.npz``."""
    tokens, embeddings, phones = [], [], []
    for i in tqdm(range(len(corpus)), desc=f"tokens of {path.stem}"):
        audio = torch.from_numpy(corpus.utterance(i).audio)[None].to(device())
        with autocast():
            frames = mel(audio)
            quantized, codes, hidden = model.encode(frames)
            tokens.append(codes[0].cpu().numpy().astype(np.int16))
            embeddings.append(model.reference(frames)[0].float().cpu().numpy())
            posterior = torch.log_softmax(model.phones(quantized, hidden)[1].float(), -1)[0]
            phones.append(posterior.cpu().numpy().astype(np.float16))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        tokens=np.concatenate(tokens),
        counts=np.array([len(t) for t in tokens]),
        ge=np.stack(embeddings),
        phones=np.concatenate(phones),
    )
    part.rename(path)
