"""Latents → waveform, window by window.

A frame's sound depends on a fixed number of frames on each side, on the noise of those frames (a function of the
absolute frame number) and on the oscillator's phase. The phase at the next window's first frame is known from this
window, so the oscillator runs on as if there were no windows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_tts.bundle.spec import DecoderSpec
from edge_tts.engines import Graph
from edge_tts.engines.api import Array

__all__ = ["VocoderStream"]

FrameNoise = Callable[[int, int], NDArray[np.float32]]
"""(start, stop) → standard normal values [stop - start, samples per frame]."""


class VocoderStream:
    """Sound of one sentence. `condition` is float32 [B]."""

    def __init__(self, graph: Graph, spec: DecoderSpec, condition: NDArray[np.float32], noise: FrameNoise) -> None:
        self._graph, self._spec, self._noise = graph, spec, noise
        self._condition = condition[None]
        self._kept: NDArray[np.float32] = np.zeros((spec.latent_channels, 0), np.float32)
        self._first = 0  # number of the first kept frame
        self._phase = np.zeros(1, np.float32)  # in cycles, at the first kept frame
        self._done = 0

    def push(self, z: NDArray[np.float32], final: bool) -> NDArray[np.float32]:
        """Takes the next latents [C, n]; returns the samples float32 [m] that are now certain."""
        window = np.concatenate([self._kept, z], axis=1)
        context = self._spec.vocoder_context_frames
        available = self._first + window.shape[1]
        stop = available if final else available - context
        if stop <= self._done:
            self._kept = window
            return np.zeros(0, np.float32)
        outputs = self._run(window, available)
        samples = self._spec.samples_per_frame
        audio = outputs["audio"][0, (self._done - self._first) * samples : (stop - self._first) * samples]
        self._move(window, outputs, stop, max(0, stop - context))
        return np.ascontiguousarray(audio, dtype=np.float32)

    def _run(self, window: NDArray[np.float32], available: int) -> dict[str, Array]:
        feeds: dict[str, Array] = {"z": window[None], "condition": self._condition, "phase": self._phase}
        if "noise" in self._graph.inputs:
            feeds["noise"] = self._noise(self._first, available).reshape(1, -1)
        return self._graph.run({name: feeds[name] for name in self._graph.inputs})

    def _move(self, window: NDArray[np.float32], outputs: dict[str, Array], stop: int, first: int) -> None:
        if "phases" in outputs:
            self._phase = np.mod(outputs["phases"][:, first - self._first], 1.0).astype(np.float32)
        self._kept = window[:, first - self._first :]
        self._first, self._done = first, stop
