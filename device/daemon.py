"""The daemon's shell: feeds what happens to the queue, carries out what it decides, and speaks on one worker thread.

Three threads: paho's network loop calls `on_say` and `on_stop`, the worker synthesizes and plays, PortAudio pulls
samples; the voice may have threads of its own while it speaks. The queue's state is only touched under one lock, so
events leave in the order in which they were decided.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any

from device.commands import MAX_PAYLOAD_BYTES, Rejection, Say, parse_say, parse_stop
from device.offer import Offer, Utterance, VoiceLike, fit
from device.player import Playback, play
from device.queue import (
    Announce,
    Arrived,
    Cancel,
    Ended,
    Event,
    FirstAudio,
    Limits,
    Refused,
    Report,
    ShutDown,
    Start,
    State,
    StopAsked,
    decide,
)
from device.sinks import Sink
from device.topics import FINAL_EVENTS, event_payload
from edge_tts.errors import BundleError, EdgeTTSError, EngineError, OutputError, SynthesisError

__all__ = ["Daemon", "mint_id"]

log = logging.getLogger(__name__)

# Errors that say something about this device rather than about the text.
_FAULTS = (BundleError, EngineError, OutputError, SynthesisError)
_REST_AFTER_S = 10.0
_WARM_UP = "This is about as long as most of the sentences are that I shall be told to say."


def mint_id() -> str:
    """An id for a command that came without one."""
    return uuid.uuid4().hex[:12]


class Daemon:
    """Speaks what it is told. `publish_event` takes a payload, `publish_state` a phase; both must return at once."""

    def __init__(
        self,
        voice: VoiceLike,
        sink: Sink,
        offer: Offer,
        *,
        publish_event: Callable[[bytes], None],
        publish_state: Callable[[str], None],
        limits: Limits | None = None,
        max_payload_bytes: int = MAX_PAYLOAD_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._voice = voice
        self._sink = sink
        self._offer = offer
        self._publish_event = publish_event
        self._publish_state = publish_state
        self._max_payload_bytes = max_payload_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._state = State(limits=limits or Limits())
        self._playback = Playback()
        self._work: SimpleQueue[tuple[Utterance, Playback] | None] = SimpleQueue()
        self._warm_up_first = False
        self._worker = threading.Thread(target=self._run, name="speech", daemon=True)

    def start(self, *, warm_up: bool = False) -> None:
        """Start the worker. `warm_up`: let it speak a word into nothing first, because the first inference is slow."""
        self._warm_up_first = warm_up
        self._worker.start()

    def close(self, timeout_s: float = 0.5) -> None:
        """Report what waits as interrupted, stop the audio, end the worker."""
        self._feed(ShutDown())
        self._work.put(None)
        if self._worker.ident is not None:
            self._worker.join(timeout_s)

    @property
    def phase(self) -> str:
        """idle, synthesizing, speaking or error."""
        with self._lock:
            return self._state.phase

    def on_say(self, payload: bytes, retained: bool) -> None:
        """Take a `say` off the network. Raises nothing, whatever the payload."""
        say = parse_say(payload, mint_id=mint_id, retained=retained, max_bytes=self._max_payload_bytes)
        self._feed(Refused(say) if isinstance(say, Rejection) else self._arrival(say))

    def on_stop(self, payload: bytes, retained: bool) -> None:
        """Take a `stop` off the network. Raises nothing, whatever the payload."""
        stop = parse_stop(payload, mint_id=mint_id, retained=retained, max_bytes=self._max_payload_bytes)
        self._feed(Refused(stop) if isinstance(stop, Rejection) else StopAsked(stop, mint_id()))

    def say(self, text: str) -> None:
        """Speak something of the device's own, as if it had been sent."""
        self._feed(self._arrival(Say(mint_id(), text)))

    def _arrival(self, say: Say) -> Event:
        utterance = fit(say, self._offer)
        return Refused(utterance) if isinstance(utterance, Rejection) else Arrived(utterance, self._clock())

    def _feed(self, event: Event) -> None:
        with self._lock:
            self._state, effects = decide(self._state, event)
            for effect in effects:
                match effect:
                    case Report(id_, name, reason, details):
                        self._report(id_, name, reason, dict(details))
                    case Announce(phase):
                        self._publish_state(phase)
                    case Start(utterance):
                        self._playback = Playback()
                        self._work.put((utterance, self._playback))
                    case Cancel():
                        self._playback.stop()

    def _report(self, id_: str, name: str, reason: str | None, details: dict[str, Any]) -> None:
        self._publish_event(event_payload(id_, name, round(self._clock() * 1000), reason, details))
        level = logging.WARNING if name in ("rejected", "failed", "expired") else logging.INFO
        where = reason or details.get("file")
        log.log(level if name in FINAL_EVENTS else logging.DEBUG, "'%s' %s%s", id_, name, f": {where}" if where else "")

    def _run(self) -> None:
        if self._warm_up_first:
            self._warm_up()
        while True:
            try:
                job = self._work.get(timeout=_REST_AFTER_S)
            except Empty:
                self._sink.rest()
                continue
            if job is None:
                self._sink.rest()
                return
            self._feed(self._speak(*job))

    def _warm_up(self) -> None:
        enough = threading.Event()
        try:
            for _ in self._voice.synthesize(_WARM_UP, speaker=self._offer.default_speaker, cancel=enough):
                enough.set()
        except EdgeTTSError as error:
            log.warning("the voice does not speak: %s", error)

    def _speak(self, utterance: Utterance, playback: Playback) -> Event:
        try:
            chunks = self._voice.synthesize(
                utterance.text,
                speaker=utterance.speaker,
                speed=utterance.speed,
                cancel=playback.cancel,
                max_seconds=utterance.max_seconds or None,
            )
            # Opened before the first chunk is asked for: a sleeping amplifier wakes while synthesis works.
            track = self._sink.open(utterance.id, self._voice.sample_rate)
            details = play(
                chunks,
                track,
                playback,
                volume=utterance.volume,
                on_first_audio=lambda: self._feed(FirstAudio(utterance.id)),
            )
        except EdgeTTSError as error:
            fault = isinstance(error, _FAULTS)
            return Ended(utterance.id, "failed", self._clock(), reason=str(error), fault=fault)
        if playback.cancel.is_set():
            return Ended(utterance.id, "interrupted", self._clock(), reason="stopped while it was spoken")
        return Ended(utterance.id, "finished", self._clock(), details=details)
