"""A plan as text for people and as JSON for programs. Both say at once that they are a prediction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from build_engines.plan.planner import Plan
from build_engines.plan.precision import Precision
from build_engines.plan.roofline import Prediction, Row
from build_engines.plan.workload import PHONES_PER_SECOND

__all__ = ["NAMES", "PREDICTION", "facts", "render"]

PREDICTION = (
    "PREDICTION, not a measurement: a roofline of data-sheet peaks. No engine can be faster than these floors; "
    "starting kernels, lower clocks and other work come on top."
)
NAMES = {"gpt_prefill": "prefill", "gpt_step": "step", "latents": "latents", "vocoder": "vocoder"}
_WHAT_IF = {
    Precision.FLOAT16: "as if every float32 were float16",
    Precision.INT8: "as if the weights of all products were INT8 and the rest float16",
}


def render(plan: Plan) -> str:
    """One board in full, or several in one table."""
    one = len(plan.predictions) == 1
    return "\n".join([*_head(plan), "", *(_board(plan, plan.predictions[0]) if one else _boards(plan)), ""])


def facts(plan: Plan) -> dict[str, Any]:
    """Ready for JSON: bytes, operations, ms; everything per sentence unless its name says otherwise."""
    return {
        "kind": "prediction",
        "note": PREDICTION,
        "bundle": {"name": plan.name, "id": plan.id},
        "graphs": plan.files,
        "precision": plan.precision.value,
        "speaker": plan.speaker,
        "seconds": plan.seconds,
        "sentence": asdict(plan.sentence),
        "boards": [_board_facts(prediction) for prediction in plan.predictions],
    }


def _board_facts(prediction: Prediction) -> dict[str, Any]:
    board, memory = prediction.board, prediction.memory
    return {
        "board": asdict(board) | {"peaks_tops": board.peaks_tops},
        "rows": [asdict(row) for row in prediction.rows],
        "token_ms": _per_run(prediction.rows[1]),
        "ms_per_second": prediction.floor_ms / prediction.seconds,
        "real_time_factor": prediction.real_time_factor,
        "first_audio_ms": prediction.first_audio_ms,
        "memory_bytes": asdict(memory) | {"total": memory.total},
        "fits": prediction.fits,
    }


def _head(plan: Plan) -> Iterator[str]:
    sentence = plan.sentence
    yield f"{plan.name}: {PREDICTION}"
    if not plan.for_tensorrt:
        yield "graphs    the bundle has none for TensorRT: those of ONNX Runtime, as if a board's GPU ran them"
    elif len(plan.for_tensorrt) < len(plan.files):
        others = ", ".join(NAMES[name] for name in plan.files if name not in plan.for_tensorrt)
        yield f"graphs    for TensorRT, but ONNX Runtime's for {others}, as if a board's GPU ran them"
    else:
        yield "graphs    for TensorRT, adapters at their padded rank"
    if plan.precision in _WHAT_IF:
        yield f"precision {_WHAT_IF[plan.precision]}, adapters at rank 16"
    assumed = "" if plan.speaker else " (assumed: nobody is enrolled)"
    yield (
        f"sentence  {plan.seconds:g} s: {sentence.tokens} tokens, {sentence.phones} phones ({PHONES_PER_SECOND:g} per "
        f"second, assumed); prompt {sentence.prompt_tokens} tokens, {sentence.prompt_phones} phones{assumed}"
    )
    yield f"step      at {sentence.context} rows of a KV cache of {sentence.buffer}"


def _board(plan: Plan, prediction: Prediction) -> Iterator[str]:
    board, peaks = prediction.board, prediction.board.peaks_tops
    yield (
        f"{board.title} ({board.power_mode}): {board.bandwidth_gb_s:g} GB/s; dense peaks of the GPU: INT8 "
        f"{peaks['int8']:g} TOPS, FP16 {peaks['float16']:g} TFLOPS, FP32 {peaks['float32']:.2f} TFLOPS"
    )
    dla = f", and the DLA's {board.dla_sparse_tops:g}, not used here" if board.dla_sparse_tops else ""
    yield f"  (the {board.headline_tops:g} TOPS on the box count sparse weights, which doubles them{dla})"
    yield from ("", "mean of a run     GOP   weights MB   cache MB  in/out MB   floor ms   limited by")
    for row in prediction.rows:
        yield (
            f"{NAMES[row.graph]:11}{row.total_operations / row.runs / 1e9:10.3f}"
            f"{row.weight_bytes / row.runs / 1e6:13.2f}{row.cache_bytes / row.runs / 1e6:11.2f}"
            f"{row.other_bytes / row.runs / 1e6:11.2f}{_per_run(row):11.3f}   {row.limit}"
        )
    yield from ("", "                                                          if activations pass through memory:")
    yield "second of audio  runs       GOP       MB   floor ms               MB         ms"
    for row in prediction.rows:
        yield _per_second(NAMES[row.graph], [row], prediction.seconds)
    yield _per_second("all", prediction.rows, prediction.seconds)
    yield ""
    yield f"token      {_per_run(prediction.rows[1]):9.2f} ms at least, at {plan.sentence.context} rows"
    yield f"real time  {prediction.real_time_factor:9.4f} s per second of audio at least, prefill included"
    yield f"first audio{prediction.first_audio_ms:9.1f} ms at least"
    yield from _memory(prediction)
    yield from ("", *(f"source: {source}" for source in (*board.sources, *_SOURCES)))


def _per_second(name: str, rows: Sequence[Row], seconds: float) -> str:
    moved = sum(row.floor_bytes for row in rows)
    through = moved + sum(row.activation_bytes for row in rows)
    runs = format(rows[0].runs / seconds, ".2f") if len(rows) == 1 else ""
    return (
        f"{name:15}{runs:>6}{sum(row.total_operations for row in rows) / seconds / 1e9:10.2f}"
        f"{moved / seconds / 1e6:9.1f}{sum(row.floor_ms for row in rows) / seconds:11.3f}"
        f"{through / seconds / 1e6:17.1f}{sum(row.memory_ms for row in rows) / seconds:11.3f}"
    )


def _memory(prediction: Prediction) -> Iterator[str]:
    memory = prediction.memory
    parts = {
        "weights": memory.weights,
        "KV cache": memory.cache[memory.bucket],
        "activations": memory.activations,
        "adapters": memory.adapters,
        "CUDA (assumed)": memory.cuda_context,
    }
    yield f"memory     {memory.total / 1e6:9.0f} MB of {prediction.board.memory_gb} GB: " + ", ".join(
        f"{name} {size / 1e6:.0f}" for name, size in parts.items()
    )
    yield "                     Python, libraries, the system and what an engine pads are not in it"
    buckets = ", ".join(f"{rows} rows {size / 1e6:.1f} MB" for rows, size in memory.cache.items())
    yield f"KV cache             {buckets}"
    if not prediction.fits:
        yield f"                     this does not fit into {prediction.board.title}"


def _boards(plan: Plan) -> Iterator[str]:
    yield "                        INT8                least ms per second of audio             real  first  memory  of"
    yield "board              GB/s TOPS   token  prefill    step latents vocoder     all       time  audio      MB  GB"
    for prediction in plan.predictions:
        board, seconds = prediction.board, prediction.seconds
        each = "".join(f"{row.floor_ms / seconds:8.2f}" for row in prediction.rows)
        yield (
            f"{board.name:18}{board.bandwidth_gb_s:5.0f}{board.int8_dense_tops:5g}{_per_run(prediction.rows[1]):8.2f} "
            f"{each}{prediction.floor_ms / seconds:8.2f}{prediction.real_time_factor:11.4f}"
            f"{prediction.first_audio_ms:7.1f}{prediction.memory.total / 1e6:8.0f}{board.memory_gb:4}"
            f"{'' if prediction.fits else ' does not fit'}"
        )
    yield "TOPS: of the GPU, dense; token and first audio: least ms; real time: least s per second of audio"
    yield ""
    sources = [source for prediction in plan.predictions for source in prediction.board.sources]
    yield from dict.fromkeys(f"source: {source}" for source in (*sources, *_SOURCES))


def _per_run(row: Row) -> float:
    return row.floor_ms / row.runs


_SOURCES = (
    "FP16 is half of INT8, as NVIDIA prints for the Orin Nano (20 and 10, 33 and 17); FP32: CUDA cores x 2 x clock",
    "roofline: Williams, Waterman, Patterson, CACM 52(4), 2009",
)
