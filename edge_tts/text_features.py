"""Text features: a language model's view of each character, one row per phone (GPT-SoVITS's "BERT").

Ids are looked up character by character. For the text that a Chinese reading gives (Chinese characters and pauses) this
is what BERT's own tokenizer does, which cuts there before and after every character.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge_tts.engines import Graph
from edge_tts.errors import BundleError

__all__ = ["TextFeatures", "parse_vocabulary"]

_MOST_CHARACTERS = 510
"""BERT has 512 positions, and [CLS] and [SEP] take two."""

_PAUSES = ",.!?…-"


def parse_vocabulary(raw: bytes) -> dict[str, int]:
    """Token → id of a vocab.txt: one token a line, in the order of their ids.

    Raises BundleError: not UTF-8, an empty line, a token listed twice, or no [UNK], [CLS] or [SEP].
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BundleError(f"the vocabulary is not UTF-8 (byte {error.start})") from None
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    vocabulary: dict[str, int] = {}
    for number, token in enumerate(lines):
        if not token:
            raise BundleError(f"the vocabulary's line {number + 1} is empty")
        if token in vocabulary:
            raise BundleError(f"the vocabulary lists {token[:40]!r} in line {vocabulary[token] + 1} and {number + 1}")
        vocabulary[token] = number
    for token in ("[UNK]", "[CLS]", "[SEP]"):
        if token not in vocabulary:
            raise BundleError(f"the vocabulary lacks {token}")
    return vocabulary


class TextFeatures:
    """A loaded graph (ids int64 [1, N], [CLS] and [SEP] included → features [1, N-2, F]) and its vocabulary."""

    def __init__(self, graph: Graph, vocabulary: bytes) -> None:
        """Raises BundleError: the vocabulary can't be read, or the graph has another interface."""
        features = graph.outputs.get("features")
        shape = features.shape if features is not None else ()
        width = shape[2] if len(shape) == 3 else None
        if set(graph.inputs) != {"ids"} or width is None:
            raise BundleError("a graph of text features must have the one input 'ids' and 'features' of a fixed width")
        self.width = width
        """Numbers in a row of features."""
        self._graph = graph
        self._ids: Mapping[str, int] = parse_vocabulary(vocabulary)

    def ids(self, text: str) -> NDArray[np.int64]:
        """Ids int64 [1, N+2] of a text of N characters between [CLS] and [SEP]; [UNK] for a character without one."""
        unknown = self._ids["[UNK]"]
        ids = [self._ids.get(character, unknown) for character in text]
        return np.array([[self._ids["[CLS]"], *ids, self._ids["[SEP]"]]], np.int64)

    def features(self, text: str, word_to_phone: Sequence[int]) -> NDArray[np.float32]:
        """Float32 [phones, F]: the row of each character of a normalised text, repeated for its phones.

        `word_to_phone` has one count per character; another length raises ValueError. A text of more than 510
        characters is looked at in pieces. Raises EngineError.
        """
        if len(word_to_phone) != len(text):
            raise ValueError(f"{len(text)} characters, but {len(word_to_phone)} counts of phones")
        rows = [self._graph.run({"ids": self.ids(piece)})["features"][0] for piece in _pieces(text)]
        features: NDArray[np.float32] = np.concatenate([np.zeros((0, self.width), np.float32), *rows])
        return features.repeat(word_to_phone, axis=0)


def _pieces(text: str) -> Iterator[str]:
    """The text in pieces of at most 510 characters, cut after a pause where there is one."""
    while text:
        head = text[:_MOST_CHARACTERS]
        if len(text) > _MOST_CHARACTERS:
            head = head[: max(head.rfind(pause) for pause in _PAUSES) + 1] or head
        yield head
        text = text[len(head) :]
