"""The GPT vectors recorded from GPT-SoVITS's own code: which settings made which arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edge_tts.bundle import Sampling
from tests.conftest import REFERENCE

__all__ = ["CASES", "CHECKPOINTS", "RUNS", "GptGoldens", "Run", "arrays_of"]

CHECKPOINTS = ("s1_v1_tiny-e15", "s1_v2_tiny-e15")
CASES = ("zero", "rand", "free")
FLOORS = 10


def settings(top_k: int = 15, top_p: float = 1.0, temperature: float = 1.0, penalty: float = 1.35) -> Sampling:
    return Sampling(top_k, top_p, temperature, penalty, min_tokens=11)


@dataclass(frozen=True)
class Run:
    """A whole generation: its case, its sampling, and after which step number it is cut off."""

    case: str
    sampling: Sampling
    early_stop: int


RUNS = {
    "greedy": Run("rand", settings(top_k=1), 60),
    "greedy_zero_bert": Run("zero", settings(top_k=1), 25),
    "free": Run("free", settings(top_k=1), 25),
    "early_stop": Run("rand", settings(top_k=1), 20),
    "sampled": Run("rand", settings(), 40),
    "sampled_topp": Run("rand", settings(50, 0.8, 0.9, 1.2), 30),
    "eos_by_argmax": Run("rand", settings(), 60),
    "eos_by_sample": Run("rand", settings(top_k=200), 60),
}


def arrays_of(checkpoint: str) -> Mapping[str, Any]:
    """The manifest's entries of a checkpoint's arrays; none where the golden files are missing."""
    path = REFERENCE / "manifest.json"
    if not path.is_file():
        return {}
    arrays: Mapping[str, Any] = json.loads(path.read_text())["files"][f"golden/golden_{checkpoint}.npz"]["arrays"]
    return arrays


class GptGoldens:
    """One checkpoint's vectors."""

    def __init__(self, folder: Path, checkpoint: str) -> None:
        self.path = folder / "ckpt" / f"{checkpoint}.ckpt"
        self.entries = arrays_of(checkpoint)
        with np.load(folder / "golden" / f"golden_{checkpoint}.npz") as data:
            self.arrays = dict(data)

    def runs(self) -> list[str]:
        """Generations that this checkpoint has."""
        return [name for name in RUNS if f"gen_{name}_y" in self.arrays]

    def inputs(self, case: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """phones [1, P], features [1, P, F] and prompt [1, S]."""
        features = np.ascontiguousarray(self.arrays["bert_rand"].transpose(0, 2, 1))
        prompt = self.arrays["prompts"]
        return (
            self.arrays["phones"],
            np.zeros_like(features) if case == "zero" else features,
            prompt[:, :0] if case == "free" else prompt,
        )

    def generated(self, run: str) -> list[int]:
        """The tokens of a generation, without the prompt."""
        return [int(t) for t in self.arrays[f"gen_{run}_y"][0, self.inputs(RUNS[run].case)[2].shape[1] :]]

    def noise(self, run: str, step: int) -> np.ndarray:
        """Exp(1) values [vocab]; greedy runs need none."""
        noise = self.arrays.get(f"gen_{run}_exp_noise")
        return np.ones(1025, np.float32) if noise is None else noise[step]

    def check(self, name: str, made: np.ndarray) -> None:
        """Within ten times the noise of float32 in the original; integers exactly."""
        expected, entry = self.arrays[name], self.entries[name]
        assert made.shape == expected.shape
        if entry.get("exact"):
            np.testing.assert_array_equal(made, expected)
        else:
            rounding = float(np.abs(expected).max()) * 2.0**-24  # the sine of a position has no other noise
            assert np.abs(made - expected).max() <= FLOORS * max(entry["floor"], rounding), name
