"""Sampling of one semantic token, in GPT-SoVITS's order.

Source: AR/models/utils.py (`logits_to_probs`, `sample`) and the loop of AR/models/t2s_model.py in RVC-Boss/GPT-SoVITS.
The order matters: the end column is dropped in the first steps; repetition penalty; top-p on the penalised logits,
before the temperature; temperature; top-k; softmax; the token is the argmax of probability / Exp(1) noise.
All arithmetic is float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_tts.bundle import Sampling

__all__ = ["Draw", "draw", "penalise", "probabilities"]

Logits = NDArray[np.float32]
Tokens = Sequence[int] | NDArray[np.int64]


@dataclass(frozen=True)
class Draw:
    """A sampled token, and whether it ends the utterance (then the token itself is not to be spoken)."""

    token: int
    ends: bool


def draw(logits: Logits, previous: Tokens, noise: Logits, sampling: Sampling, eos: int, masked: bool) -> Draw:
    """Samples a token. `logits` and `noise` are [vocab]; `previous` [n] holds prompt and generated tokens.

    `masked` drops the end column (the last one). The utterance ends when EOS was sampled or is the maximum of the
    penalised, unfiltered logits.
    """
    if masked:
        logits, noise = logits[:eos], noise[:eos]
    penalised = penalise(logits, previous, sampling.repetition_penalty)
    token = int(np.argmax(probabilities(penalised, sampling) / noise))
    return Draw(token, eos in (token, int(np.argmax(penalised))))


def penalise(logits: Logits, previous: Tokens, penalty: float) -> Logits:
    """Repetition penalty over every earlier token: negative logits times it, others divided by it."""
    if penalty == 1.0 or not len(previous):
        return logits
    logits = logits.copy()
    seen = np.asarray(previous, dtype=np.int64)
    scores = logits[seen]  # a token that occurs twice gets the same value twice
    logits[seen] = np.where(scores < 0, scores * np.float32(penalty), scores / np.float32(penalty))
    return logits


def probabilities(penalised: Logits, sampling: Sampling) -> Logits:
    """Filters penalised logits [n] and turns them into probabilities [n]."""
    logits = penalised
    if sampling.top_p < 1.0:
        order = np.argsort(-logits, kind="stable")
        beyond = np.cumsum(_softmax(logits[order]), dtype=np.float32) > np.float32(sampling.top_p)
        beyond[0] = False  # the most likely token always stays; the one that crosses the limit goes
        logits = logits.copy()
        logits[order[beyond]] = -np.inf
    logits = logits / np.float32(max(sampling.temperature, 1e-5))
    if sampling.top_k < len(logits):
        kth = np.partition(logits, -sampling.top_k)[-sampling.top_k]
        logits = np.where(logits < kth, np.float32(-np.inf), logits)
    return _softmax(logits)


def _softmax(logits: Logits) -> Logits:
    exponentials = np.exp(logits - logits.max())
    shares: Logits = exponentials / exponentials.sum(dtype=np.float32)
    return shares
