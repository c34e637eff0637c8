"""The samples between synthesis, which comes in bursts, and a sound device, which takes a steady stream.

Whatever happens to the supply, the signal that leaves has no jump in it: the buffer holds back the last few
milliseconds, so that an underrun or a stop can still fade out, and what comes after a gap fades in.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition

import numpy as np
from numpy.typing import NDArray

__all__ = ["SampleBuffer"]

Samples = NDArray[np.float32]


class SampleBuffer:
    """One writer, one reader that must never wait. Rates in Hz, lengths in samples, mono float32.

    `lead_in` samples of silence go out before the first speech sample, counted from the moment the reader begins: an
    amplifier that was asleep needs that long to wake. Speech starts, or goes on after an underrun, when `prebuffer`
    samples lie ready or the utterance has ended.
    """

    def __init__(self, *, capacity: int, prebuffer: int, lead_in: int, fade: int) -> None:
        self._capacity = max(capacity, prebuffer + fade)
        self._prebuffer = max(prebuffer, fade)
        self._lead_in = lead_in
        self._ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
        self._changed = Condition()
        self._samples: Samples = np.zeros(0, dtype=np.float32)
        self._tail: Samples = self._samples
        self._flowing = False
        self._ended = True
        self._aborted = False
        self._begun = False
        self._pulls = 0
        self.underruns = 0

    def begin(self) -> None:
        """A new utterance. What still fades out of the last one goes on fading."""
        with self._changed:
            self._samples = np.zeros(0, dtype=np.float32)
            self._flowing = self._ended = self._aborted = self._begun = False
            self.underruns = 0

    def push(self, samples: Samples, stall_s: float) -> bool:
        """Append, waiting for room, and the first time for the reader to take the first sample.

        Returns False when the utterance was aborted. Raises TimeoutError when the reader takes nothing for `stall_s`
        seconds.
        """
        with self._changed:
            start = 0
            while start < samples.size:
                self._wait(lambda: self._samples.size < self._capacity, stall_s)
                if self._aborted:
                    return False
                part = samples[start : start + self._capacity - self._samples.size]
                self._samples = np.concatenate((self._samples, part))
                start += part.size
            if self._samples.size >= self._prebuffer:
                self._wait(lambda: self._begun, stall_s)
            return not self._aborted

    def end(self) -> None:
        """No more samples will come."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def abort(self) -> None:
        """Fade out and drop the rest; wakes a waiting writer."""
        with self._changed:
            if self._flowing:
                self._finish(self._samples[: self._ramp.size])
            self._aborted = self._ended = True
            self._samples = self._samples[:0]
            self._changed.notify_all()

    def wait_begun(self, stall_s: float) -> bool:
        """Wait until the first sample was pulled. False when aborted; TimeoutError as in `push`."""
        with self._changed:
            self._wait(lambda: self._begun or (self._ended and self._samples.size == 0), stall_s)
            return not self._aborted

    def wait_drained(self, stall_s: float) -> bool:
        """Wait until every sample was pulled. False when aborted; TimeoutError as in `push`."""
        with self._changed:
            self._wait(lambda: self._ended and self._samples.size + self._tail.size == 0, stall_s)
            return not self._aborted

    @property
    def begun(self) -> bool:
        """Whether the first sample of this utterance has been taken."""
        with self._changed:
            return self._begun

    def pull(self, count: int) -> Samples:
        """The next `count` samples, silence where there are none. Never waits for the writer."""
        out = np.zeros(count, dtype=np.float32)
        with self._changed:
            self._pulls += 1
            silent = min(self._lead_in, count)
            self._lead_in -= silent
            if silent < count:
                self._fill(out[silent:])
            self._changed.notify_all()
        return out

    def _fill(self, out: Samples) -> None:
        if not self._flowing and self._tail.size == 0:
            self._flow_if_ready()
        if self._flowing:
            if self._samples.size - self._ramp.size >= out.size:
                out[:] = self._samples[: out.size]
                self._samples = self._samples[out.size :]
                return
            # The supply ends within reach: by plan, or because synthesis is late.
            self.underruns += not self._ended
            self._finish(self._samples)
            self._samples = self._samples[:0]
        last, self._tail = self._tail[: out.size], self._tail[out.size :]
        out[: last.size] = last

    def _flow_if_ready(self) -> None:
        if self._samples.size == 0 or not (self._ended or self._samples.size >= self._prebuffer):
            return
        self._flowing = self._begun = True
        head = min(self._ramp.size, self._samples.size)
        self._samples = self._samples.copy()  # the writer's array is the writer's
        self._samples[:head] *= self._ramp[:head]

    def _finish(self, samples: Samples) -> None:
        """Let `samples` be the last before silence, faded at their end."""
        self._flowing = False
        self._tail = samples.copy()
        length = min(self._ramp.size, samples.size)
        if length:
            self._tail[-length:] *= self._ramp[:length][::-1]

    def _wait(self, done: Callable[[], bool], stall_s: float) -> None:
        """Wait for `done()` or an abort for as long as the reader pulls; the condition is held."""
        while not (done() or self._aborted):
            pulls = self._pulls
            if not self._changed.wait(stall_s) and pulls == self._pulls:
                raise TimeoutError(f"nothing was taken for {stall_s:g} s")
