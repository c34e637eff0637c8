"""The acoustic decoder of one sentence: tokens as they are drawn → pieces of sound as soon as they are certain."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_tts.bundle import SpeakerTokens
from edge_tts.bundle.spec import DecoderSpec
from edge_tts.engines import Graph
from edge_tts.engines.api import Array
from edge_tts.noise import frame_noise, latent_noise
from edge_tts.sovits.latents import Latents, WholeLatents, WindowedLatents
from edge_tts.sovits.post import Fader, limit
from edge_tts.sovits.schedule import WINDOW_TOKENS, next_window
from edge_tts.sovits.speed import TimeStretch
from edge_tts.sovits.vocoder import VocoderStream
from edge_tts.timing import StageTimes

__all__ = ["AcousticGraphs", "AcousticStream"]


@dataclass(frozen=True)
class AcousticGraphs:
    """The two loaded graphs with their dimensions."""

    latents: Graph
    vocoder: Graph
    spec: DecoderSpec
    sample_rate: int


class AcousticStream:
    """Turns the tokens of one sentence into sound. `sizes` are the window sizes in tokens; `stopped` is asked before
    every window."""

    def __init__(
        self,
        graphs: AcousticGraphs,
        phones: NDArray[np.int64],
        speaker: SpeakerTokens,
        seed: int,
        sentence: int,
        speed: float = 1.0,
        times: StageTimes | None = None,
        sizes: Sequence[int] = WINDOW_TOKENS,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        spec = graphs.spec
        self._context, self._sizes, self._windows = spec.latent_context_tokens, sizes, 0
        self._times, self._stopped = times or StageTimes(), stopped
        fixed: dict[str, Array] = {"phones": phones[None], "condition": speaker.latents_condition[None]}
        self._latents: Latents
        if self._context is None:
            self._stretch = TimeStretch(1.0)  # the graph itself stretches
            channels = spec.latent_channels
            self._latents = WholeLatents(
                graphs.latents, spec, fixed, lambda a, b: latent_noise(seed, sentence, a, b, channels), speed
            )
        else:
            self._stretch = TimeStretch(speed)
            self._latents = WindowedLatents(graphs.latents, spec, self._context, fixed)
        self._vocoder = VocoderStream(
            graphs.vocoder,
            spec,
            speaker.vocoder_condition,
            lambda a, b: frame_noise(seed, sentence, a, b, spec.samples_per_frame),
        )
        self._fader = Fader(graphs.sample_rate)

    @property
    def committed(self) -> int:
        """Tokens that have been turned into latents: they can't be taken back."""
        return self._latents.done

    def advance(
        self, tokens: Sequence[int], align: Sequence[int] | None, final: bool, trusted: int | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Yields the pieces of sound (float32 [n], −1..1) that the tokens so far allow; `final`: all are known.

        Only the first `trusted` tokens become sound now; those behind them serve as context. None: all.
        """
        context = self._context
        if context is None:
            if not final:
                return
            context = 0
        available = len(tokens) if trusted is None or final else min(len(tokens), trusted + context)
        while count := next_window(self._windows, self._latents.done, available, context, final, self._sizes):
            if self._stopped():
                return
            last = final and self._latents.done + count == len(tokens)
            with self._times.measure("latents"):
                z = self._latents.take(tokens, align, count)
            self._windows += 1
            with self._times.measure("vocoder"):
                audio = self._vocoder.push(self._stretch.push(z, last), last)
            if len(audio):
                yield self._fader.apply(limit(audio), last)
