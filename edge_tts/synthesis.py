"""Sentences become sound: tokens are drawn, watched, turned into sound, and mended when they go wrong.

With one thread a plain generator: the next token is drawn when the listener asks for more sound, so nothing runs ahead
of him, and to close the generator is to cancel. With more, that many sentences are made side by side. Each is made as
it would be alone, every operator on one thread, so the sound is the same to the bit. Threads inside the operators, or
one per stage, were measured: a decode step is too small to share, and stages only take turns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edge_tts.audio import AudioChunk
from edge_tts.bundle import Manifest, SpeakerTokens
from edge_tts.errors import DeviceError, EngineError, EngineLimitError, SynthesisError
from edge_tts.fallback import Spare
from edge_tts.gpt.generation import Generation, Outcome
from edge_tts.gpt.guard import Fault, FaultKind, Limits, inspect, inspect_end, limits_for, trusted
from edge_tts.gpt.recovery import Candidate, Finish, Retry, best_candidate, recover
from edge_tts.graphs import VoiceGraphs
from edge_tts.noise import SamplingNoise
from edge_tts.side_by_side import side_by_side
from edge_tts.sovits.post import pause_seconds
from edge_tts.sovits.schedule import WINDOW_TOKENS
from edge_tts.sovits.stream import AcousticStream
from edge_tts.text import Segment
from edge_tts.timing import StageTimes

__all__ = ["PAUSE_PHONES", "Request", "Synthesizer", "Utterance"]

PAUSE_PHONES = frozenset(",.!?…-")


@dataclass(frozen=True)
class Utterance:
    """One sentence, ready to be spoken: `ids` int64 [P] of its phones, `pauses` which of them are pauses, `segments`
    the runs of one language that they come from."""

    written: str
    ids: NDArray[np.int64]
    pauses: tuple[bool, ...]
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True)
class Request:
    """What to speak and how. `stopped` is asked before every decode step and every window of sound, by all threads; it
    may raise."""

    utterances: Sequence[Utterance]
    speaker: SpeakerTokens
    speed: float
    seed: int
    stopped: Callable[[], bool] = lambda: False
    times: StageTimes = field(default_factory=StageTimes)


class Synthesizer:
    """The graphs of one voice at work. Holds nothing between sentences, so several requests may take turns."""

    def __init__(self, graphs: VoiceGraphs, manifest: Manifest, spare: Spare | None = None, threads: int = 1) -> None:
        """`spare` has the graphs to go on with when those of a GPU fail; `threads` sentences are made at a time."""
        self._own, self._manifest, self._spare, self._threads = graphs, manifest, spare, threads

    def speak(self, request: Request) -> Iterator[AudioChunk]:
        """Yields the sound of all sentences. Raises SynthesisError: four attempts at a sentence failed. Raises
        EngineError: the GPU failed within a sentence; what is asked for next is spoken without it. Raises what
        `request.stopped` raises.
        """
        total = len(request.utterances)
        threads = 1 if self.on_gpu else min(self._threads, total)  # one GPU speaks one sentence at a time
        if threads > 1:
            return side_by_side(
                lambda index, halted: self._chunks(replace(request, stopped=halted), index),
                total,
                threads,
                request.stopped,
            )
        return (chunk for index in range(total) for chunk in self._chunks(request, index))

    def _chunks(self, request: Request, index: int) -> Iterator[AudioChunk]:
        """A sentence and the pause after it."""
        utterance, total, rate = request.utterances[index], len(request.utterances), self._manifest.sample_rate
        for samples in self._spoken(request, index, utterance):
            yield AudioChunk(samples, rate, index, total)
        if index + 1 < total and not request.stopped():
            # The pause comes now and not before the next sentence: it covers the time that sentence needs to start.
            silence = np.zeros(round(pause_seconds(utterance.written) * rate / request.speed), np.float32)
            yield AudioChunk(silence, rate, index, total)

    @property
    def on_gpu(self) -> bool:
        """Whether the graphs run on a GPU that has not failed."""
        return self._spare is not None and not self._spare.lasting

    @property
    def _graphs(self) -> VoiceGraphs:
        return self._spare.graphs() if self._spare is not None and self._spare.lasting else self._own

    def _spoken(self, request: Request, index: int, utterance: Utterance) -> Iterator[NDArray[np.float32]]:
        """A sentence; it starts over on the spare graphs when its own fail before any of it has been heard."""
        graphs, heard = self._graphs, False
        try:
            for samples in self._sentence(graphs, request, index, utterance):
                heard = True
                yield samples
            return
        except (DeviceError, EngineLimitError) as error:
            if self._spare is None or graphs is not self._own:
                raise
            graphs = self._spare.take_over(error)
            if heard:
                raise EngineError(f"a sentence broke off ({error}): say it again") from None
        yield from self._sentence(graphs, request, index, utterance)

    def features(self, utterance: Utterance, speaker: SpeakerTokens) -> NDArray[np.float32]:
        """What the GPT is told of each phone besides its id, [P, F]: the speaker's constant, or the text's features."""
        rows: NDArray[np.float32] = np.tile(speaker.features, (len(utterance.ids), 1))
        at = 0
        for segment in utterance.segments:
            model = self._graphs.text_features.get(segment.language)
            if model is not None:
                rows[at : at + len(segment.phones)] = model.features(segment.text, segment.word_to_phone)
            at += len(segment.phones)
        return rows

    def _sentence(
        self, graphs: VoiceGraphs, request: Request, index: int, utterance: Utterance
    ) -> Iterator[NDArray[np.float32]]:
        if request.stopped():
            return
        speaker, spec, times = request.speaker, self._manifest.gpt, request.times
        offset = len(speaker.prompt_phones)
        limits = limits_for(utterance.pauses, self._manifest.token_rate_hz, offset)
        with times.measure("prefill"):
            features = self.features(utterance, speaker)
            decoder = graphs.gpt.start(utterance.ids, features, speaker, limits.total + 1)
        generation = Generation(
            decoder,
            speaker,
            self._manifest.sampling,
            spec.eos,
            SamplingNoise(request.seed, index),
        )
        stream = AcousticStream(
            graphs.acoustic,
            utterance.ids,
            speaker,
            request.seed,
            index,
            request.speed,
            times,
            WINDOW_TOKENS,
            request.stopped,
        )
        yield from _stream(generation, stream, limits, offset, request)


def _stream(
    generation: Generation, stream: AcousticStream, limits: Limits, offset: int, request: Request
) -> Iterator[NDArray[np.float32]]:
    """Draws tokens until the sentence is complete, and yields sound as it becomes certain."""
    attempt, candidates = 0, list[Candidate]()
    while not request.stopped():
        with request.times.measure("decode"):
            outcome = generation.advance()
        tokens, pointers = generation.tokens, generation.pointers
        fault = _judge(outcome, tokens, pointers, limits)
        if fault is None:
            final = outcome is Outcome.END
            yield from stream.advance(tokens, _align(pointers, offset), final, trusted(tokens, pointers, limits))
            if final:
                return
            continue
        if fault.kind is FaultKind.EARLY_STOP and tokens:
            candidates.append(Candidate(tokens[:], pointers[:] if pointers is not None else None))
        pointer = pointers[-1] if pointers else None
        decision = recover(fault, attempt, stream.committed, len(tokens), pointer, limits.last_sound)
        if isinstance(decision, Retry):
            attempt += 1
            generation.rewind(decision.keep, attempt, decision.min_tokens)
        elif isinstance(decision, Finish):
            yield from stream.advance(tokens[: decision.keep], _align(pointers, offset, decision.keep), True)
            return
        else:
            chosen = best_candidate(candidates, tokens[: stream.committed])
            if chosen is None:
                raise SynthesisError(f"{attempt + 1} attempts at a sentence failed ({fault.kind.value}): rephrase it")
            yield from stream.advance(chosen.tokens, _align(chosen.pointers, offset), True)
            return


def _judge(outcome: Outcome, tokens: list[int], pointers: list[int] | None, limits: Limits) -> Fault | None:
    if outcome is Outcome.TOKEN:
        return inspect(tokens, pointers, limits)
    if outcome is Outcome.END:
        return inspect_end(tokens, pointers, limits)
    return Fault(FaultKind.RUNAWAY, 0)


def _align(pointers: list[int] | None, offset: int, count: int | None = None) -> list[int] | None:
    """Pointers count from the first prompt phone, the acoustic decoder from the first target phone."""
    if pointers is None:
        return None
    return [max(0, pointer - offset) for pointer in pointers[:count]] if offset else pointers[:count]
