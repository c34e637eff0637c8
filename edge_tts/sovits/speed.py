"""Speaking rate: latents are stretched in time by linear interpolation, frame by frame as they come.

Output frame n lies at input position n * speed; F input frames give ceil(F / speed) output frames. Positions are
computed from the frame's number, never summed up, so windows of any size give the same frames.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["TimeStretch", "frames_ready"]


def frames_ready(available: int, speed: float, final: bool) -> int:
    """Output frames that can be made from `available` input frames: each needs the one at or after its position."""
    if final:
        return math.ceil(available / speed)
    return max(0, math.floor((available - 2) / speed) + 1) if available >= 2 else 0


class TimeStretch:
    """Stretches the latents of one sentence, [C, frames]."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._kept: NDArray[np.float32] | None = None
        self._first = 0  # number of the first kept input frame
        self._made = 0

    def push(self, z: NDArray[np.float32], final: bool) -> NDArray[np.float32]:
        """Takes the next input frames [C, n]; returns the output frames [C, m] that are now certain."""
        if self._speed == 1.0:
            return z
        kept = z if self._kept is None else np.concatenate([self._kept, z], axis=1)
        available = self._first + kept.shape[1]
        ready = frames_ready(available, self._speed, final)
        position = np.arange(self._made, ready) * self._speed
        left = np.minimum(position.astype(np.int64), available - 1)
        right = np.minimum(left + 1, available - 1)
        share = (position - left).astype(np.float32)
        share[left == right] = 0
        before, after = kept[:, left - self._first], kept[:, right - self._first]
        self._made = max(self._made, ready)
        keep_from = min(int(self._made * self._speed), available)
        self._kept, self._first = kept[:, keep_from - self._first :], keep_from
        stretched: NDArray[np.float32] = before + (after - before) * share
        return stretched
