"""The roofline: of each graph's bytes and operations, the time that no engine on that board can go below.

S. Williams, A. Waterman, D. Patterson: Roofline, CACM 52(4), 2009. A run takes at least as long as its bytes take at
the memory's peak bandwidth, and at least as long as its operations take at the peak rate of their type. Starting
kernels, clocks below the peak and everything that isn't a product come on top, and are not predicted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from build_engines.plan.boards import Board
from build_engines.plan.cost import Cost
from build_engines.plan.workload import Run, Sentence
from edge_tts.bundle import Manifest

__all__ = [
    "CUDA_CONTEXT_BYTES", "GRAPHS", "Memory", "Prediction", "Row", "buckets_of", "memory_of", "predict", "run_ms",
]  # fmt: skip

GRAPHS = ("gpt_prefill", "gpt_step", "latents", "vocoder")
CUDA_CONTEXT_BYTES = 300_000_000
"""An assumption: TensorRT's logs print 229 MiB for starting CUDA alone (github.com/NVIDIA/TensorRT/issues/2217)."""
_BUCKETS = (256, 512, 1024)
_TYPES = {"int8": "INT8 peak", "float16": "FP16 peak", "float32": "FP32 peak"}
_CACHE_BYTES = {"float32": 4, "float16": 2, "int8": 1, "uint8": 1}


@dataclass(frozen=True)
class Row:
    """One graph over a whole sentence: `runs` of it, operations by type, bytes, and the floor of its time in ms.

    `memory_ms` is the floor if every product's inputs and outputs pass through memory as well; `first_ms` the floor of
    what runs before the first sound. `limit` names what the floor is made of.
    """

    graph: str
    runs: int
    operations: Mapping[str, int]
    weight_bytes: float
    cache_bytes: float
    other_bytes: float
    activation_bytes: float
    floor_ms: float
    memory_ms: float
    first_ms: float
    limit: str

    @property
    def total_operations(self) -> int:
        """Of all types."""
        return sum(self.operations.values())

    @property
    def floor_bytes(self) -> float:
        """Weights, cache, inputs and outputs."""
        return self.weight_bytes + self.cache_bytes + self.other_bytes


@dataclass(frozen=True)
class Memory:
    """Bytes by what holds them; `cache` by bucket: rows of the KV cache → bytes. `bucket` is the one that counts."""

    weights: float
    adapters: float
    cache: Mapping[int, int]
    bucket: int
    activations: float
    cuda_context: int

    @property
    def total(self) -> float:
        """Of one voice that speaks."""
        return self.weights + self.adapters + self.cache[self.bucket] + self.activations + self.cuda_context


@dataclass(frozen=True)
class Prediction:
    """One bundle on one board."""

    board: Board
    rows: tuple[Row, ...]
    seconds: float
    memory: Memory

    @property
    def floor_ms(self) -> float:
        """Of the whole sentence."""
        return sum(row.floor_ms for row in self.rows)

    @property
    def real_time_factor(self) -> float:
        """Seconds of computing per second of sound, at the floor."""
        return self.floor_ms / 1000 / self.seconds

    @property
    def first_audio_ms(self) -> float:
        """From the text to the first sound, at the floor."""
        return sum(row.first_ms for row in self.rows)

    @property
    def fits(self) -> bool:
        """Whether the memory holds it at all (the system and other programs come on top)."""
        return self.memory.total <= self.board.memory_gb * 1e9


def run_ms(cost: Cost, board: Board, through_memory: bool = False) -> tuple[float, str]:
    """The floor of one run in ms, and what it is made of."""
    moved = cost.floor_bytes + (cost.activations if through_memory else 0.0)
    memory = moved / board.bandwidth_gb_s / 1e6
    peaks = board.peaks_tops
    by_type = {kind: number / peaks[kind] / 1e9 for kind, number in cost.operations.items()}
    computing = sum(by_type.values())
    if memory >= computing:
        return memory, "memory bandwidth"
    return computing, _TYPES[max(by_type, key=by_type.__getitem__)]


def predict(board: Board, runs: Sequence[tuple[Run, Cost]], seconds: float, memory: Memory) -> Prediction:
    """The rows of all graphs for a sentence of that many seconds."""
    rows = [_row(graph, [(run, cost) for run, cost in runs if run.graph == graph], board) for graph in GRAPHS]
    return Prediction(board, tuple(rows), seconds, memory)


def _row(graph: str, runs: Sequence[tuple[Run, Cost]], board: Board) -> Row:
    operations: dict[str, int] = {}
    limits: dict[str, float] = {}
    for run, cost in runs:
        for kind, number in cost.operations.items():
            operations[kind] = operations.get(kind, 0) + run.times * number
        floor, limit = run_ms(cost, board)
        limits[limit] = limits.get(limit, 0.0) + run.times * floor
    return Row(
        graph,
        sum(run.times for run, _ in runs),
        operations,
        sum(run.times * (cost.weights + cost.adapters) for run, cost in runs),
        sum(run.times * cost.cache for run, cost in runs),
        sum(run.times * cost.external for run, cost in runs),
        sum(run.times * cost.activations for run, cost in runs),
        sum(limits.values()),
        sum(run.times * run_ms(cost, board, through_memory=True)[0] for run, cost in runs),
        sum(run.first * run_ms(cost, board)[0] for run, cost in runs),
        max(limits, key=limits.__getitem__),
    )


def memory_of(
    manifest: Manifest, runs: Sequence[tuple[Run, Cost]], cache_type: str, buckets: Sequence[int], sentence: Sentence
) -> Memory:
    """What must lie in memory. Every graph has its own weights and its own room for activations; two adapters are
    resident at their padded rank, so that one can be changed while the other speaks."""
    largest = {graph: [cost for run, cost in runs if run.graph == graph] for graph in GRAPHS}
    gpt = manifest.gpt
    row = 2 * gpt.layers * gpt.heads * gpt.head_dim * _CACHE_BYTES[cache_type]
    return Memory(
        sum(costs[0].stored for costs in largest.values()),
        2 * largest["gpt_prefill"][0].adapters,
        {rows: rows * row for rows in buckets},
        sentence.buffer,
        sum(max(cost.peak for cost in costs) for costs in largest.values()),
        CUDA_CONTEXT_BYTES,
    )


def buckets_of(manifest: Manifest) -> list[int]:
    """Sizes of the KV cache that engines are built for, in rows: those of the step's profiles, or the usual ones."""
    entry = None if manifest.tensorrt is None else manifest.tensorrt.graphs.get("gpt_step")
    if entry is not None:
        name = entry.inputs["past_key_0"].shape[2]
        if isinstance(name, str):
            return sorted({profile[name][2] for profile in entry.profiles})
    most = manifest.gpt.max_context
    return sorted({rows for rows in _BUCKETS if rows < most} | {most})
