"""Plays chunks on the default sound device, as they come."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any

from edge_tts.audio import AudioChunk
from edge_tts.errors import OutputError

__all__ = ["Player"]

# A device that was asleep swallows the first moments of what it is given.
_LEAD_IN_SECONDS = 0.1
_HINT = "write a file with -o FILE instead"


class Player:
    """The default sound device, open for mono 16-bit sound. Raises OutputError: there is none that works."""

    def __init__(self, sample_rate: int) -> None:
        try:
            import sounddevice  # type: ignore[import-untyped]
        except (ImportError, OSError) as error:  # OSError: the PortAudio library is missing
            raise OutputError(f"can't play sound ({error}): {_HINT}") from None
        self._failure = sounddevice.PortAudioError
        try:
            self._stream: Any = sounddevice.RawOutputStream(samplerate=sample_rate, channels=1, dtype="int16")
            self._stream.start()
            self._stream.write(bytes(2 * round(_LEAD_IN_SECONDS * sample_rate)))
        except (sounddevice.PortAudioError, ValueError) as error:  # ValueError: no default device
            raise OutputError(f"no sound device can be used ({error}): {_HINT}") from None

    def __enter__(self) -> Player:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._stream.stop()  # waits until all has been heard
        self._stream.close(ignore_errors=True)

    def play(self, chunks: Iterable[AudioChunk]) -> None:
        """Plays to the end. Raises OutputError: the device went away."""
        try:
            for chunk in chunks:
                self._stream.write(chunk.pcm16())
        except self._failure as error:
            raise OutputError(f"the sound device failed ({error}): {_HINT}") from None
