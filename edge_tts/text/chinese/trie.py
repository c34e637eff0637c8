"""A set of words in which every prefix of a text is found by walking: a trie in two flat arrays.

350,000 words as a Python dictionary with all their prefixes take 70 MB and a second to load; here they are 3 MB, ready
in 10 ms. The nodes stand in breadth-first order, so the children of one node lie side by side, sorted by character.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["Trie", "pack"]


class Trie:
    """characters: uint16 [nodes], the last character of each node's prefix. children: uint16 [nodes + 1], how many
    children each node has; the first entry is the number of nodes that have no parent."""

    def __init__(self, characters: NDArray[np.generic], children: NDArray[np.generic]) -> None:
        self._characters = array("H", characters.astype(np.uint16).tobytes())
        self._first = array("I", np.cumsum(children, dtype=np.uint32).tobytes())
        self._roots = {chr(self._characters[node]): node for node in range(int(children[0]))}

    def prefixes(self, text: str, start: int) -> Iterator[tuple[int, int]]:
        """For each prefix of `text[start:]` in the trie, the shortest first: where it ends in `text`, and its node."""
        node = self._roots.get(text[start]) if start < len(text) else None
        end = start + 1
        while node is not None:
            yield end, node
            node = self._child(node, text[end]) if end < len(text) else None
            end += 1

    def node(self, word: str) -> int | None:
        """The node of `word`, which may be a prefix only; None if it is not in the trie."""
        return next((node for end, node in self.prefixes(word, 0) if end == len(word)), None)

    def _child(self, node: int, character: str) -> int | None:
        code, last = ord(character), self._first[node + 1]
        if code > 0xFFFF:
            return None
        place = bisect_left(self._characters, code, self._first[node], last)
        return place if place < last and self._characters[place] == code else None


def pack(words: Iterable[str]) -> tuple[NDArray[np.uint16], NDArray[np.uint16], dict[str, int]]:
    """The two arrays of a `Trie` and the node of each prefix. Words of characters up to U+FFFF, none of them empty."""
    prefixes = {word[:end] for word in words for end in range(1, len(word) + 1)}
    # Sorting by length and then by text is breadth-first order with sorted children.
    nodes = {prefix: node for node, prefix in enumerate(sorted(prefixes, key=lambda prefix: (len(prefix), prefix)))}
    children = np.zeros(len(nodes) + 1, np.uint16)
    for prefix in nodes:
        children[nodes[prefix[:-1]] + 1 if len(prefix) > 1 else 0] += 1
    return np.array([ord(prefix[-1]) for prefix in nodes], np.uint16), children, nodes
