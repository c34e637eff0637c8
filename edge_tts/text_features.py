"""Text features: a language model's view of each character, one row per phone (GPT-SoVITS's "BERT")."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_tts.engines import Graph

__all__ = ["TextFeatures"]


class TextFeatures:
    """A loaded graph and its vocabulary."""

    def __init__(self, graph: Graph, vocabulary: bytes) -> None:
        self._graph, self._vocabulary = graph, vocabulary

    def features(self, text: str, word_to_phone: Sequence[int]) -> NDArray[np.float32]:
        """float32 [phones, F]: each character's row, repeated for its phones."""
        raise NotImplementedError
