"""How long to wait before the next attempt to reach the broker."""

from __future__ import annotations

import random
from collections.abc import Callable

__all__ = ["Backoff"]


class Backoff:
    """Exponential back-off with full jitter: uniform between 0 and a ceiling that doubles up to `cap_s`.

    Source: "Exponential Backoff and Jitter", AWS Architecture Blog, 2015. After a power cut every speaker in the
    house (or the fleet) comes back in the same second; full jitter spreads them best.
    """

    def __init__(
        self, *, base_s: float = 0.5, cap_s: float = 30.0, random_: Callable[[], float] = random.random
    ) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._random = random_
        self._attempt = 0

    def next_s(self) -> float:
        """Seconds to wait now; the next call's ceiling is twice as high."""
        ceiling = min(self._cap_s, self._base_s * 2.0 ** min(self._attempt, 32))
        self._attempt += 1
        return ceiling * self._random()

    def reset(self) -> None:
        """A connection has held: begin again at the base."""
        self._attempt = 0
