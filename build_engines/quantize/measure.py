"""What a changed graph makes of the examples, and how long it takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from build_engines.quantize.calibrate import Example, session

__all__ = ["Score", "Trial", "snr_db"]

COMPARED = {"gpt_prefill": "logits", "gpt_step": "logits", "latents": "z", "vocoder": "audio"}
"""The output of each graph by which it is judged."""

_BEST_DB = 200.0


@dataclass(frozen=True)
class Score:
    """Signal to noise of the compared output over all examples, and seconds for all of them (the fastest of a few)."""

    snr_db: float
    seconds: float


def snr_db(expected: Sequence[np.ndarray], made: Sequence[np.ndarray]) -> float:
    """10 log10(signal / noise) over all arrays together; 200 where they are equal, -200 where one is not finite."""
    signal = sum(float((a.astype(np.float64) ** 2).sum()) for a in expected)
    noise = sum(float(((a.astype(np.float64) - b) ** 2).sum()) for a, b in zip(expected, made, strict=True))
    if not np.isfinite(noise):
        return -_BEST_DB
    if noise <= signal * 10 ** (-_BEST_DB / 10):
        return _BEST_DB
    return float(10 * np.log10(signal / noise)) if signal > 0 else -_BEST_DB


class Trial:
    """Runs variants of one graph on its examples. `folder` holds the float graph's external weights."""

    def __init__(self, name: str, folder: Path, examples: Sequence[Example]) -> None:
        self._name, self._folder, self._examples = name, folder, examples
        self._output = COMPARED[name]

    def score(self, model: onnx.ModelProto, repeat: int = 1) -> Score:
        """Compares a variant with the float graph's outputs; times it `repeat` times."""
        path = self._folder / f"{self._name}.trial.onnx"
        onnx.save(model, str(path))
        try:
            loaded = session(path)
        finally:
            path.unlink()
        names = [arg.name for arg in loaded.get_inputs()]
        made, fastest = [], float("inf")
        for _ in range(repeat):
            start = time.perf_counter()
            made = [loaded.run([self._output], {n: e.inputs[n] for n in names})[0] for e in self._examples]
            fastest = min(fastest, time.perf_counter() - start)
        return Score(snr_db([example.outputs[self._output] for example in self._examples], made), fastest)
