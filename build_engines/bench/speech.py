"""A voice that speaks sentences of a wanted length, and what each costs.

Random weights end a sentence after half a second. Here the shipped path is told to draw at least so many tokens, and
the logits that come after them are told that this is the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from build_engines.bench.instrument import STAGES, Watch, watched
from build_engines.bench.texts import LANGUAGE, SENTENCE_SECONDS, joined, text_of
from edge_tts.audio import AudioChunk
from edge_tts.bundle import open_bundle
from edge_tts.errors import TextError
from edge_tts.fallback import open_graphs
from edge_tts.synthesis import Request, Synthesizer, Utterance
from edge_tts.utterances import read_utterances

__all__ = ["PARTS", "Speech", "Spoken", "longest_seconds"]

PARTS = ("phones", *STAGES, "python")
"""Where time goes: reading the text, the four graphs, and all the rest."""


@dataclass(frozen=True)
class Spoken:
    """`audio_s` seconds of sound without the pauses between sentences, `tokens` of each sentence, `wall_s` and `cpu_s`
    it took, `first_s` until the first of it was there (by the clock), `parts_s` by PARTS, which sum up to `cpu_s`."""

    audio_s: float
    tokens: tuple[float, ...]
    wall_s: float
    cpu_s: float
    first_s: float
    parts_s: dict[str, float]


class Speech:
    """A bundle that speaks on ONNX Runtime, watched."""

    def __init__(self, folder: Path) -> None:
        """Raises BundleError, EngineError."""
        self.watch = Watch()
        self.bundle = open_bundle(folder)
        self.manifest = self.bundle.manifest
        self.graphs = watched(open_graphs(self.bundle, "onnx")[0], self.watch)
        self.name = self.manifest.default_speaker or ""
        if not self.name:
            raise TextError(f"{folder} has no speaker: give it one with edgetts-build enroll")
        self.speaker = self.bundle.speaker(self.name)

    def text(self, sentences: int, seed: int, seconds: float | None = SENTENCE_SECONDS) -> Spoken:
        """Speaks a text of so many sentences of `seconds` each; None: as long as the voice makes them."""
        return self._timed(lambda: self._say(sentences, seed, self._tokens(seconds)))

    def sentence(self, seconds: float, seed: int) -> Spoken:
        """Speaks a single sentence of that length."""
        enough = int(seconds / SENTENCE_SECONDS) + 2
        return self._timed(lambda: self._say(enough, seed, self._tokens(seconds), seconds))

    def read(self, sentences: int) -> list[Utterance]:
        """The utterances of a text of so many sentences."""
        return read_utterances(self.manifest, text_of(sentences), self.name, LANGUAGE)

    def _tokens(self, seconds: float | None) -> int:
        return 0 if seconds is None else round(seconds * self.manifest.token_rate_hz)

    def _say(
        self, sentences: int, seed: int, least: int, join_s: float | None = None
    ) -> tuple[Iterator[AudioChunk], float]:
        """The sound, and the seconds that reading the text took."""
        start = time.process_time()
        utterances = self.read(sentences)
        if join_s is not None:
            utterances = [joined(utterances, join_s)]
        phones_s = time.process_time() - start
        sampling = self.manifest.sampling
        manifest = replace(self.manifest, sampling=replace(sampling, min_tokens=max(sampling.min_tokens, least)))
        self.watch.last_position = len(self.speaker.prompt_semantic) + least - 1 if least else None
        request = Request(utterances, self.speaker, 1.0, seed)
        return Synthesizer(self.graphs, manifest).speak(request), phones_s

    def _timed(self, say: Callable[[], tuple[Iterator[AudioChunk], float]]) -> Spoken:
        before = self.watch.seconds()
        start, cpu_start = time.perf_counter(), time.process_time()
        chunks, phones_s = say()
        first, samples = 0.0, dict[int, int]()
        for chunk in chunks:
            chunk.pcm16()  # what a sound device takes
            first = first or time.perf_counter() - start
            if chunk.samples.any():  # not the pause after a sentence
                samples[chunk.sentence] = samples.get(chunk.sentence, 0) + len(chunk.samples)
        self.watch.last_position = None
        wall, cpu = time.perf_counter() - start, time.process_time() - cpu_start
        after = self.watch.seconds()
        parts = {"phones": phones_s} | {stage: after[stage] - before[stage] for stage in STAGES}
        parts["python"] = cpu - sum(parts.values())
        audio = [number / self.manifest.sample_rate for number in samples.values()]
        tokens = tuple(round(seconds * self.manifest.token_rate_hz, 2) for seconds in audio)
        return Spoken(sum(audio), tokens, wall, cpu, first, parts)


def longest_seconds(max_context: int, prompt_rows: int, token_rate_hz: float, phones_per_second: float) -> int:
    """The longest single sentence, in whole seconds, whose prompt, phones and tokens fit into the model's context."""
    return int((max_context - prompt_rows - 2) / (token_rate_hz + phones_per_second))
