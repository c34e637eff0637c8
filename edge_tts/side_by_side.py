"""Several jobs of a row at work at once, each on a thread of its own; what they make comes out in the row's order.

Knows nothing of speech. A thread never waits: it makes one job after the other and ends when there is none that it may
begin, so a listener who stops asking leaves nothing behind that hangs. Whoever asks for more hires again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

__all__ = ["AHEAD", "MAX_THREADS", "Make", "side_by_side"]

T = TypeVar("T")
Make = Callable[[int, Callable[[], bool]], Iterator[T]]
"""(number of the job, whether it shall stop) → what the job makes, piece by piece."""

MAX_THREADS = 64
AHEAD = 2
"""Jobs per thread that may be at work or wait to be heard: where lengths differ, one per thread would leave threads
idle behind a long job (two threads then win 1.7 times on sentences of text, and 1.9 times with two per thread)."""


def side_by_side(make: Make[T], count: int, threads: int, stopped: Callable[[], bool]) -> Iterator[T]:
    """Yields what jobs 0..count-1 make, in order; up to `threads` of them are at work, and `AHEAD` times as many begun.

    The first job is alone until its first piece is fetched, lest others delay it where cores are busy. Pieces of the
    first unfinished job come out while it is being made. What a job raises is raised here after the
    pieces before it. Ends when `stopped` says so, which is asked before each piece, and by the jobs as often as they
    can; what it raises is raised here. When this ends or is closed, no job is at work and no thread is left.
    """
    crew = _Crew(make, count, threads, stopped)
    try:
        for number in range(count):
            for piece in crew.pieces(number):
                if stopped():
                    return
                yield piece
            if number + 1 < count and stopped():
                return
    finally:
        crew.dismiss()


@dataclass
class _Job(Generic[T]):
    """What a job has made and nobody has fetched yet; `error` ended it."""

    pieces: deque[T] = field(default_factory=deque)
    ended: bool = False
    error: BaseException | None = None


class _Crew(Generic[T]):
    """The threads, and what they have made. `_changed` guards everything that changes."""

    def __init__(self, make: Make[T], count: int, threads: int, stopped: Callable[[], bool]) -> None:
        self._make, self._count, self._size, self._stopped = make, count, threads, stopped
        self._changed = threading.Condition()
        self._jobs: dict[int, _Job[T]] = {}
        self._threads: list[threading.Thread] = []
        self._working = 0
        self._begun = 0  # jobs
        self._heard = 0  # number of the job whose pieces are being fetched
        self._dismissed = False

    def pieces(self, number: int) -> Iterator[T]:
        """The pieces of the next job, as they are made. Raises what the job raised."""
        with self._changed:
            self._heard = number
            self._hire(self._size if number else 1)
            job = self._jobs.setdefault(number, _Job())
        while True:
            with self._changed:
                self._changed.wait_for(lambda: job.pieces or job.ended)
                if not job.pieces:
                    del self._jobs[number]
                    break
                piece = job.pieces.popleft()
                self._hire(self._size)
            yield piece
        if job.error is not None:
            raise job.error

    def dismiss(self) -> None:
        """Stops all jobs and waits for the threads, which takes as long as the jobs need to ask."""
        self._dismissed = True
        # The garbage collector may close an abandoned iterator in one of its own threads, which can't wait for itself.
        if threading.current_thread() not in self._threads:
            for thread in self._threads:
                thread.join()

    def _hire(self, most: int) -> None:
        """As many threads as there is work for, but for `most`."""
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for _ in range(min(most - self._working, self._allowed - self._begun)):
            thread = threading.Thread(target=self._work, name="edge-tts-sentence")
            thread.start()
            self._threads.append(thread)
            self._working += 1

    @property
    def _allowed(self) -> int:
        """Jobs that may have been begun."""
        return min(self._count, self._heard + AHEAD * self._size)

    def _work(self) -> None:
        while (number := self._next()) is not None:
            job = self._jobs[number]
            try:
                for piece in self._make(number, self._halted):
                    with self._changed:
                        job.pieces.append(piece)
                        self._changed.notify_all()
            except BaseException as error:  # noqa: BLE001 - it is raised where the job's pieces are fetched
                job.error = error
            with self._changed:
                job.ended = True
                self._changed.notify_all()

    def _next(self) -> int | None:
        with self._changed:
            if self._dismissed or self._begun >= self._allowed:
                self._working -= 1
                return None
            number, self._begun = self._begun, self._begun + 1
            self._jobs.setdefault(number, _Job())
            return number

    def _halted(self) -> bool:
        return self._dismissed or self._stopped()
