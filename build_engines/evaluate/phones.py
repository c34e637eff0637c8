"""Which phones of an utterance can't be found in its sound, by the voice's own tokenizer (never by the judges)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from build_engines.training.batches import PHONE_CLASSES, phone_class
from build_engines.training.corpus import SAMPLE_RATE
from build_engines.training.forced_alignment import viterbi
from build_engines.training.tokenizer import load_tokenizer

__all__ = ["PhoneListener"]

_FOUND = 0.05
# What flapping, reduction and the teachers' own lexicons make of a phone is no loss.
_ALIKE = [
    set(group.split())
    for group in (
        "AH IH EH UH IY ER AE|AA AO AH OW AW|UW UH|T D DH|S Z|SH ZH CH JH S|N NG M|F V|TH DH F|ER R".split("|")
    )
]


class PhoneListener:
    """Listens for phones with the tokenizer's frame classifier."""

    def __init__(self, model_folder: Path) -> None:
        self.model, self.mel = load_tokenizer(model_folder)
        size = len(PHONE_CLASSES)
        alike = np.eye(size, dtype=bool)
        for group in _ALIKE:
            index = [PHONE_CLASSES.index(p) for p in group]
            alike[np.ix_(index, index)] = True
        self.alike = alike

    @torch.inference_mode()
    def missed(self, audio: NDArray[np.float32], sample_rate: int, phones: Sequence[str]) -> float:
        """Share of the sounding phones that can't be found where they should be."""
        sound = soxr.resample(audio, sample_rate, SAMPLE_RATE).astype(np.float32)
        active = np.abs(sound) > 1e-3
        sound = sound * np.float32(0.09 / (np.sqrt(np.mean(sound[active] ** 2)) + 1e-9))
        block = 960
        sound = np.pad(sound, (0, -len(sound) % block))
        quantized, _, hidden = self.model.encode(self.mel(torch.from_numpy(sound)[None]))
        log_posterior = torch.log_softmax(self.model.phones(quantized, hidden)[1], -1)[0].numpy()
        classes = [phone_class(p) for p in phones]
        states = [0, *classes, 0]
        try:
            path = viterbi(log_posterior, states, [True, *(c == 0 for c in classes), True])
        except ValueError:
            return 1.0
        posterior = np.exp(log_posterior)
        sounding = [k for k in range(1, len(states) - 1) if states[k] != 0]
        lost = 0
        for k in sounding:
            steps = np.flatnonzero(path == k)
            near = posterior[max(0, steps[0] - 2) : steps[-1] + 3, self.alike[states[k]]].sum(1)
            lost += bool(near.max() < _FOUND)
        return lost / max(1, len(sounding))
