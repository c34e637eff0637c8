"""What one sentence makes each graph do: how often it runs, and at which sizes. Pure.

The windows are those of the runtime (edge_tts.sovits): few tokens first, so that sound starts early, and on each side
as much context as the decoder's receptive field, which is computed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge_tts.bundle import Manifest
from edge_tts.bundle.spec import DecoderSpec
from edge_tts.sovits.schedule import next_window

__all__ = ["PHONES_PER_SECOND", "Run", "Sentence", "Window", "runs_of", "windows"]

PHONES_PER_SECOND = 12.5
"""An assumption about the sentence: read speech, pauses between words included."""


@dataclass(frozen=True)
class Sentence:
    """`tokens` and `phones` of the sentence, `prompt_tokens` and `prompt_phones` of the speaker's reference; a decode
    step looks at `context` rows of a KV cache that has room for `buffer`."""

    tokens: int
    phones: int
    prompt_tokens: int
    prompt_phones: int
    context: int
    buffer: int

    @property
    def rows(self) -> int:
        """Rows of the KV cache after the prefill."""
        return self.prompt_phones + self.phones + self.prompt_tokens


@dataclass(frozen=True)
class Window:
    """One piece of sound: it needs `drawn` tokens, `latent_tokens` go through the latents (0: they are there already),
    `frames` through the vocoder (0: too few to be certain of any yet)."""

    drawn: int
    latent_tokens: int
    frames: int


@dataclass(frozen=True)
class Run:
    """A graph runs `times` in a sentence at these sizes; `first` of them before the first sound is heard."""

    graph: str
    sizes: tuple[tuple[str, int], ...]
    times: int
    first: int


def windows(decoder: DecoderSpec, tokens: int) -> Iterator[Window]:
    """The windows of a sentence in their order."""
    context, index, done = decoder.latent_context_tokens, 0, 0
    frames, kept, certain = 0, 0, 0  # all latents so far, the first that is kept, how many have become sound
    for step in range(1, tokens + 2):
        drawn, final = min(step, tokens), step > tokens
        if context is None and not final:
            continue
        ahead = context or 0
        while count := next_window(index, done, drawn, ahead, final):
            stop = done + count
            latent = min(drawn, stop + ahead) - max(0, done - ahead)
            if context is None:
                latent = tokens if index == 0 else 0
            index, done, frames = index + 1, stop, frames + count * decoder.frames_per_token
            sure = frames if final and done == tokens else frames - decoder.vocoder_context_frames
            size = frames - kept if sure > certain else 0
            if size:
                kept, certain = max(0, sure - decoder.vocoder_context_frames), sure
            yield Window(drawn if not final else tokens + 1, latent, size)


def runs_of(manifest: Manifest, sentence: Sentence) -> list[Run]:
    """Every run of every graph, equal ones as one. A sentence's tokens take as many steps: the prefill gives the first
    and the last step the end."""
    pieces = list(windows(manifest.decoder, sentence.tokens))
    first = next(at for at, piece in enumerate(pieces) if piece.frames)
    steps = pieces[first].drawn - 1
    phones = sentence.prompt_phones + sentence.phones
    prefill = (("phones", phones), ("prompt", sentence.prompt_tokens))
    step = (("buffer", sentence.buffer), ("context", sentence.context), ("phones", phones))
    runs = [Run("gpt_prefill", prefill, 1, 1), Run("gpt_step", step, sentence.tokens, steps)]
    counted: dict[tuple[str, tuple[tuple[str, int], ...]], list[int]] = {}
    for at, piece in enumerate(pieces):
        of_tokens = (("tokens", piece.latent_tokens), ("phones", sentence.phones))
        for graph, size, sizes in (
            ("latents", piece.latent_tokens, of_tokens),
            ("vocoder", piece.frames, (("frames", piece.frames),)),
        ):
            if size:
                times = counted.setdefault((graph, sizes), [0, 0])
                times[0] += 1
                times[1] += at <= first
    made = [Run(graph, sizes, times, early) for (graph, sizes), (times, early) in counted.items()]
    return runs + sorted(made, key=lambda run: run.graph)
