"""Tokens → latents.

Where a token's latents depend on a fixed number of tokens on each side (a distilled voice), `WindowedLatents` makes
them window by window, and windows with that much context give exactly the latents of the whole utterance. Where they
depend on all tokens (GPT-SoVITS's text encoder attends to everything), `WholeLatents` waits for the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_tts.bundle.spec import DecoderSpec
from edge_tts.engines import Graph
from edge_tts.engines.api import Array

__all__ = ["Latents", "WholeLatents", "WindowedLatents"]

FrameNoise = Callable[[int, int], NDArray[np.float32]]
"""(start, stop) → standard normal values [stop - start, channels]."""


class Latents(Protocol):
    """Latents of one sentence."""

    done: int
    """Tokens whose latents have been taken."""

    def take(self, tokens: Sequence[int], align: Sequence[int] | None, count: int) -> NDArray[np.float32]:
        """Latents [C, frames] of the next `count` tokens.

        `tokens` holds all tokens so far, `align` the phone that each speaks (None for a voice without pointers).
        """


class WindowedLatents:
    """Latents that need `latent_context_tokens` tokens on each side; `frames_per_token` frames for each token.

    `fixed` are the inputs that stay the same: phones int64 [1, P] of the target, condition float32 [1, A].
    """

    def __init__(self, graph: Graph, spec: DecoderSpec, context: int, fixed: Mapping[str, Array]) -> None:
        self._graph, self._per_token, self._context, self._fixed = graph, spec.frames_per_token, context, fixed
        self.done = 0

    def take(self, tokens: Sequence[int], align: Sequence[int] | None, count: int) -> NDArray[np.float32]:
        """See `Latents`."""
        start, stop = self.done, self.done + count
        first, last = max(0, start - self._context), min(len(tokens), stop + self._context)
        feeds = dict(self._fixed)
        feeds["codes"] = np.array([tokens[first:last]], np.int64)
        if align is not None:
            feeds["align"] = np.array([align[first:last]], np.int64)
        z = self._graph.run({name: feeds[name] for name in self._graph.inputs})["z"][0]
        self.done = stop
        inner: NDArray[np.float32] = z[:, (start - first) * self._per_token : (stop - first) * self._per_token]
        return inner


class WholeLatents:
    """Latents of all tokens at once, handed out in pieces. Must first be asked when all tokens are known.

    `speed` is applied inside the graph, as GPT-SoVITS does it: int(frames / speed) + 1 frames, and none more at speed
    1. The noise that the graph adds is `noise` times the voice's `noise_scale`.
    """

    def __init__(
        self, graph: Graph, spec: DecoderSpec, fixed: Mapping[str, Array], noise: FrameNoise, speed: float
    ) -> None:
        self._graph, self._spec, self._fixed, self._noise, self._speed = graph, spec, fixed, noise, speed
        self._z: NDArray[np.float32] | None = None
        self.done = 0

    def take(self, tokens: Sequence[int], align: Sequence[int] | None, count: int) -> NDArray[np.float32]:
        """See `Latents`."""
        if self._z is None:
            self._z = self._run(tokens, align)
        frames = self._z.shape[1]
        start, stop = (round(frames * n / len(tokens)) for n in (self.done, self.done + count))
        self.done += count
        return self._z[:, start:stop]

    def _run(self, tokens: Sequence[int], align: Sequence[int] | None) -> NDArray[np.float32]:
        frames = len(tokens) * self._spec.frames_per_token
        if self._speed != 1.0:
            frames = int(frames / self._speed) + 1
        feeds = dict(self._fixed)
        feeds["codes"] = np.array([tokens], np.int64)
        feeds["frames"] = np.array([frames], np.int64)
        if align is not None:
            feeds["align"] = np.array([align], np.int64)
        if "noise" in self._graph.inputs:
            feeds["noise"] = (self._noise(0, frames).T * np.float32(self._spec.noise_scale))[None]
        z: NDArray[np.float32] = self._graph.run({name: feeds[name] for name in self._graph.inputs})["z"][0]
        return z
