"""Which engine a voice gets: ONNX Runtime, or TensorRT where this very board has built and certified its engines.

All or nothing: if one graph that the bundle has for TensorRT lacks its engine here, ONNX Runtime runs them all, since
a voice that is half on the GPU is neither fast nor what was certified. Graphs that have no form for TensorRT run on
ONNX Runtime beside it.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_tts.bundle import Bundle
from edge_tts.engines.api import Graph
from edge_tts.errors import EngineError, ParameterError

if TYPE_CHECKING:
    from edge_tts.engines.tensorrt.cache import EngineCache
    from edge_tts.engines.tensorrt.engine import TensorRTEngine

__all__ = ["ENGINES", "Accelerated", "check_choice", "open_accelerated"]

ENGINES = ("auto", "onnx", "tensorrt")

_log = logging.getLogger("edge_tts")

# One can't go on with what the other has made: TensorRT's keys and values are float16.
_TOGETHER = frozenset({"gpt_prefill", "gpt_step"})


@dataclass(frozen=True)
class Accelerated:
    """The graphs that run on the GPU by name, and the engine that holds their memory until it is closed."""

    engine: TensorRTEngine
    graphs: Mapping[str, Graph]


def check_choice(choice: str) -> str:
    """The choice itself. Raises ParameterError: it is none of ENGINES."""
    if choice not in ENGINES:
        raise ParameterError(f"engine must be {', '.join(ENGINES[:-1])} or {ENGINES[-1]}, not {str(choice)[:40]!r}")
    return choice


def open_accelerated(bundle: Bundle, choice: str, cache: EngineCache) -> Accelerated | None:
    """The bundle's graphs on TensorRT, or None where ONNX Runtime is to run them all.

    `auto` warns with one line where the GPU could have been used, and why it is not; `tensorrt` makes that line an
    EngineError. Raises ParameterError: `choice` is none of ENGINES.
    """
    if check_choice(choice) == "onnx":
        return None
    wanted = choice == "tensorrt"
    if bundle.manifest.tensorrt is None:
        if wanted:
            name = bundle.manifest.name
            raise EngineError(f"voice {name!r} has no graphs for TensorRT: quantize it with --target tensorrt")
        return None
    if not wanted and not _is_installed():
        return None  # no board: nothing to say
    try:
        return _open(bundle, cache)
    except EngineError as error:
        if wanted:
            raise
        _log.warning("voice %r is spoken by ONNX Runtime: %s", bundle.manifest.name, error)
        return None


def _open(bundle: Bundle, cache: EngineCache) -> Accelerated:
    """Raises EngineError: one line that says what is missing."""
    from edge_tts.engines.tensorrt.board import identify
    from edge_tts.engines.tensorrt.cache import engine_parts
    from edge_tts.engines.tensorrt.engine import open_engine

    names = set(bundle.manifest.tensorrt.graphs) if bundle.manifest.tensorrt else set()
    if names & _TOGETHER and not names >= _TOGETHER:
        raise EngineError(f"the bundle has a TensorRT graph {min(names & _TOGETHER)!r} without its counterpart")
    cache.check_any()  # before CUDA is started, which takes a second and some memory
    engine = open_engine()
    try:
        with engine.device.active():
            board = identify(engine.trt, engine.device)
        parts = {name: engine_parts(bundle, name, board) for name in sorted(names)}
        for wanted in parts.values():
            cache.check(wanted)  # all of them, before the first plan is read
        return Accelerated(engine, {name: engine.load(name, cache.lookup(parts[name]).plan) for name in parts})
    except BaseException:
        engine.close()
        raise


def _is_installed() -> bool:
    return "tensorrt" in sys.modules or importlib.util.find_spec("tensorrt") is not None
