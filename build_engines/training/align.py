"""Carry a teacher's phone timings over to the front end's phones.

The teacher says what it spoke (its own phone set, no stress, pauses) and when; the runtime's front end says what a
text's phones are (ARPAbet with stress, punctuation). :func:`align` finds the cheapest edit path between both, choosing
among each word's pronunciations the one that the teacher used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FRAME_SECONDS", "PUNCTUATION", "Alignment", "align", "frames_of", "words_of"]

PUNCTUATION = frozenset(",.!?…-")
FRAME_SECONDS = 0.01
_TEACHER_TO_BASE = {
    "AX": "AH", "AXR": "ER", "IX": "IH", "DX": "T", "NX": "N", "EN": "N", "EM": "M", "EL": "L", "HV": "HH", "H#": "PAU",
    "SIL": "PAU", "BRTH": "PAU",
}  # fmt: skip
_VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
_NEAR = {
    frozenset(pair.split())
    for pair in ("AH IH", "AH UH", "AH EH", "AA AO", "IH IY", "UW UH", "AH ER", "S Z", "T D", "AH AA", "EH IH", "AO OW")
}
_NO_TEACHER_PHONE = 0.9
_NO_FRONT_END_PHONE = 0.9
_EXTRA_PAUSE = 0.3
_SILENT_PUNCTUATION = 0.1
_MIN_PAUSE_SECONDS = 0.06


@dataclass(frozen=True)
class Alignment:
    """``phones`` (front end's symbols), ``ends`` [phones] in seconds, ``start`` of the first, ``cost`` per phone."""

    phones: tuple[str, ...]
    ends: NDArray[np.float32]
    start: float
    cost: float


def words_of(text: str) -> list[str]:
    """Lower-case words and punctuation of a normalized text; ends in sentence punctuation."""
    text = text.lower().replace("--", ",").replace(";", ",").replace(":", ",")
    tokens: list[str] = re.findall(r"[a-z]+(?:'[a-z]+)*'?|[,.!?]", text)
    tokens = [t.rstrip("'") if t[-1] == "'" and len(t) > 1 else t for t in tokens]
    while tokens and tokens[0] in PUNCTUATION:
        tokens.pop(0)
    merged: list[str] = []
    for token in tokens:
        if token in PUNCTUATION and merged and merged[-1] in PUNCTUATION:
            merged[-1] = token if merged[-1] == "," else merged[-1]
        else:
            merged.append(token)
    if merged and merged[-1] == ",":
        merged[-1] = "."
    if merged and merged[-1] not in PUNCTUATION:
        merged.append(".")
    return merged


def _base(phone: str) -> str:
    return phone.rstrip("012")


def _substitution(ours: str, theirs: str) -> float:
    if ours in PUNCTUATION or theirs == "PAU":
        return 0.0 if ours in PUNCTUATION and theirs == "PAU" else 5.0
    ours = _base(ours)
    if ours == theirs:
        return 0.0
    if frozenset((ours, theirs)) in _NEAR:
        return 0.2
    kinds = (ours in _VOWELS) + (theirs in _VOWELS)
    return {2: 0.6, 0: 0.9, 1: 1.5}[kinds]


@dataclass(frozen=True)
class _Column:
    """One of our phones against every number of teacher segments consumed, [segments + 1].

    ``matched``: a segment was spent on the phone (else the teacher left it out). ``origin``: where the run of segments
    without a phone of ours began that follows it.
    """

    matched: NDArray[np.bool_]
    origin: NDArray[np.int64]


@dataclass(frozen=True)
class _Variant:
    """One pronunciation of a word, and the columns of its phones."""

    phones: tuple[str, ...]
    columns: tuple[_Column, ...]


@dataclass(frozen=True)
class _Word:
    """The cheapest of a word's variants, for every number of segments consumed after it: ``choice`` [segments + 1]."""

    choice: NDArray[np.int64]
    variants: tuple[_Variant, ...]


def align(
    words: Sequence[str],
    segments: Sequence[tuple[str, float]],
    pronunciations: Callable[[str], Sequence[tuple[str, ...]]],
) -> Alignment | None:
    """Align a sentence's words with the teacher's segments; None when a word has no known pronunciation."""
    names = [name.upper() for name, _ in segments]
    theirs = [_TEACHER_TO_BASE.get(name, name) for name in names]
    count = len(theirs)
    insertion = np.array([_EXTRA_PAUSE if name == "PAU" else _NO_FRONT_END_PHONE for name in theirs])
    cumulative = np.concatenate([[0.0], np.cumsum(insertion)])

    def close(row: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Let teacher segments without a phone of ours follow; returns the row and where each run began."""
        shifted = row - cumulative
        best = np.minimum.accumulate(shifted)
        changed = np.concatenate([[True], shifted[1:] <= best[:-1]])
        origin = np.maximum.accumulate(np.where(changed, np.arange(count + 1), 0))
        return best + cumulative, origin

    row, _ = close(np.where(np.arange(count + 1) == 0, 0.0, np.inf))
    history: list[_Word] = []
    for word in words:
        variants = [(word,)] if word in PUNCTUATION else pronunciations(word)
        if not variants:
            return None
        rows: list[NDArray[np.float64]] = []
        paths: list[_Variant] = []
        for variant in variants:
            current = row
            columns: list[_Column] = []
            for phone in variant:
                skip = _SILENT_PUNCTUATION if phone in PUNCTUATION else _NO_TEACHER_PHONE
                stay = current + skip
                cost = np.array([_substitution(phone, name) for name in theirs])
                match = np.concatenate([[np.inf], current[:-1] + cost])
                matched = match <= stay
                current, origin = close(np.where(matched, match, stay))
                columns.append(_Column(matched, origin))
            rows.append(current)
            paths.append(_Variant(tuple(variant), tuple(columns)))
        stacked = np.stack(rows)
        history.append(_Word(np.argmin(stacked, axis=0), tuple(paths)))
        row = stacked.min(axis=0)
    times = np.array([0.0] + [end for _, end in segments])
    return _backtrack(history, times, theirs, float(row[-1]))


def _backtrack(
    history: Sequence[_Word], times: NDArray[np.float64], theirs: Sequence[str], total: float
) -> Alignment:
    """Walk the cheapest path from the end; ``times`` [segments + 1] are the segments' boundaries in seconds."""
    position = len(theirs)
    reverse: list[tuple[str, float]] = []  # phone, its end
    for word in reversed(history):
        variant = word.variants[int(word.choice[position])]
        for phone, column in zip(reversed(variant.phones), reversed(variant.columns), strict=True):
            begin = int(column.origin[position])
            # Segments begin..position had no phone of ours: a pause becomes a comma, the rest lengthens this phone.
            pauses = [k for k in range(begin, position) if theirs[k] == "PAU"]
            long = [k for k in pauses if times[k + 1] - times[k] > _MIN_PAUSE_SECONDS]
            if long and phone not in PUNCTUATION:
                reverse.append((",", times[position]))
                reverse.append((phone, times[long[0]]))
            else:
                reverse.append((phone, times[position]))
            position = begin - 1 if column.matched[begin] else begin
    reverse.reverse()
    phones = [phone for phone, _ in reverse]
    ends = np.maximum.accumulate(np.array([end for _, end in reverse], dtype=np.float32))
    if phones[-2:] == [",", "."]:
        phones.pop(-2)
        ends = np.delete(ends, -2)
    start = float(times[position])
    return Alignment(tuple(phones), ends, start, total / max(1, len(phones)))


def frames_of(alignment: Alignment, offset: float, frames: int) -> NDArray[np.int16]:
    """Which phone each 10 ms frame speaks, [frames]; the frames begin ``offset`` seconds into the teacher's time."""
    centres = offset + (np.arange(frames) + 0.5) * FRAME_SECONDS
    index = np.searchsorted(alignment.ends, centres, side="right")
    return np.minimum(index, len(alignment.phones) - 1).astype(np.int16)
