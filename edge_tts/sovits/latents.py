"""Tokens → latents, window by window.

A token's latents depend on a fixed number of tokens on each side, so a window with that much context gives exactly the
latents of the whole utterance.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge_tts.bundle.manifest import DecoderSpec
from edge_tts.engines import Graph
from edge_tts.engines.api import Array

__all__ = ["LatentStream"]


class LatentStream:
    """Latents of one sentence. `phones` int64 [P] are the target phones, `ge` float32 [G]."""

    def __init__(self, graph: Graph, spec: DecoderSpec, phones: NDArray[np.int64], ge: NDArray[np.float32]) -> None:
        self._graph, self._spec = graph, spec
        self._fixed: dict[str, Array] = {"phones": phones[None], "ge": ge[None]}
        self.done = 0
        """Tokens whose latents have been made."""

    def take(self, tokens: Sequence[int], align: Sequence[int] | None, count: int) -> NDArray[np.float32]:
        """Latents [C, count * frames_per_token] of the next `count` tokens.

        `tokens` holds all tokens so far, `align` the phone that each speaks (None for a voice without pointers).
        """
        context = self._spec.latent_context_tokens
        start, stop = self.done, self.done + count
        first, last = max(0, start - context), min(len(tokens), stop + context)
        feeds = dict(self._fixed)
        feeds["codes"] = np.array([tokens[first:last]], np.int64)
        if align is not None:
            feeds["align"] = np.array([align[first:last]], np.int64)
        z = self._graph.run({name: feeds[name] for name in self._graph.inputs})["z"][0]
        self.done = stop
        per_token = self._spec.frames_per_token
        inner: NDArray[np.float32] = z[:, (start - first) * per_token : (stop - first) * per_token]
        return inner
