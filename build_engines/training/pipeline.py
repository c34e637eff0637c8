"""From sentences to a bundle: the stages of the default voice's training, each resumable, in one place.

``scripts/train_default_voice`` runs them in order. A stage that is done leaves a file behind and isn't run again; the
training stages resume from their checkpoints.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from build_engines.errors import BuildError
from build_engines.training.align import words_of
from build_engines.training.batches import Shelf
from build_engines.training.corpus import Corpus, pack, pack_teacher, read_recording
from build_engines.training.decoder import train_decoder
from build_engines.training.forced_alignment import attach_text
from build_engines.training.gpt import read_spoken, train_gpt
from build_engines.training.phrasing import learn_phrasing
from build_engines.training.teacher import teach
from build_engines.training.texts import evaluation_texts, training_texts, unpredictable_texts
from build_engines.training.tokenizer import load_tokenizer, tokenize, train_tokenizer
from edge_tts.text.cmudict import pronunciations

__all__ = ["STAGES", "Settings", "run", "run_stage"]

TEACHERS = ("slt", "rms")  # speakers of the finished voice
EXTRA_TEACHERS = ("awb", "kal16")  # more accents for the tokenizer, a sixth of the sentences each
RECORDINGS = {"lj": "ljspeech_en_female", "ls251": "librispeech_251speakers", "ls7": "librispeech_7speakers"}
# Shares of the training time; real speech is scarce and weighs more than its length.
MIX = {"slt": 3.0, "rms": 3.0, "awb": 1.0, "kal16": 0.6, "lj": 1.0, "ls251": 2.5, "ls7": 0.5}
DECODER_MIX = {"slt": 3.0, "rms": 3.0, "awb": 0.4, "kal16": 0.2, "lj": 3.0, "ls251": 1.2, "ls7": 0.2}
GPT_WEIGHTS = {"slt": 1.0, "rms": 1.0, "lj": 8.0}
PHRASING = Path(__file__).resolve().parents[2] / "edge_tts" / "text" / "data" / "phrasing.json"
STAGES = ("speak", "pack", "tokenizer", "tokens", "learn", "bundle", "encoder")


@dataclass(frozen=True)
class Settings:
    """Folders, and minutes of each training stage (on two CPU cores; a GPU gets through more steps)."""

    work: Path
    data: Path
    tokenizer_minutes: float = 14
    gpt_minutes: float = 86
    decoder_minutes: float = 44
    adversarial_minutes: float = 45
    encoder_minutes: float = 34

    @property
    def sentences(self) -> Path:
        """``name|text`` lines."""
        return self.data / "texts_en" / "sentences.csv"

    @property
    def model(self) -> Path:
        """Checkpoints and curves."""
        return self.work / "model"

    def corpus(self, name: str) -> Path:
        """A packed corpus."""
        return self.work / "corpus" / name

    def tokens(self, name: str) -> Path:
        """A corpus's tokens."""
        return self.work / "tokens" / f"{name}.npz"


def speak(s: Settings) -> None:
    """Let the teachers read."""
    texts = training_texts(s.sentences)
    judged = evaluation_texts(s.sentences) + unpredictable_texts()
    for voice in TEACHERS:
        teach(voice, texts, s.work / "teacher" / voice, workers=2)
        teach(voice, judged, s.work / "evaluation" / voice, workers=2)
    for i, voice in enumerate(EXTRA_TEACHERS):
        teach(voice, texts[i::6], s.work / "teacher" / voice, workers=2)


def pack_all(s: Settings) -> None:
    """Align, resample, find F0, pack."""
    texts = training_texts(s.sentences)
    for voice in TEACHERS + EXTRA_TEACHERS:
        if not (s.corpus(voice) / "index.npz").exists():
            pack_teacher(texts, s.work / "teacher" / voice, voice, s.corpus(voice), os.cpu_count() or 1)
    for name, folder in RECORDINGS.items():
        if (s.corpus(name) / "index.npz").exists():
            continue
        source = s.data / folder
        rows = [line.split("|") for line in (source / "metadata.csv").read_text(encoding="utf-8").splitlines()]
        speakers = {row[0]: "lj" if name == "lj" else f"ls{row[2]}" for row in rows}
        pack((read_recording(source / "audio" / f"{n}.flac", who) for n, who in speakers.items()), s.corpus(name))


def _shelf(s: Settings, mix: Mapping[str, float]) -> Shelf:
    return Shelf([s.corpus(name) for name in mix], list(mix.values()))


def learn_tokens(s: Settings) -> None:
    """Train the tokenizer."""
    train_tokenizer(_shelf(s, MIX), s.model, s.tokenizer_minutes)


def write_tokens(s: Settings) -> None:
    """Tokens of everything; then phones and timings of the real speaker's recordings."""
    model, mel = load_tokenizer(s.model)
    for name in MIX:
        if not s.tokens(name).exists():
            tokenize(model, mel, Corpus(s.corpus(name)), s.tokens(name))
    with (s.data / RECORDINGS["lj"] / "metadata.csv").open(encoding="utf-8", newline="") as file:
        texts = {row[0]: row[1] for row in csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE)}
    judged = {tuple(words_of(t.text)) for t in evaluation_texts(s.sentences)}
    texts = {name: text for name, text in texts.items() if tuple(words_of(text)) not in judged}
    learn_phrasing(Corpus(s.corpus("slt")), training_texts(s.sentences), PHRASING)
    attach_text(s.corpus("lj"), s.tokens("lj"), texts, pronunciations)


def learn_gpt(s: Settings) -> None:
    """Train the GPT."""
    items = [
        spoken
        for name, weight in GPT_WEIGHTS.items()
        for spoken in read_spoken(Corpus(s.corpus(name)), s.tokens(name), weight)
    ]
    train_gpt(items, s.model, s.gpt_minutes)


def learn_decoder(s: Settings) -> None:
    """Train the decoder, both phases."""
    shelf = _shelf(s, DECODER_MIX)
    files = [s.tokens(name) for name in DECODER_MIX]
    train_decoder(shelf, files, s.model, s.decoder_minutes, adversarial=False)
    train_decoder(shelf, files, s.model, s.adversarial_minutes, adversarial=True)


def learn(s: Settings) -> None:
    """GPT and decoder need nothing of each other: on a CPU they train side by side, one core each."""
    if torch.cuda.is_available():
        learn_gpt(s)
        learn_decoder(s)
        return
    child = subprocess.Popen([sys.executable, "-m", "build_engines.cli", "train", "gpt", *_arguments(s)])
    try:
        torch.set_num_threads(1)
        learn_decoder(s)
        if child.wait() != 0:
            raise BuildError("the GPT's training stopped; run the command again to resume")
    finally:
        child.terminate()


def bundle(s: Settings) -> None:
    """Export, and write the float bundle."""
    from build_engines.training.finish import write_floats

    write_floats(s)


def learn_encoder(s: Settings) -> None:
    """Train the encoder that enrolls speakers against the float bundle; then write the voice.

    Only now, since the encoder is who tells speakers apart when the INT8 voice is certified.
    """
    from build_engines.training.encoder import train_encoder
    from build_engines.training.finish import finish, float_bundle

    graph = train_encoder(float_bundle(s), s.data, s.work, s.encoder_minutes)
    shutil.copyfile(graph, s.work / "graphs" / graph.name)
    finish(s)


def _arguments(s: Settings) -> list[str]:
    return [
        "--work", str(s.work), "--data", str(s.data), "--tokenizer-minutes", str(s.tokenizer_minutes),
        "--gpt-minutes", str(s.gpt_minutes), "--decoder-minutes", str(s.decoder_minutes),
        "--adversarial-minutes", str(s.adversarial_minutes), "--encoder-minutes", str(s.encoder_minutes),
    ]  # fmt: skip


_STAGES: dict[str, Callable[[Settings], None]] = {
    "speak": speak,
    "pack": pack_all,
    "tokenizer": learn_tokens,
    "tokens": write_tokens,
    "learn": learn,
    "gpt": learn_gpt,
    "decoder": learn_decoder,
    "bundle": bundle,
    "encoder": learn_encoder,
}


def run_stage(name: str, settings: Settings) -> None:
    """Run one stage, also the two halves of "learn"."""
    _STAGES[name](settings)


def run(settings: Settings) -> None:
    """All stages in order; those that are done return at once."""
    for name in STAGES:
        run_stage(name, settings)
