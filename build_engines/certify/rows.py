"""What was measured of each sentence: plain records, from which figures, pictures and the certificate are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Example", "ForcedRow", "FreeRow", "Speed", "Spoken"]


@dataclass(frozen=True)
class ForcedRow:
    """A sentence that both voices spoke on the same tokens. `figures`: key of a figure → value; `unjudged`: why not.

    `kl` holds the KL divergence of every token's logits, in nats, for the picture of their distribution.
    """

    speaker: str
    text: str
    tokens: int
    figures: Mapping[str, float]
    unjudged: Mapping[str, str]
    kl: NDArray[np.float64]


@dataclass(frozen=True)
class Spoken:
    """How one voice got through a sentence on its own.

    `fault` is what the guard saw first (None: it spoke in one go and ended by itself), `redrawn` how many tokens were
    drawn in vain, `failed` whether the runtime gave up. `errors` counts wrong words where somebody listened.
    """

    seconds: float
    fault: str | None
    redrawn: int
    failed: bool
    errors: int | None = None


@dataclass(frozen=True)
class FreeRow:
    """A sentence that each voice spoke as it would. `words` is 0 where nobody listened."""

    speaker: str
    text: str
    seed: int
    before: Spoken
    after: Spoken
    words: int = 0


@dataclass(frozen=True)
class Speed:
    """Seconds of work per second of sound, by stage, and the size of the files; float and INT8."""

    before: Mapping[str, float]
    after: Mapping[str, float]
    before_bytes: int
    after_bytes: int

    @property
    def ratio(self) -> float:
        """The INT8 voice's time over the float one's."""
        return sum(self.after.values()) / max(sum(self.before.values()), 1e-9)


@dataclass(frozen=True)
class Example:
    """A sentence to be looked at and listened to: float32 [samples] of both, from the same tokens."""

    row: ForcedRow
    before: NDArray[np.float32]
    after: NDArray[np.float32]
    rate: int
