"""How far TensorRT's builder is, and how it is stopped.

The build runs in a thread of its own: Python delivers Ctrl-C to the main thread alone, which would otherwise be inside
TensorRT until the build is over. The monitor then answers the builder's next question with "stop".
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = ["Phases", "cancellable", "make_monitor"]

T = TypeVar("T")
_POLL_SECONDS = 0.1


@dataclass
class _Phase:
    parent: str | None
    steps: int
    done: int = 0


class Phases:
    """Phases that nest, as one fraction: a phase of a parent with n steps is within the parent's next step."""

    def __init__(self) -> None:
        self._open: dict[str, _Phase] = {}
        self._lock = threading.Lock()  # TensorRT may call from any thread
        self._fraction = 0.0

    def start(self, name: str, parent: str | None, steps: int) -> None:
        """A phase begins; `parent` is the one that it is a part of."""
        with self._lock:
            self._open[name] = _Phase(parent, max(steps, 1))

    def step(self, name: str, number: int) -> None:
        """Step `number`, from 0 on, of a phase is done."""
        with self._lock:
            if name in self._open:
                phase = self._open[name]
                phase.done = max(phase.done, min(number + 1, phase.steps))

    def finish(self, name: str) -> None:
        """A phase is over, with all its steps or without."""
        with self._lock:
            phase = self._open.pop(name, None)
            if phase is not None and phase.parent is None:
                self._fraction = 1.0

    @property
    def fraction(self) -> float:
        """How much of the work is done, 0 to 1; it never falls."""
        with self._lock:
            tops = [name for name, phase in self._open.items() if phase.parent not in self._open]
            now = max((self._share(name, 0) for name in tops), default=0.0)
            self._fraction = max(self._fraction, now)
            return self._fraction

    @property
    def name(self) -> str:
        """The innermost phase that is open."""
        with self._lock:
            return next(reversed(self._open), "")

    def _share(self, name: str, depth: int) -> float:
        phase = self._open[name]
        inner = [child for child, item in self._open.items() if item.parent == name and child != name]
        within = max((self._share(child, depth + 1) for child in inner), default=0.0) if depth < 20 else 0.0
        return min(1.0, (phase.done + within) / phase.steps)


def make_monitor(trt: Any, phases: Phases, stop: threading.Event) -> Any:
    """An IProgressMonitor that feeds `phases` and stops the build once `stop` is set."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            phases.start(phase_name, parent_phase or None, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            phases.step(phase_name, step)
            return not stop.is_set()

        def phase_finish(self, phase_name: str) -> None:
            phases.finish(phase_name)

    return Monitor()


def cancellable(work: Callable[[], T], stop: threading.Event, tick: Callable[[], None]) -> T:
    """Runs `work` in a thread and calls `tick` meanwhile. KeyboardInterrupt sets `stop`, waits for `work` and is raised
    again; what `work` raises is raised here.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []
    # Not Thread.join: interrupted, it takes the thread for one that has ended (Python 3.10 and 3.11).
    done = threading.Event()

    def target() -> None:
        try:
            outcome.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            failure.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=target, name="tensorrt-build", daemon=True)
    try:
        thread.start()
        while not done.wait(_POLL_SECONDS):
            tick()
    except KeyboardInterrupt:
        stop.set()
        if thread.ident is not None:
            done.wait()
        raise
    if failure:
        raise failure[0]
    return outcome[0]
