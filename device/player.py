"""Plays one utterance: hands chunks to a sink as synthesis makes them. Can be stopped from any thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

from device.sinks import Track

if TYPE_CHECKING:
    from edge_tts import AudioChunk

__all__ = ["Playback", "play"]


class Playback:
    """The handle by which an utterance is stopped. `cancel` is what synthesis watches."""

    def __init__(self) -> None:
        self.cancel = Event()
        self._lock = Lock()
        self._track: Track | None = None

    def stop(self) -> None:
        """End synthesis and fade out what plays. Does nothing after the end."""
        with self._lock:
            self.cancel.set()
            if self._track is not None:
                self._track.abort()

    def attach(self, track: Track | None) -> None:
        """The track that `stop` has to reach from now on."""
        with self._lock:
            self._track = track
            if track is not None and self.cancel.is_set():
                track.abort()


def play(
    chunks: Iterator[AudioChunk],
    track: Track,
    playback: Playback,
    *,
    volume: float = 1.0,
    on_first_audio: Callable[[], None],
) -> Mapping[str, Any]:
    """Play to the end or to `playback.stop()`; returns what the sink tells of it after the last sample was heard.

    EdgeTTSError: synthesis or the sink gave up; whatever was playing has been faded out.
    """
    told = whole = False

    def tell() -> None:
        nonlocal told
        if track.begun and not told:
            told = True
            on_first_audio()

    playback.attach(track)
    try:
        for chunk in chunks:
            if not track.write(chunk.samples * volume if volume != 1.0 else chunk.samples):
                break
            tell()
        track.end()
        tell()
        details = track.close()
        whole = True
        return details
    finally:
        playback.attach(None)
        if not whole:
            track.abort()
            track.close()
