"""The last stage: an encoder that enrolls anyone, trained against the finished voice's frozen decoder.

A recording's embedding is right when what the decoder says with it has the recording's statistics. No words need to
agree, so any recordings serve. Beside that the encoder hears the decoder's own speech, whose embedding is known, and
must find it.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from build_engines.export.graph import trace
from build_engines.models.speaker_encoder import EncoderConfig, Reference, SpeakerEncoder
from build_engines.training.enrolment_data import Clip, draw_tokens, load_clips, load_drafts, save_clips, save_drafts
from build_engines.training.loop import Budget, train
from build_engines.training.shipped import shipped_decoder
from build_engines.training.talker import Statistics, Talker, statistics
from build_engines.training.texts import training_texts
from edge_tts.bundle import open_bundle

__all__ = ["EncoderTrainer", "Person", "export_reference", "golden_reference", "people", "train_encoder"]

_REAL, _MADE = 9, 3  # rows of a batch: recordings, and speech of embeddings drawn at random
_SECONDS = (3.0, 7.0)  # of a reference
_NEARNESS = 0.4  # scale of distances between embeddings: the voice's own speakers are 1.2 to 2.1 apart
_SENTENCES = 450
_CROPS = 240
_KNOWN = {"lj": "linda"}  # recordings of a speaker whose embedding the voice has


@dataclass(frozen=True)
class Person:
    """One speaker: clips, the statistics of all of them, and the embedding where it is known."""

    clips: list[Clip]
    target: Statistics
    known: Tensor | None


def people(clips: Sequence[Clip], known: Mapping[str, Tensor]) -> list[Person]:
    """Clips by speaker."""
    groups: dict[str, list[Clip]] = {}
    for clip in clips:
        groups.setdefault(clip.speaker, []).append(clip)
    found = []
    for name, group in groups.items():
        mel = torch.cat([magnitudes(c.log_mel) for c in group])[None]
        f0 = torch.from_numpy(np.concatenate([c.f0_hz for c in group]).astype(np.float32))[None]
        log_f0 = torch.log(f0.clamp(min=50.0))
        found.append(Person(group, statistics(mel, (f0 > 0).float(), log_f0), known.get(name)))
    return found


def magnitudes(log_mel: NDArray[np.float16]) -> Tensor:
    """Mel magnitudes of stored logarithms."""
    return torch.exp(torch.from_numpy(log_mel.astype(np.float32)))


class EncoderTrainer:
    """Draws batches and gives the losses; ``known`` [A, G] are the voice's own speakers."""

    def __init__(
        self, encoder: SpeakerEncoder, talker: Talker, persons: Sequence[Person], known: Tensor, seed: int = 0
    ) -> None:
        self.encoder, self.talker, self.persons, self.known = encoder, talker, persons, known
        self.rng = np.random.default_rng(seed)
        # Several recordings of a person say more, but not in proportion to their number.
        share = np.sqrt([len(p.clips) for p in persons])
        self.share = share / share.sum()

    def _crop(self, person: Person, frames: int) -> Tensor:
        """Mel magnitudes [frames, mels] of a random stretch; short recordings are repeated."""
        clip = person.clips[int(self.rng.integers(len(person.clips)))]
        first = int(self.rng.integers(0, max(1, len(clip.log_mel) - frames + 1)))
        part = clip.log_mel[first : first + frames]
        mel = magnitudes(np.resize(part, (frames, part.shape[1])))
        return self._disturb(mel)

    def _disturb(self, mel: Tensor) -> Tensor:
        """Some background noise and some colour of the microphone: the embedding should not follow them."""
        rng = self.rng
        bands = torch.linspace(-1, 1, mel.shape[1])
        colour = 0.12 * (rng.standard_normal() * bands + rng.standard_normal() * torch.cos(np.pi * bands))
        mel = mel * torch.exp(colour)
        if rng.random() < 0.5:
            level = float(mel.square().mean().sqrt()) * 10 ** -rng.uniform(0.75, 2.0)
            slope = torch.exp(-rng.uniform(0, 1.0) * (bands + 1))
            noise = level * slope * torch.from_numpy(rng.rayleigh(0.8, tuple(mel.shape)).astype(np.float32))
            mel = torch.sqrt(mel**2 + noise**2)
        return mel

    def _random(self, near: Tensor) -> Tensor:
        """Embeddings between those of the voice's speakers and of this batch's, somewhat beside them."""
        points = torch.cat([self.known, near])
        weight = torch.from_numpy(self.rng.dirichlet(np.full(len(points), 0.25), _MADE).astype(np.float32))
        beside = torch.from_numpy(self.rng.standard_normal((_MADE, points.shape[1])).astype(np.float32))
        return F.layer_norm(weight @ points + 0.4 * beside, points.shape[1:])

    def losses(self) -> dict[str, Tensor]:
        """One batch."""
        rng, talker = self.rng, self.talker
        chosen = [self.persons[i] for i in rng.choice(len(self.persons), _REAL, replace=False, p=self.share)]
        frames = 2 * int(rng.uniform(*_SECONDS) * 50)
        heard = torch.stack([self._crop(p, frames) for _ in range(2) for p in chosen])
        ge, other = self.encoder(heard).split(_REAL)
        spoken = torch.cat([ge, self._random(ge.detach())])
        rows = rng.choice(len(talker.crops), len(spoken), replace=False)
        mel, found = talker(spoken, rows)
        target = Statistics(
            torch.cat([p.target.spectrum for p in chosen]), torch.cat([p.target.log_f0 for p in chosen])
        )
        real = torch.arange(_REAL)
        made, content = found[real], talker.content[torch.from_numpy(rows[:_REAL])]
        error = (made.spectrum - content.spectrum - target.spectrum).abs().mean(2).mean(0)
        pitch = (made.log_f0 - content.log_f0 - target.log_f0).abs().mean()
        again = self.encoder(mel.detach())
        apart = talker.distance(ge[:, None], other[None])
        same = torch.diagonal(apart).mean()
        back = talker.distance(again, spoken.detach()).mean()
        anchored = [talker.distance(g, p.known) for g, p in zip(ge, chosen, strict=True) if p.known is not None]
        strength = talker.distance(spoken[:_REAL], torch.zeros_like(spoken[:1]))
        return {
            "voiced": error[0],
            "spread": 0.5 * error[1],
            "unvoiced": 0.5 * error[2],
            "f0": 4 * pitch,
            "same": 0.3 * same / _NEARNESS,
            "apart": 0.05 * F.cross_entropy(-apart / 0.1, real),
            "again": 0.3 * back / _NEARNESS,
            "anchor": 0.1 * torch.stack(anchored).sum() / _NEARNESS if anchored else torch.zeros(()),
            "strength": torch.relu(strength - 1.0).mean(),
            "_strength": strength.mean(),
        }


def export_reference(encoder: SpeakerEncoder, path: Path) -> None:
    """Write the graph ``reference``: audio [1, N] at the voice's rate → ge [1, G]. N is free from 2 hops on."""
    example = torch.randn(1, encoder.config.sample_rate) * 0.1
    # Not folded: the tables of the Fourier transform would be stored whole.
    model = trace(Reference(encoder), (example,), ("audio",), ("ge",), {"audio": {1: "samples"}}, fold=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))


def golden_reference(graph: Path) -> dict[str, NDArray[np.float32]]:
    """Input and output of the graph, to certify it where it runs: three seconds of a humming voice.

    The samples are coarse, so that they pack well.
    """
    rate = EncoderConfig().sample_rate
    time = np.arange(3 * rate) / rate
    cycles = 130 * time + 15 * np.sin(2 * np.pi * 0.7 * time)
    harmonics = sum(np.sin(2 * np.pi * k * cycles) / k**1.2 for k in range(1, 40))
    syllables = np.clip(np.sin(2 * np.pi * 3.1 * time) + 0.6, 0, None)
    audio = (np.round(0.08 * harmonics * syllables * 128) / 128).astype(np.float32)[None]
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    return {"in_audio": audio, "out_ge": session.run(["ge"], {"audio": audio})[0]}


def train_encoder(bundle: Path, data: Path, work: Path, minutes: float) -> Path:
    """Train the encoder of a finished voice; the graph ``reference.onnx`` in ``work/encoder``. Resumes."""
    folder = work / "encoder"
    folder.mkdir(parents=True, exist_ok=True)
    clips, drafts = folder / "clips.npz", folder / "drafts.npz"
    if not clips.exists():
        save_clips(data, clips)
    if not drafts.exists():
        texts = [t.text for t in training_texts(data / "texts_en" / "sentences.csv")]
        random.Random(0).shuffle(texts)
        save_drafts(draw_tokens(bundle, texts[:_SENTENCES]), drafts)
    opened = open_bundle(bundle)
    known = {name: torch.from_numpy(opened.speaker(name).ge) for name in sorted(opened.manifest.speakers)}
    anchors = torch.stack(list(known.values()))
    torch.manual_seed(0)
    encoder = SpeakerEncoder(EncoderConfig())
    talker = Talker(shipped_decoder(bundle), load_drafts(drafts), anchors, _CROPS)
    persons = people(load_clips(clips), {who: known[name] for who, name in _KNOWN.items() if name in known})
    trainer = EncoderTrainer(encoder, talker, persons, anchors)
    train("encoder", encoder, trainer.losses, folder, Budget(minutes), 1.5e-3, warmup=50, average=0.995)
    state = torch.load(folder / "encoder.pt", map_location="cpu", weights_only=True)["average"]
    encoder.load_state_dict(state)
    export_reference(encoder.eval(), folder / "reference.onnx")
    return folder / "reference.onnx"
