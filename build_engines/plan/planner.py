"""The plan of a bundle: reads its graphs, counts, and sets the counts against each board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from build_engines.plan.boards import Board
from build_engines.plan.cost import Cost
from build_engines.plan.graphs import load_graph
from build_engines.plan.precision import Precision
from build_engines.plan.roofline import GRAPHS, Prediction, buckets_of, memory_of, predict
from build_engines.plan.workload import PHONES_PER_SECOND, Run, Sentence, runs_of
from edge_tts.bundle import Bundle, Manifest
from edge_tts.errors import ParameterError

__all__ = ["Plan", "make_plan"]

_PADDED_RANK = 16  # of the adapters in graphs for TensorRT, where a what-if stands for them
_PROMPT = (100, 50)  # tokens and phones of a reference of 4 s, where nobody is enrolled yet


@dataclass(frozen=True)
class Plan:
    """A bundle on some boards: which `files` were counted, in which `precision`, for which `sentence` of `seconds`;
    `speaker` is None where nobody is enrolled and the prompt is assumed."""

    name: str
    id: str
    files: dict[str, str]
    precision: Precision
    sentence: Sentence
    seconds: float
    speaker: str | None
    runs: tuple[tuple[Run, Cost], ...]
    predictions: tuple[Prediction, ...]

    @property
    def for_tensorrt(self) -> list[str]:
        """Graphs that the bundle has for TensorRT."""
        return [name for name, file in self.files.items() if file.startswith("tensorrt/")]


def make_plan(
    bundle: Bundle, boards: Sequence[Board], seconds: float, context: int | None, precision: Precision
) -> Plan:
    """Counts a sentence of `seconds` on every board; `context` rows for a step, None: the middle of the sentence.

    Raises BundleError, BuildError (a graph that can't be counted, with its node), ParameterError.
    """
    manifest, speaker = bundle.manifest, bundle.manifest.default_speaker
    prompt = _PROMPT
    if speaker is not None:
        tokens = bundle.speaker(speaker)
        prompt = (len(tokens.prompt_semantic), len(tokens.prompt_phones))
    buckets = buckets_of(manifest)
    sentence = _sentence(manifest, seconds, prompt, context, buckets)
    graphs = {name: load_graph(bundle, name) for name in GRAPHS}
    what_if = precision is not Precision.STORED
    rank = min(_PADDED_RANK, manifest.adapters.max_rank) if what_if else 0
    runs = tuple((run, graphs[run.graph].cost(dict(run.sizes), precision, rank)) for run in runs_of(manifest, sentence))
    cache = graphs["gpt_step"].entry.inputs["past_key_0"].dtype
    if what_if and cache == "float32":
        cache = "float16"
    memory = memory_of(manifest, runs, cache, buckets, sentence)
    seconds = sentence.tokens / manifest.token_rate_hz
    predictions = tuple(predict(board, runs, seconds, memory) for board in boards)
    files = {name: graph.file for name, graph in graphs.items()}
    return Plan(manifest.name, bundle.id, files, precision, sentence, seconds, speaker, runs, predictions)


def _sentence(
    manifest: Manifest, seconds: float, prompt: tuple[int, int], context: int | None, buckets: Sequence[int]
) -> Sentence:
    most = manifest.gpt.max_context
    if not 0.2 <= seconds <= 60:
        raise ParameterError(f"a sentence of {seconds:g} seconds can't be planned: give 0.2 to 60")
    if context is not None and not 1 <= context <= most:
        raise ParameterError(f"a context of {context} rows can't be planned: this voice has 1 to {most}")
    tokens, phones = max(1, round(seconds * manifest.token_rate_hz)), max(1, round(seconds * PHONES_PER_SECOND))
    rows = sum(prompt) + phones
    if rows + tokens > most:
        raise ParameterError(
            f"a sentence of {seconds:g} seconds needs {rows + tokens} rows of the KV cache with this speaker's prompt, "
            f"the voice has {most}: give fewer --seconds"
        )
    needed = max(rows + tokens, context or 0)
    buffer = next((bucket for bucket in buckets if bucket >= needed), buckets[-1])
    return Sentence(tokens, phones, prompt[0], prompt[1], context or rows + tokens // 2, buffer)
