"""Chinese text to words with part-of-speech tags, as jieba cuts it.

The likeliest way through all words of the list that fit (jieba's method and word list, 349,046 words); what falls into
single characters goes to the `tagger`. Tags are jieba's: n noun, v verb, a adjective, r pronoun, m numeral, q measure
word, d adverb, p preposition, u… particles, y modal particle, x none.
"""

import re
from array import array
from collections.abc import Iterator
from functools import cache
from math import log

import numpy as np

from edge_tts.text.chinese.data import arrays
from edge_tts.text.chinese.tagger import tagger
from edge_tts.text.chinese.trie import Trie

__all__ = ["WordList", "word_list"]

_BLOCK = re.compile(r"([\u4e00-\u9fd5a-zA-Z0-9+#&._]+)")
"""What may be a word of the list; anything else stands alone. The full stop belongs in, as in jieba."""

_HAN = re.compile(r"[\u4e00-\u9fd5]")
_PART = re.compile(r"[\u4e00-\u9fd5]+|[.0-9]+|[a-zA-Z0-9]+|[+#&_]+")

Word = tuple[str, str]
"""A word and its tag."""


class WordList:
    """The word list."""

    def __init__(self) -> None:
        packed = arrays("zh_words.npz")
        self._trie = Trie(packed["characters"], packed["children"])
        self._tags = str(packed["tags"]).split(" ")
        self._tag_numbers = packed["tag"].astype(np.uint8).tobytes()
        self._frequency = array("I", packed["frequency"].astype(np.uint32).tobytes())
        self._log_total = log(int(packed["total"]))

    def __contains__(self, word: str) -> bool:
        return self._node(word) is not None

    def cut(self, text: str) -> list[Word]:
        """The words of `text` in order; put together they are `text`."""
        found: list[Word] = []
        for place, part in enumerate(_BLOCK.split(text)):
            found += self._cut_block(part) if place % 2 else [(char, "x") for char in part]
        return found

    def _node(self, word: str) -> int | None:
        node = self._trie.node(word)
        return node if node is not None and self._frequency[node] else None

    def tag(self, word: str) -> str:
        """The tag of a word of the list, `x` for any other."""
        node = self._node(word)
        return "x" if node is None else self._tags[self._tag_numbers[node]]

    def _cut_block(self, block: str) -> Iterator[Word]:
        steps = self._best_steps(block)
        alone = place = 0
        while place < len(block):
            end, tag = steps[place]
            if end - place > 1:
                yield from self._single(block[alone:place])
                yield block[place:end], tag
                alone = end
            place = end
        yield from self._single(block[alone:])

    def _best_steps(self, block: str) -> list[tuple[int, str]]:
        """For each place where the word ends that the likeliest cut of the rest begins with, and its tag."""
        score = [0.0] * (len(block) + 1)
        steps = [(place + 1, "x") for place in range(len(block))]
        for start in range(len(block) - 1, -1, -1):
            best = None
            for end, node in self._trie.prefixes(block, start):
                if self._frequency[node]:
                    chance = log(self._frequency[node]) - self._log_total + score[end]
                    if best is None or chance >= best:
                        best, steps[start] = chance, (end, self._tags[self._tag_numbers[node]])
            score[start] = score[start + 1] - self._log_total if best is None else best
        return steps

    def _single(self, run: str) -> Iterator[Word]:
        """A run of characters that the best cut leaves single: one that is a word of the list stays cut."""
        if len(run) == 1 or run in self:
            for char in run:
                yield char, self.tag(char)
        elif run:
            for part in _PART.findall(run):
                if _HAN.match(part):
                    yield from tagger().cut(part)
                else:
                    yield part, "m" if part[0] in ".0123456789" else "eng" if part[0].isalnum() else "x"


@cache
def word_list() -> WordList:
    """The one word list, loaded on first use."""
    return WordList()
