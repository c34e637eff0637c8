"""Which phones the GPT's pointer skips, and whether utterances end by themselves, before any guard steps in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from build_engines.training.texts import Text
from edge_tts.bundle import locate, open_bundle, search_path
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.gpt.generation import Generation, Outcome
from edge_tts.gpt.guard import limits_for
from edge_tts.graphs import load_graphs
from edge_tts.noise import sampling_noise
from edge_tts.synthesis import PAUSE_PHONES
from edge_tts.text import front_end
from edge_tts.text.english.phrasing import with_breaks
from edge_tts.text.symbols import phone_ids

__all__ = ["coverage", "skipped"]


@dataclass(frozen=True)
class _Tally:
    skipped: int
    sounding: int
    ended: bool


def skipped(pointers: Sequence[int], pauses: Sequence[bool]) -> int:
    """Sounding phones that were passed over. One between two tokens is spoken within them: a token lasts 40 ms."""
    lost, last = 0, -1
    for pointer in [*pointers, len(pauses) - 1]:
        passed = [k for k in range(last + 1, pointer) if not pauses[k]]
        lost += len(passed) if len(passed) > 1 else 0
        last = max(last, pointer)
    return lost


def coverage(voice: str, speaker: str, texts: Iterable[Text], seeds: Iterable[int]) -> dict[str, float]:
    """Shares of utterances that end by themselves at the first attempt, and that skip over 5 % of their phones."""
    bundle = open_bundle(locate(voice, search_path(os.environ, Path.home())))
    graphs, manifest = load_graphs(bundle, OnnxEngine(1)), bundle.manifest
    tokens, entry = bundle.speaker(speaker), manifest.speakers[speaker]

    def speak(text: Text, seed: int) -> _Tally:
        lost = sounding = 0
        ended = True
        for index, sentence in enumerate(front_end(text.text, entry.language)):
            phones = with_breaks(sentence).phones if entry.phrase_breaks else sentence.phones
            pauses = [phone in PAUSE_PHONES for phone in phones]
            limits = limits_for(pauses, manifest.token_rate_hz)
            features = np.tile(tokens.features, (len(phones), 1))
            decoder = graphs.gpt.start(np.array(phone_ids(phones), np.int64), features, tokens, limits.total + 1)

            def noise(attempt: int, step: int, size: int, index: int = index) -> np.ndarray:
                return sampling_noise(seed, index, attempt, step, size)

            generation = Generation(decoder, tokens, manifest.sampling, manifest.gpt.eos, noise)
            while (outcome := generation.advance()) is Outcome.TOKEN and len(generation.tokens) <= limits.total:
                pass
            ended &= outcome is Outcome.END
            lost += skipped(generation.pointers or [], pauses)
            sounding += len(pauses) - sum(pauses)
        return _Tally(lost, sounding, ended)

    tallies = [speak(text, seed) for seed in seeds for text in texts]
    return {
        "utterances": float(len(tallies)),
        "ended_at_first_attempt": float(np.mean([t.ended for t in tallies])),
        "skipped_over_5_percent": float(np.mean([t.skipped > 0.05 * t.sounding for t in tallies])),
    }
