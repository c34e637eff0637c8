"""An engine proves itself: the bundle's golden inputs go through it, on the board and as the runtime will use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edge_tts.engines.api import Array, Graph
from edge_tts.engines.golden import Golden, Verdict, compare
from edge_tts.engines.tensorrt.device import Device
from edge_tts.engines.tensorrt.engine import TensorRTEngine
from edge_tts.engines.tensorrt.tensors import ADAPTER_PREFIX
from edge_tts.errors import EngineError

__all__ = ["certify"]

# The first run warms up, the second is recorded as a CUDA graph, the third is a launch of it.
_STEPS = 3
_PAST, _PRESENT = "past_", "present_"


def certify(trt: Any, device: Device, name: str, plan: bytes, golden: Golden) -> Verdict:
    """Loads a plan and compares it at every golden shape; the device is closed afterwards. An engine that can't be
    loaded or run has failed, with the reason.
    """
    try:
        engine = TensorRTEngine(device, trt)
    except EngineError as error:
        return Verdict(False, str(error), ())
    try:
        graph = engine.load(name, plan)
        return compare(golden, lambda inputs: _run(graph, inputs))
    except EngineError as error:
        return Verdict(False, str(error), ())
    finally:
        engine.close()


def _run(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """All outputs; those of a step as it is taken in speech, on bound buffers with the cache resident."""
    # Without an adapter the runtime gives none, and the engine reads its zeros.
    given = {name: array for name, array in inputs.items() if not name.startswith(ADAPTER_PREFIX) or array.any()}
    outputs = graph.run(given)
    caches = {name: array for name, array in given.items() if name.startswith(_PAST)}
    if not caches:
        return outputs
    bound = {name: np.zeros_like(array) for name, array in outputs.items() if not name.startswith(_PRESENT)}
    states = {_PRESENT + name.removeprefix(_PAST): (name, array) for name, array in caches.items()}
    rest = {name: array for name, array in given.items() if name not in caches}
    binding = graph.bind(rest, bound, states)
    for _ in range(_STEPS):
        binding.run()
    return outputs | bound
