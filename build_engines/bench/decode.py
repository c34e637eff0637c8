"""Milliseconds of core per token of the decode loop as it is shipped, at given contexts: step, noise, sampling, all.

A context of so many rows of the KV cache is reached by a sentence with that many phones. The end is forbidden.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import onnx

from build_engines.bench.speech import Speech
from build_engines.errors import BuildError
from build_engines.plan.cost import Cost
from build_engines.plan.graphs import PlannedGraph
from build_engines.plan.precision import Precision
from edge_tts.bundle import Bundle, Sampling, SpeakerTokens
from edge_tts.engines.api import Array
from edge_tts.gpt.generation import Generation, Outcome
from edge_tts.noise import SamplingNoise

__all__ = ["RANK", "Decoding", "Steps", "Subject", "adapter_of", "cost_of", "measure_steps", "split_context"]

RANK = 8
_NEVER = 1 << 30
_PROMPT_TOKENS = 100  # at most; the context must hold some phones too
_WARM_UP = 4


class Subject(Protocol):
    """What decodes. `graph_seconds` says how much of the time so far was inside the step graph."""

    def start(self, context: int, room: int) -> Generation: ...

    def graph_seconds(self) -> float: ...


@dataclass(frozen=True)
class Steps:
    """Milliseconds of core per token: median, least and greatest; `python_ms`, a median too, lie outside the graph."""

    ms: float
    least_ms: float
    most_ms: float
    python_ms: float


class Decoding:
    """A bundle's decode loop; `adapter` is bound to both graphs."""

    def __init__(self, speech: Speech, adapter: Mapping[str, Array] | None = None) -> None:
        self._speech, self._adapter = speech, adapter

    def start(self, context: int, room: int) -> Generation:
        """A sentence whose prefill fills `context` rows. Raises ValueError: fewer than the prompt's phones."""
        speech = self._speech
        speaker, phones = split_context(speech.speaker, context)
        features = np.tile(speaker.features, (len(phones), 1))
        decoder = speech.graphs.gpt.start(phones, features, speaker, room, self._adapter)
        return generation_of(decoder, speaker, speech.manifest.sampling, speech.manifest.gpt.eos)

    def graph_seconds(self) -> float:
        """Of all steps so far."""
        return self._speech.watch.times.seconds["decode"]


def generation_of(decoder: object, speaker: SpeakerTokens, sampling: Sampling, eos: int, seed: int = 0) -> Generation:
    """The shipped loop over a decoder, with no end."""
    return Generation(
        decoder, speaker, replace(sampling, min_tokens=_NEVER), eos,  # type: ignore[arg-type]
        SamplingNoise(seed, 0),
    )  # fmt: skip


def split_context(speaker: SpeakerTokens, context: int) -> tuple[SpeakerTokens, np.ndarray]:
    """A speaker with a prompt that leaves room, and phones int64 [P] that fill the context's rows."""
    tokens = min(len(speaker.prompt_semantic), _PROMPT_TOKENS)
    left = context - tokens - len(speaker.prompt_phones)
    if left < 1:
        raise ValueError(f"a context of {context} rows leaves no room for phones")
    shortened = replace(speaker, prompt_semantic=speaker.prompt_semantic[:tokens])
    return shortened, np.random.default_rng(context).integers(10, 300, left)


def adapter_of(bundle: Bundle, rank: int = RANK) -> dict[str, Array]:
    """Random factors of that rank for every target of the bundle, small enough to change little."""
    model = onnx.load_from_string(bundle.read(bundle.manifest.graphs["gpt_prefill"].file))
    random = np.random.default_rng(0)
    factors: dict[str, Array] = {}
    for item in model.graph.input:
        dims = [dim.dim_value for dim in item.type.tensor_type.shape.dim]
        if item.name.startswith("lora_A."):
            factors[item.name] = 0.05 * random.standard_normal((dims[0], rank), np.float32)
        elif item.name.startswith("lora_B."):
            factors[item.name] = 0.05 * random.standard_normal((rank, dims[1]), np.float32)
    return factors


def cost_of(bundle: Bundle, graph: str, sizes: Mapping[str, int], rank: int = 0) -> Cost:
    """Products and bytes of one run of a graph for ONNX Runtime, at a Run's sizes (build_engines.plan).

    Raises BuildError: an operator isn't counted.
    """
    entry = bundle.manifest.graphs[graph]
    model = onnx.load_from_string(bundle.read(entry.file))
    return PlannedGraph(model, entry, bundle.manifest.decoder).cost(sizes, Precision.STORED, rank)


def measure_steps(
    subjects: Mapping[str, Subject], context: int, tokens: int, rounds: int, told: Callable[[], object] = lambda: None
) -> dict[str, Steps]:
    """Draws `tokens` tokens in a row around that context, with each subject in turn, `rounds` times.

    In a row, as a sentence is spoken: after another model's step the processor's caches hold nothing of this one's.
    """
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, subject in subjects.items():
            generation = subject.start(context - tokens // 2 - _WARM_UP, tokens + _WARM_UP + 1)
            for index in range(tokens + _WARM_UP):
                inside, begin = subject.graph_seconds(), time.process_time()
                outcome = generation.advance()
                taken = time.process_time() - begin
                if outcome is not Outcome.TOKEN:
                    raise BuildError(f"{name}: no token at a context of {context} rows ({outcome.value})")
                if index >= _WARM_UP:
                    seconds[name].append((taken, taken - (subject.graph_seconds() - inside)))
        told()
    return {name: _steps(pairs) for name, pairs in seconds.items()}


def _steps(pairs: Sequence[tuple[float, float]]) -> Steps:
    ms, python = [1e3 * taken for taken, _ in pairs], [1e3 * outside for _, outside in pairs]
    return Steps(statistics.median(ms), min(ms), max(ms), statistics.median(python))
