"""One sentence's tokens, drawn one by one, with the means to go back.

`Generation` holds the tokens so far and draws the next. It does not judge them: the guard does that, and
`edge_tts.gpt.recovery` decides what follows. After `rewind` other noise is drawn, since the attempt is part of the
noise's counter.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from edge_tts.bundle import Sampling, SpeakerTokens
from edge_tts.gpt.decoder import SentenceDecoder
from edge_tts.gpt.sampler import draw

__all__ = ["Generation", "Outcome"]

Noise = Callable[[int, int, int], NDArray[np.float32]]
"""(attempt, step, size) → Exp(1) values."""


class Outcome(Enum):
    """What an advance led to."""

    TOKEN = "token"
    END = "end"
    FULL = "full"  # no room is left in the model's context


class Generation:
    """Tokens of one sentence: `tokens`, and `pointers` of the same length (None for a voice without them)."""

    def __init__(
        self, decoder: SentenceDecoder, speaker: SpeakerTokens, sampling: Sampling, eos: int, noise: Noise
    ) -> None:
        self._decoder = decoder
        self._prompt = len(speaker.prompt_semantic)
        self._previous = np.zeros(self._prompt + decoder.capacity + 1, np.int64)
        self._previous[: self._prompt] = speaker.prompt_semantic
        self._sampling, self._eos, self._noise = sampling, eos, noise
        self._min_tokens = sampling.min_tokens
        self._next = decoder.first
        self._stepped = True
        self._attempt = 0
        self.tokens: list[int] = []
        self.pointers: list[int] | None = None if decoder.first.pointer is None else []

    def advance(self) -> Outcome:
        """Runs the step for the last token if that is due, and draws the next one."""
        index = len(self.tokens)
        if index > self._decoder.capacity:
            return Outcome.FULL
        if not self._stepped:
            pointer = None if self.pointers is None else self.pointers[-1]
            self._next = self._decoder.step(index - 1, self.tokens[-1], pointer)
            self._stepped = True
        logits = self._next.logits
        noise = self._noise(self._attempt, index, len(logits))
        previous = self._previous[: self._prompt + index]
        drawn = draw(logits, previous, noise, self._sampling, self._eos, index < self._min_tokens)
        if drawn.ends:
            return Outcome.END
        self.tokens.append(drawn.token)
        self._previous[self._prompt + index] = drawn.token
        if self.pointers is not None and self._next.pointer is not None:
            self.pointers.append(self._next.pointer)
        self._stepped = False
        return Outcome.TOKEN

    def rewind(self, count: int, attempt: int, min_tokens: int | None = None) -> None:
        """Keeps the first `count` tokens; what follows is drawn with the noise of `attempt`.

        `min_tokens` forbids the end before that many tokens (never fewer than the voice's own minimum).
        """
        del self.tokens[count:]
        if self.pointers is not None:
            del self.pointers[count:]
        self._attempt = attempt
        self._min_tokens = max(self._sampling.min_tokens, min_tokens or 0)
        self._stepped = count == 0
        if count == 0:
            self._next = self._decoder.first
