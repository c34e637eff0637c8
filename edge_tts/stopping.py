"""When speaking shall end before the text does: it was cancelled, or its time is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from edge_tts.errors import DeadlineError, ParameterError

__all__ = ["MAX_SECONDS", "StopSign"]

MAX_SECONDS = 1_000_000
"""The longest deadline, eleven days."""


class StopSign:
    """Asked again and again, by several threads, whether to stop. The deadline counts from when it is made."""

    def __init__(
        self,
        cancel: threading.Event | None = None,
        max_seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` returns seconds. Raises ParameterError: `max_seconds` is not a number in 0..MAX_SECONDS, above 0."""
        if max_seconds is not None:
            number = isinstance(max_seconds, (int, float)) and not isinstance(max_seconds, bool)
            if not number or not 0 < max_seconds <= MAX_SECONDS:  # NaN fails this too
                raise ParameterError(
                    f"max_seconds must be above 0 and at most {MAX_SECONDS}, not {str(max_seconds)[:40]}"
                )
        self._cancel, self._max_seconds, self._clock = cancel, max_seconds, clock
        self._end = None if max_seconds is None else clock() + max_seconds

    def __call__(self) -> bool:
        """Whether it was cancelled. Raises DeadlineError: the time is over."""
        if self._cancel is not None and self._cancel.is_set():
            return True
        if self._end is not None and self._clock() >= self._end:
            raise DeadlineError(
                f"the text was not spoken within {self._max_seconds:g} s: allow more time (max_seconds) or shorten it"
            )
        return False
