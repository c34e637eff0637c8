"""How large a tensor's values get: one pass over any number of arrays, then a clipping point by three methods.

*max* keeps everything. *percentile* lets the largest 1 in 10,000 values clip. *entropy* takes the clipping point whose
INT8 values resemble the distribution most, by Kullback-Leibler divergence, as TensorRT's calibrator does (S. Migacz,
"8-bit inference with TensorRT", GTC 2017).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["METHODS", "Histogram"]

METHODS = ("max", "percentile", "entropy")
BINS = 2048
_LEVELS = 128
_STEP = 16  # bins between two candidates of the entropy method
_KEPT = 0.9999
_ZERO = 1e-30  # what is smaller has no bin of its own: float32 couldn't scale it


class Histogram:
    """Magnitudes in `BINS` equal bins; their range doubles, bins in pairs, when a larger value comes."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(BINS, np.int64)
        self.top = 0.0
        """Magnitude at which the last bin ends; a power of two above every value."""
        self.low, self.high = 0.0, 0.0

    def add(self, values: NDArray[np.float32]) -> None:
        """Counts an array of any shape. Raises ValueError: a value is not finite."""
        if not values.size:
            return
        low, high = float(values.min()), float(values.max())
        if not np.isfinite(low) or not np.isfinite(high):
            raise ValueError("a value is not finite")
        self.low, self.high = min(self.low, low), max(self.high, high)
        largest = max(-low, high)
        if largest < _ZERO:
            self.counts[0] += values.size
            return
        self._widen(largest)
        index = (np.abs(values).ravel() * np.float32(BINS / self.top)).astype(np.int32)
        self.counts += np.bincount(index, minlength=BINS)

    def clip(self, method: str) -> float:
        """The largest magnitude to represent; 0 where nothing but zeros was counted."""
        largest = max(-self.low, self.high)
        if method == "max" or self.top == 0.0:
            return largest
        bins = self._percentile() if method == "percentile" else self._entropy()
        return min(largest, bins * self.top / BINS)

    def range(self, method: str) -> tuple[float, float]:
        """Least and greatest value to represent."""
        clip = self.clip(method)
        return max(self.low, -clip), min(self.high, clip)

    def _widen(self, largest: float) -> None:
        top = 2.0 ** math.frexp(largest)[1]
        if self.top == 0.0:
            self.top = top
            return
        while self.top < top:
            paired = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.concatenate([paired, np.zeros(BINS // 2, np.int64)])
            self.top *= 2

    def _percentile(self) -> int:
        return int(np.searchsorted(np.cumsum(self.counts), _KEPT * self.counts.sum())) + 1

    def _entropy(self) -> int:
        counts = self.counts.astype(np.float64)
        counts[0] = counts[1]  # zeros are represented exactly, however many there are: what a ReLU gives is half zeros
        last = int(np.flatnonzero(counts)[-1]) + 1 if counts.any() else 1
        candidates = range(_LEVELS, max(last, _LEVELS) + _STEP, _STEP)
        return min(candidates, key=lambda bins: (_divergence(counts, min(bins, BINS)), bins))


def _divergence(counts: NDArray[np.float64], bins: int) -> float:
    """Of the clipped distribution (what is beyond joins the last bin) from what INT8 makes of it."""
    inside = counts[:bins]
    clipped = inside.copy()
    clipped[-1] += counts[bins:].sum()
    level = np.arange(bins) * _LEVELS // bins
    filled = inside > 0
    totals = np.bincount(level, inside, _LEVELS)
    members = np.bincount(level, filled, _LEVELS)
    spread = np.where(filled, (totals / np.maximum(members, 1))[level], 0.0)
    p, q = clipped / clipped.sum(), spread / max(spread.sum(), 1e-300)
    both = p > 0
    return float((p[both] * np.log(p[both] / np.maximum(q[both], 1e-12))).sum())
