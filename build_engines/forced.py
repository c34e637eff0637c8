"""A voice led by the hand: its shipped graphs, run on tokens that are given instead of drawn.

What quantization changes can only be heard beside the original if both speak the same tokens at the same time. Here a
bundle's graphs are run stage by stage through the runtime's own code: `ForcedVoice.draw` draws a sentence's tokens
once, and `logits`, `latents` and `sound` give what a voice makes of them. No guard watches and nothing is mended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_tts.bundle import Bundle, SpeakerTokens
from edge_tts.engines import Engine, Graph
from edge_tts.engines.api import Array
from edge_tts.gpt.decoder import SentenceDecoder
from edge_tts.gpt.generation import Generation, Outcome
from edge_tts.graphs import load_graphs
from edge_tts.noise import SamplingNoise, frame_noise, latent_noise
from edge_tts.sovits.latents import WholeLatents, WindowedLatents
from edge_tts.sovits.vocoder import VocoderStream
from edge_tts.synthesis import Synthesizer, Utterance
from edge_tts.utterances import read_utterances

__all__ = ["Drawn", "ForcedVoice"]


@dataclass(frozen=True)
class Drawn:
    """Tokens of a sentence, the phone of the target that each speaks (None without pointers), and whether the voice
    ended by itself."""

    tokens: tuple[int, ...]
    pointers: tuple[int, ...] | None
    ended: bool


class ForcedVoice:
    """A bundle's graphs in an engine. `seed` fixes all noise: two voices given the same hear the same."""

    def __init__(
        self, bundle: Bundle, engine: Engine, seed: int = 0, accelerated: Mapping[str, Graph] | None = None
    ) -> None:
        """`accelerated` are graphs that something else runs. Raises BundleError, EngineError."""
        self.bundle, self.manifest, self.seed = bundle, bundle.manifest, seed
        self._graphs = load_graphs(bundle, engine, accelerated)
        self._synthesizer = Synthesizer(self._graphs, bundle.manifest)
        self._speakers = {name: bundle.speaker(name) for name in bundle.manifest.speakers}

    @property
    def speakers(self) -> tuple[str, ...]:
        """All speakers by name."""
        return tuple(self._speakers)

    def read(self, text: str, speaker: str, language: str | None = None) -> list[Utterance]:
        """The sentences of a text, as `Voice.synthesize` reads them. Raises ParameterError, TextError."""
        return read_utterances(self.manifest, text, speaker, language)

    def draw(self, utterance: Utterance, speaker: str, sentence: int, most: int) -> Drawn:
        """Draws at most `most` tokens. `sentence` numbers the noise. Raises TextError: too long a sentence."""
        tokens = self._speakers[speaker]
        decoder = self._start(utterance, tokens, most)
        most = min(most, decoder.capacity)  # a step for each of them fits into the context
        generation = Generation(
            decoder, tokens, self.manifest.sampling, self.manifest.gpt.eos,
            SamplingNoise(self.seed, sentence),
        )  # fmt: skip
        outcome = Outcome.TOKEN
        while outcome is Outcome.TOKEN and len(generation.tokens) < most:
            outcome = generation.advance()
        pointers = None if generation.pointers is None else tuple(generation.pointers)
        return Drawn(tuple(generation.tokens), pointers, outcome is Outcome.END)

    def logits(self, utterance: Utterance, speaker: str, drawn: Drawn) -> NDArray[np.float32]:
        """What the GPT expects before each token and after the last, float32 [tokens + 1, vocab]."""
        tokens = drawn.tokens
        decoder = self._start(utterance, self._speakers[speaker], len(tokens))
        rows = [decoder.first.logits.copy()]
        for index, token in enumerate(tokens):
            pointer = None if drawn.pointers is None else drawn.pointers[index]
            rows.append(decoder.step(index, token, pointer).logits.copy())
        return np.stack(rows)

    def latents(self, utterance: Utterance, speaker: str, drawn: Drawn, sentence: int) -> NDArray[np.float32]:
        """The latents of all tokens, float32 [C, frames]."""
        spec, acoustic, tokens = self.manifest.decoder, self._graphs.acoustic, self._speakers[speaker]
        fixed: dict[str, Array] = {"phones": utterance.ids[None], "condition": tokens.latents_condition[None]}
        align = _align(drawn.pointers, len(tokens.prompt_phones))
        if spec.latent_context_tokens is not None:
            windowed = WindowedLatents(acoustic.latents, spec, spec.latent_context_tokens, fixed)
            return windowed.take(drawn.tokens, align, len(drawn.tokens))
        whole = WholeLatents(
            acoustic.latents, spec, fixed,
            lambda a, b: latent_noise(self.seed, sentence, a, b, spec.latent_channels), 1.0,
        )  # fmt: skip
        return whole.take(drawn.tokens, align, len(drawn.tokens))

    def sound(self, z: NDArray[np.float32], speaker: str, sentence: int) -> NDArray[np.float32]:
        """The waveform of latents [C, frames], float32 [samples], made in windows as a listener gets it."""
        spec = self.manifest.decoder
        vocoder = VocoderStream(
            self._graphs.acoustic.vocoder, spec, self._speakers[speaker].vocoder_condition,
            lambda a, b: frame_noise(self.seed, sentence, a, b, spec.samples_per_frame),
        )  # fmt: skip
        pieces = [z[:, at : at + _WINDOW_FRAMES] for at in range(0, z.shape[1], _WINDOW_FRAMES)]
        sound = [vocoder.push(piece, index == len(pieces) - 1) for index, piece in enumerate(pieces)]
        return np.concatenate(sound)

    def _start(self, utterance: Utterance, speaker: SpeakerTokens, most: int) -> SentenceDecoder:
        features = self._synthesizer.features(utterance, speaker)
        return self._graphs.gpt.start(utterance.ids, features, speaker, most + 1)


_WINDOW_FRAMES = 64


def _align(pointers: Sequence[int] | None, offset: int) -> list[int] | None:
    """Pointers count from the first prompt phone, the acoustic decoder from the first target phone."""
    return None if pointers is None else [max(0, pointer - offset) for pointer in pointers]
