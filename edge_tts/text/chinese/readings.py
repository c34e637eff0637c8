"""Chinese words to syllables by dictionary: pypinyin's readings of 47,111 phrases and of 41,923 characters.

A word is read as the longest phrases that it consists of, from left to right, and single characters by their most
frequent reading; that is what pypinyin does. Traditional and rare characters have readings too.
"""

from functools import cache

import numpy as np

from edge_tts.text.chinese.data import arrays
from edge_tts.text.chinese.trie import Trie

__all__ = ["Readings", "readings"]


class Readings:
    """The dictionary."""

    def __init__(self) -> None:
        packed = arrays("zh_readings.npz")
        self._names = str(packed["syllables"]).split(" ")
        self._codes = packed["code"].astype(np.uint32)
        self._code_syllable = packed["code_syllable"]
        self._trie = Trie(packed["characters"], packed["children"])
        self._length = packed["length"].astype(np.uint8).tobytes()
        self._phrase_syllable = packed["phrase_syllable"]
        self._phrase_end = np.cumsum(packed["length"], dtype=np.int64)

    def syllables(self, word: str) -> list[str]:
        """One syllable per character, as `zhong1`; empty for a character that has no reading."""
        found: list[str] = []
        while len(found) < len(word):
            place = len(found)
            phrase = [node for _, node in self._trie.prefixes(word, place) if self._length[node]]
            found += self._phrase(phrase[-1]) if phrase else [self.syllable(word[place])]
        return found

    def syllable(self, character: str) -> str:
        """The most frequent reading of one character, empty if it has none."""
        place = int(np.searchsorted(self._codes, ord(character)))
        if place == len(self._codes) or self._codes[place] != ord(character):
            return ""
        return self._names[int(self._code_syllable[place])]

    def _phrase(self, node: int) -> list[str]:
        end = int(self._phrase_end[node])
        return [self._names[int(number)] for number in self._phrase_syllable[end - self._length[node] : end]]


@cache
def readings() -> Readings:
    """The one dictionary, loaded on first use."""
    return Readings()
