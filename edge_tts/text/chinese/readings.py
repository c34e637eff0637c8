"""Chinese words to syllables by dictionary: pypinyin's readings of 47,111 phrases and of 41,923 characters.

A word is read as the longest phrases that it consists of, from left to right, and single characters by their most
frequent reading; that is what pypinyin does. `polyphones` comes first where it knows better. Traditional and rare
characters have readings too.
"""

from array import array
from bisect import bisect_left
from functools import cache, lru_cache

import numpy as np

from edge_tts.text.chinese.data import arrays
from edge_tts.text.chinese.polyphones import polyphones
from edge_tts.text.chinese.trie import Trie

__all__ = ["Dictionary", "dictionary", "syllables"]


class Dictionary:
    """The dictionary."""

    def __init__(self) -> None:
        packed = arrays("zh_readings.npz")
        self._names = str(packed["syllables"]).split(" ")
        self._codes = array("I", packed["code"].astype(np.uint32).tobytes())
        self._code_syllable = array("H", packed["code_syllable"].astype(np.uint16).tobytes())
        self._trie = Trie(packed["characters"], packed["children"])
        self._length = packed["length"].astype(np.uint8).tobytes()
        self._phrase_syllable = array("H", packed["phrase_syllable"].astype(np.uint16).tobytes())
        self._phrase_end = array("I", np.cumsum(packed["length"], dtype=np.uint32).tobytes())

    def read(self, word: str) -> tuple[list[str], list[bool]]:
        """One syllable per character, as `zhong1`, empty if it has none; and which characters no phrase decides."""
        found: list[str] = []
        alone: list[bool] = []
        table = polyphones()
        while len(found) < len(word):
            place = len(found)
            nodes = [(end, node) for end, node in self._trie.prefixes(word, place) if self._length[node]]
            end, node = nodes[-1] if nodes else (place + 1, None)
            better = table.longest_word(word, place)
            if len(better) >= end - place:
                end = place + len(better)
            part = self._phrase(node) if node is not None and nodes[-1][0] == end else []
            part = part or [self.syllable(char) for char in word[place:end]]
            for offset, syllable in table.words.get(word[place:end], {}).items():
                part[offset] = syllable
            found += part
            alone += [end - place == 1 or word[place:end] in table.open] * (end - place)
        return found, alone

    def syllable(self, character: str) -> str:
        """The most frequent reading of one character, empty if it has none."""
        better = polyphones().defaults.get(character)
        if better:
            return better
        place = bisect_left(self._codes, ord(character))
        if place == len(self._codes) or self._codes[place] != ord(character):
            return ""
        return self._names[self._code_syllable[place]]

    def _phrase(self, node: int) -> list[str]:
        end = self._phrase_end[node]
        return [self._names[number] for number in self._phrase_syllable[end - self._length[node] : end]]


@cache
def dictionary() -> Dictionary:
    """The one dictionary, loaded on first use."""
    return Dictionary()


@lru_cache(maxsize=4096)
def syllables(word: str) -> tuple[str, ...]:
    """The syllables of a word by itself."""
    return tuple(dictionary().read(word)[0])
