"""Words that the word list lacks: a hidden Markov model cuts a run of characters and tags the pieces.

jieba's part-of-speech model (Viterbi decoding of `jieba.posseg`, its probabilities in `data/zh_tagger.npz`). A state is
a place in the word (B begin, M middle, E end, S single) and a tag. Ties go to the state that is last in the alphabet,
as there.
"""

from array import array
from bisect import bisect_left
from functools import cache

import numpy as np
from numpy.typing import NDArray

from edge_tts.text.chinese.data import arrays

__all__ = ["Tagger", "tagger"]

_NEVER = -3.14e100
"""jieba's logarithm of a chance of zero: finite, so that an impossible step can still be the best of none."""

_MANY = 1024
"""Runs are decoded in pieces of this many characters: back pointers stay small whatever the text."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Tagger:
    """The model, ready to decode."""

    def __init__(self) -> None:
        model = arrays("zh_tagger.npz")
        states = str(model["states"]).split(" ")
        self._places = [state[0] for state in states]
        self._tags = [state[1:] for state in states]
        self._start = model["start"].astype(np.float64)
        self._transition = model["transition"].astype(np.float64)
        self._follows = self._transition > -np.inf
        self._goes_on: Flags = np.logical_or.reduce(self._follows, axis=1)
        self._codes = array("H", model["emission_character"].astype(np.uint16).tobytes())
        self._rows = model["emission_row"].astype(np.int64)
        self._state = model["emission_state"].astype(np.int64)
        self._value = model["emission_value"].astype(np.float64)
        self._open = model["emission_open"].astype(np.bool_)

    def cut(self, text: str) -> list[tuple[str, str]]:
        """`text`, Chinese characters only, as words and their tags."""
        return [word for start in range(0, len(text), _MANY) for word in self._cut_piece(text[start : start + _MANY])]

    def _cut_piece(self, text: str) -> list[tuple[str, str]]:
        path = self._best_path(text)
        words, begin, done = [], 0, 0
        for place, state in enumerate(path):
            kind = self._places[state]
            if kind == "B":
                begin = place
            elif kind in "ES":
                begin = place if kind == "S" else begin
                words.append((text[begin : place + 1], self._tags[state]))
                done = place + 1
        if done < len(text):
            words.append((text[done:], self._tags[path[done]]))
        return words

    def _best_path(self, text: str) -> list[int]:
        """The likeliest state of each character. Only states that the character was seen in are tried, if it can be."""
        chances, open_ = self._emission(text[0])
        live = np.flatnonzero(open_)
        score = (self._start + chances)[live]
        back = []
        for char in text[1:]:
            before = live[self._goes_on[live]]
            score = score[self._goes_on[live]]
            chances, open_ = self._emission(char)
            reachable: Flags = np.logical_or.reduce(self._follows[before], axis=0)
            now = open_ & reachable
            live_now = np.flatnonzero(now if now.any() else reachable)
            if not len(live_now):
                live_now = np.arange(len(open_))
            table = score[:, None] + self._transition[np.ix_(before, live_now)] + chances[live_now]
            best = len(before) - 1 - np.argmax(table[::-1], axis=0)
            back.append((live_now, before[best]))
            live, score = live_now, table[best, np.arange(len(live_now))]
        state = int(live[len(live) - 1 - np.argmax(score[::-1])])
        path = [state]
        for states, sources in reversed(back):
            state = int(sources[np.searchsorted(states, state)])
            path.append(state)
        return path[::-1]

    def _emission(self, char: str) -> tuple[Floats, Flags]:
        """For each state the chance of `char`, and whether it is to be tried."""
        chances = np.full(len(self._start), _NEVER)
        open_ = np.zeros(len(self._start), np.bool_)
        place = bisect_left(self._codes, ord(char))
        if place < len(self._codes) and self._codes[place] == ord(char):
            row = slice(self._rows[place], self._rows[place + 1])
            chances[self._state[row]] = self._value[row]
            open_[self._state[row][self._open[row]]] = True
        return chances, open_ if open_.any() else ~open_


@cache
def tagger() -> Tagger:
    """The one model, loaded on first use."""
    return Tagger()
