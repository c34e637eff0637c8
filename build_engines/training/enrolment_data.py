"""What the speaker encoder learns from: real recordings of many people, and tokens that the finished voice drew itself.

Which speakers are kept out is decided by a hash of their names, so it never depends on order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from build_engines.models.speaker_encoder import EncoderConfig, SpeechMel
from build_engines.training.corpus import SAMPLE_RATE, fundamental_hz, load_audio
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.gpt.generation import Generation, Outcome
from edge_tts.graphs import load_graphs
from edge_tts.noise import sampling_noise
from edge_tts.text import front_end
from edge_tts.text.english.phrasing import with_breaks
from edge_tts.text.symbols import phone_ids

__all__ = [
    "RECORDINGS", "Clip", "Draft", "draw_tokens", "heldout", "load_clips", "load_drafts", "read_clips", "recordings",
    "save_clips", "save_drafts",
]  # fmt: skip

RECORDINGS = {"lj": "ljspeech_en_female", "ls251": "librispeech_251speakers", "ls7": "librispeech_7speakers"}
# Played faster or slower a recording is another person's: pitch and formants move together.
SPEEDS = (0.92, 1.0, 1.09)
HELDOUT = {"lj": 6, "ls251": 8, "ls7": 3}  # one of so many is kept out: of the speakers; of LJ's, the only one, clips
_MOST_PHONES = 150
_MOST_TOKENS = 600


@dataclass(frozen=True)
class Draft:
    """One sentence as the voice's GPT spoke it: codes [T], align [T] (the phone of each token), phones [P]."""

    codes: NDArray[np.int64]
    align: NDArray[np.int64]
    phones: NDArray[np.int64]


@dataclass(frozen=True)
class Clip:
    """One recording: log mel magnitudes float16 [T, mels], F0 in hertz float16 [T] (0 unvoiced), who speaks."""

    speaker: str
    log_mel: NDArray[np.float16]
    f0_hz: NDArray[np.float16]


def heldout(corpus: str, name: str) -> bool:
    """Whether a speaker (of LJ: a clip) is kept out of the encoder's training."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % HELDOUT[corpus] == 0


def recordings(data: Path) -> Iterator[tuple[str, str, Path]]:
    """(corpus, speaker, file) of everything in ``data``."""
    for corpus, folder in RECORDINGS.items():
        for line in (data / folder / "metadata.csv").read_text(encoding="utf-8").splitlines():
            row = line.split("|")
            yield corpus, "lj" if corpus == "lj" else f"ls{row[2]}", data / folder / "audio" / f"{row[0]}.flac"


def read_clips(path: Path, speaker: str, speeds: Sequence[float] = SPEEDS) -> Iterator[Clip]:
    """A recording as it is and at other speeds, each as a speaker of its own."""
    mel = SpeechMel(EncoderConfig())
    plain, _ = load_audio(path)
    for speed in speeds:
        audio = plain if speed == 1.0 else soxr.resample(plain, SAMPLE_RATE * speed, SAMPLE_RATE)
        f0 = fundamental_hz(audio.astype(np.float32))
        with torch.inference_mode():
            frames = mel(torch.from_numpy(audio.astype(np.float32))[None])[0, : len(f0)]
        log_mel = torch.log(frames + 1e-5).half().numpy()
        yield Clip(speaker if speed == 1.0 else f"{speaker}@{speed}", log_mel, f0[: len(log_mel)].astype(np.float16))


def save_clips(data: Path, path: Path) -> None:
    """Everything that is trained on, into one ``.npz``."""
    kept = [
        clip
        for corpus, speaker, file in tqdm(list(recordings(data)), desc="recordings")
        if not heldout(corpus, file.stem if corpus == "lj" else speaker)
        for clip in read_clips(file, speaker)
    ]
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        speakers=np.array([c.speaker for c in kept]),
        frames=np.array([len(c.f0_hz) for c in kept]),
        log_mel=np.concatenate([c.log_mel for c in kept]),
        f0=np.concatenate([c.f0_hz for c in kept]),
    )
    part.replace(path)


def load_clips(path: Path) -> list[Clip]:
    """What :func:`save_clips` has written."""
    with np.load(path, allow_pickle=False) as saved:
        cuts = np.cumsum(saved["frames"])[:-1]
        mels, f0s = np.split(saved["log_mel"], cuts), np.split(saved["f0"], cuts)
        return [Clip(str(s), m, f) for s, m, f in zip(saved["speakers"], mels, f0s, strict=True)]


def draw_tokens(bundle: Path, texts: Sequence[str]) -> Iterator[Draft]:
    """Let the speakers of an English bundle with pointers read by turns."""
    opened = open_bundle(bundle)
    graphs, manifest = load_graphs(opened, OnnxEngine(1)), opened.manifest
    names = sorted(manifest.speakers)
    for index, text in enumerate(tqdm(texts, desc="tokens")):
        name = names[index % len(names)]
        speaker, phrased = opened.speaker(name), manifest.speakers[name].phrase_breaks

        def noise(attempt: int, step: int, size: int, seed: int = index) -> NDArray[np.float32]:
            return sampling_noise(seed, 0, attempt, step, size)

        for sentence in front_end(text, "en"):
            ids = np.array(phone_ids((with_breaks(sentence) if phrased else sentence).phones), np.int64)
            if len(ids) > _MOST_PHONES:
                continue
            decoder = graphs.gpt.start(ids, np.tile(speaker.features, (len(ids), 1)), speaker, _MOST_TOKENS)
            generation = Generation(decoder, speaker, manifest.sampling, manifest.gpt.eos, noise)
            outcome = Outcome.TOKEN
            while outcome is Outcome.TOKEN:
                outcome = generation.advance()
            if outcome is Outcome.END and generation.pointers is not None:
                yield Draft(np.array(generation.tokens), np.array(generation.pointers), ids)


def save_drafts(drafts: Iterable[Draft], path: Path) -> None:
    """Sentences into one ``.npz``."""
    kept = list(drafts)
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        tokens=np.array([len(d.codes) for d in kept]),
        count=np.array([len(d.phones) for d in kept]),
        codes=np.concatenate([d.codes for d in kept]),
        align=np.concatenate([d.align for d in kept]),
        phones=np.concatenate([d.phones for d in kept]),
    )
    part.replace(path)


def load_drafts(path: Path) -> list[Draft]:
    """What :func:`save_drafts` has written."""
    with np.load(path, allow_pickle=False) as saved:
        tokens, count = np.cumsum(saved["tokens"])[:-1], np.cumsum(saved["count"])[:-1]
        columns = np.split(saved["codes"], tokens), np.split(saved["align"], tokens), np.split(saved["phones"], count)
    return [Draft(*row) for row in zip(*columns, strict=True)]
