"""A piece of sound on its way to a loudspeaker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["AudioChunk"]


@dataclass(frozen=True)
class AudioChunk:
    """Consecutive samples of a synthesized text; chunks join without a gap.

    `samples` is float32 [n], mono, −1..1; `sample_rate` in Hz; `width` the bytes per sample of `pcm16()`. The chunk
    belongs to sentence number `sentence` (0-based) of `sentences`.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    sentence: int
    sentences: int
    channels: int = 1
    width: int = 2

    def pcm16(self) -> bytes:
        """The samples as little-endian 16-bit integers; what lies outside −1..1 is clipped."""
        scaled = np.rint(np.clip(self.samples, -1.0, 1.0) * np.float32(32767.0))
        pcm: bytes = scaled.astype("<i2").tobytes()
        return pcm
