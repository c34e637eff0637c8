"""Find where each phone of a known text lies in a recording, by Viterbi over the tokenizer's phone posteriors.

Only the real speaker's recordings need it: the teachers say their timings themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from build_engines.training.align import PUNCTUATION, words_of
from build_engines.training.batches import phone_class
from build_engines.training.corpus import Corpus

__all__ = ["attach_text", "viterbi"]

_FRAMES_PER_STEP = 2  # posteriors at 50 Hz, alignments at 100 Hz
_MIN_PAUSE_STEPS = 3
_MIN_MEAN_LOG_POSTERIOR = -2.5


def viterbi(log_posteriors: NDArray[np.float32], classes: Sequence[int], optional: Sequence[bool]) -> NDArray[np.int64]:
    """The best monotonic path: which state each step is in, [steps].

    log_posteriors [steps, classes]; ``classes`` of the states in order; ``optional`` states may be skipped.
    Raises ValueError when there are fewer steps than states that must be visited.
    """
    steps, count = len(log_posteriors), len(classes)
    if steps < count - sum(optional):
        raise ValueError(f"{steps} steps can't hold {count - sum(optional)} phones")
    emit = log_posteriors[:, list(classes)]
    score = np.full(count, -np.inf)
    back = np.zeros((steps, count), dtype=np.int64)
    starts = [0, 1] if optional[0] else [0]
    score[starts] = emit[0, starts]
    skippable = np.array([i >= 2 and optional[i - 1] for i in range(count)])
    for t in range(1, steps):
        one = np.concatenate([[-np.inf], score[:-1]])
        two = np.where(skippable, np.concatenate([[-np.inf, -np.inf], score[:-2]]), -np.inf)
        options = np.stack([score, one, two])
        choice = options.argmax(0)
        back[t] = choice
        score = options.max(0) + emit[t]
    state = count - 1 if not optional[-1] or score[-1] >= score[-2] else count - 2
    path = np.zeros(steps, dtype=np.int64)
    for t in range(steps - 1, -1, -1):
        path[t] = state
        state -= int(back[t, state])
    return path


def _states(
    words: Sequence[str], pronunciations: Callable[[str], Sequence[tuple[str, ...]]]
) -> list[tuple[str, bool]] | None:
    """(phone, optional) in order: punctuation is an optional pause, and so is every gap between words ("")."""
    states: list[tuple[str, bool]] = [("", True)]
    for word in words:
        if word in PUNCTUATION:
            if states[-1][0] == "":
                states.pop()
            states.append((word, True))
            continue
        found = pronunciations(word)
        if not found:
            return None
        states += [(phone, False) for phone in found[0]]
        states.append(("", True))
    return states


def attach_text(
    folder: Path,
    tokens_file: Path,
    texts: Mapping[str, str],
    pronunciations: Callable[[str], Sequence[tuple[str, ...]]],
) -> int:
    """Write phones and alignments into a packed corpus of recordings; returns how many utterances got one."""
    corpus = Corpus(folder)
    with np.load(tokens_file, allow_pickle=False) as data:
        posteriors = np.split(data["phones"].astype(np.float32), np.cumsum(data["counts"] * 2)[:-1])
    aligns: list[NDArray[np.int16]] = []
    phones: list[tuple[str, ...]] = []
    for i in range(len(corpus)):
        frames = int(corpus.frames[i])
        aligns.append(np.full(frames, -1, np.int16))
        phones.append(())
        words = words_of(texts.get(corpus.names[i], ""))
        if any(c.isdigit() for c in texts.get(corpus.names[i], "0")):
            continue
        states = _states(words, pronunciations)
        if states is None:
            continue
        classes = [phone_class(phone) if phone else 0 for phone, _ in states]
        try:
            path = viterbi(posteriors[i], classes, [optional for _, optional in states])
        except ValueError:
            continue
        mean = float(np.mean(posteriors[i][np.arange(len(path)), np.array(classes)[path]]))
        if mean < _MIN_MEAN_LOG_POSTERIOR:
            continue
        symbols, steps = _spoken(states, path)
        phones[-1] = symbols
        aligns[-1] = np.repeat(steps, _FRAMES_PER_STEP)[:frames].astype(np.int16)
    with np.load(folder / "index.npz", allow_pickle=False) as index:
        arrays = dict(index)
    arrays["align"] = np.concatenate(aligns)
    arrays["phone_counts"] = np.array([len(p) for p in phones], dtype=np.int64)
    arrays["phones"] = np.array([s for p in phones for s in p], dtype="U4")
    part = folder / "index.part.npz"
    np.savez(part, **arrays)
    part.replace(folder / "index.npz")
    return sum(1 for p in phones if p)


def _spoken(states: Sequence[tuple[str, bool]], path: NDArray[np.int64]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Symbols of the utterance and each step's symbol; a long pause without punctuation becomes a comma."""
    durations = np.bincount(path, minlength=len(states))
    symbols: list[str] = []
    number = np.zeros(len(states), dtype=np.int64)
    for k, (phone, _) in enumerate(states):
        if phone:
            symbols.append(phone)
        elif durations[k] >= _MIN_PAUSE_STEPS and symbols and k + 1 < len(states):
            symbols.append(",")
        number[k] = max(0, len(symbols) - 1)
    return tuple(symbols), number[path]
