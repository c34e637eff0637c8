"""The loudspeaker: a PortAudio output stream that pulls from a `SampleBuffer`.

The stream opens when an utterance begins, so the silence that wakes the amplifier plays while synthesis still works,
and stays open between utterances until `rest`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.buffer import SampleBuffer
from edge_tts.errors import OutputError

__all__ = ["Speaker", "SpeakerTrack", "open_speaker"]

log = logging.getLogger(__name__)

_BUFFER_S = 20.0
_PREBUFFER_S = 0.06
_LEAD_IN_S = 0.15
_FADE_S = 0.005
_LATENCY_S = 0.05
# A device that takes no samples for this long has gone: unplugged, or its server has died.
_STALL_S = 3.0


def open_speaker(device: str | None = None) -> Speaker:
    """The output device called `device`, or the system's default. OutputError: no PortAudio, or no such device."""
    try:
        import sounddevice  # type: ignore[import-untyped]
    except OSError as error:  # what sounddevice raises when the PortAudio library isn't there
        raise OutputError(f"no PortAudio library ({error}; on Debian: apt install libportaudio2)") from None
    try:
        found = sounddevice.query_devices(device, "output")
    except (sounddevice.PortAudioError, ValueError) as error:
        reason = f"no sound device '{device}'" if device else "no sound device"
        log.debug("%s: %s", reason, error)
        raise OutputError(reason) from None
    log.info("speaking through %s", found["name"])
    return Speaker(sounddevice, device)


class Speaker:
    """A sink that is heard."""

    def __init__(self, portaudio: ModuleType, device: str | None) -> None:
        self._portaudio = portaudio
        self._device = device
        self._stream: Any = None
        self._rate = 0
        self._buffer = SampleBuffer(capacity=0, prebuffer=0, lead_in=0, fade=0)

    def open(self, utterance_id: str, sample_rate: int) -> SpeakerTrack:
        """Begin an utterance. OutputError: the device can't be opened at this rate."""
        if self._stream is not None and (self._rate != sample_rate or not self._stream.active):
            self.rest()
        if self._stream is None:
            self._start(sample_rate)
        self._buffer.begin()
        return SpeakerTrack(self, self._buffer, sample_rate, float(self._stream.latency), utterance_id)

    def rest(self) -> None:
        """Close the stream; the next utterance opens it again."""
        stream, self._stream = self._stream, None
        if stream is not None:
            try:
                stream.close()
            except self._portaudio.PortAudioError as error:
                log.warning("the sound device closed with an error: %s", error)

    def _start(self, rate: int) -> None:
        buffer = SampleBuffer(
            capacity=int(_BUFFER_S * rate),
            prebuffer=int(_PREBUFFER_S * rate),
            lead_in=int(_LEAD_IN_S * rate),
            fade=int(_FADE_S * rate),
        )

        def fill(out: NDArray[np.float32], frames: int, _time: object, _status: object) -> None:
            out[:, 0] = buffer.pull(frames)

        try:
            stream = self._portaudio.OutputStream(
                samplerate=rate, channels=1, dtype="float32", device=self._device, latency=_LATENCY_S, callback=fill
            )
            stream.start()
        except (self._portaudio.PortAudioError, ValueError) as error:
            raise OutputError(f"the sound device can't be opened at {rate} Hz: {error}") from None
        self._stream, self._rate, self._buffer = stream, rate, buffer


class SpeakerTrack:
    """One utterance on the loudspeaker."""

    def __init__(self, speaker: Speaker, buffer: SampleBuffer, rate: int, latency_s: float, utterance_id: str) -> None:
        self._speaker = speaker
        self._buffer = buffer
        self._rate = rate
        self._latency_s = latency_s
        self._id = utterance_id
        self._samples = 0

    def write(self, samples: NDArray[np.float32]) -> bool:
        with self._watched():
            going = self._buffer.push(samples, _STALL_S)
        self._samples += samples.size
        return going

    @property
    def begun(self) -> bool:
        return self._buffer.begun

    def end(self) -> None:
        self._buffer.end()
        with self._watched():
            self._buffer.wait_begun(_STALL_S)

    def close(self) -> Mapping[str, Any]:
        with self._watched():
            played = self._buffer.wait_drained(_STALL_S)
        if played:
            time.sleep(self._latency_s)  # what has been pulled is heard this much later
        if self._buffer.underruns:
            log.warning("'%s' had %d gap(s): synthesis is slower than speech here", self._id, self._buffer.underruns)
        return {"audio_ms": round(self._samples * 1000 / self._rate)}

    def abort(self) -> None:
        self._buffer.abort()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            self._speaker.rest()  # the next utterance tries a new stream
            raise OutputError("the sound device takes no more samples: is it still plugged in?") from None
