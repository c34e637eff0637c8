"""A folder of WAV files, for machines that can't be heard: one file per utterance.

A file is named by time and by the sanitised id, never by anything a peer can steer elsewhere, and appears under that
name only when it is whole.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.names import safe_name
from edge_tts.errors import OutputError

__all__ = ["WavFolder", "WavTrack"]


def _now() -> datetime:
    return datetime.now(timezone.utc)


class WavFolder:
    """A sink that writes 16-bit mono WAV files into `folder`."""

    def __init__(self, folder: Path, now: Callable[[], datetime] = _now) -> None:
        """Make the folder. OutputError: it can't be made or written."""
        self.folder = folder.expanduser().resolve()
        self._now = now
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"can't make the folder {self.folder}: {error.strerror}") from None
        if not os.access(self.folder, os.W_OK | os.X_OK):
            raise OutputError(f"can't write to the folder {self.folder}")

    def open(self, utterance_id: str, sample_rate: int) -> WavTrack:
        stamp = self._now().strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"
        return WavTrack(self.folder / f"{stamp}-{safe_name(utterance_id, 'utterance')}.wav", sample_rate)

    def rest(self) -> None:
        """A folder needs no rest."""


class WavTrack:
    """One file in the making."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        self._path = path
        self._part = path.with_suffix(".part")
        self._rate = sample_rate
        self._samples = 0
        self._aborted = False
        with self._disk_errors():
            self._file = self._part.open("xb")
            self._file.write(_header(0, sample_rate))

    def write(self, samples: NDArray[np.float32]) -> bool:
        pcm = np.rint(np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2")
        with self._disk_errors():
            self._file.write(pcm.tobytes())
        self._samples += samples.size
        return not self._aborted

    @property
    def begun(self) -> bool:
        return self._samples > 0

    def end(self) -> None:
        """A file is never behind."""

    def close(self) -> Mapping[str, Any]:
        """Patch the header and put the file on disk under its own name; an aborted one leaves nothing behind."""
        if self._aborted:
            self._discard()
            return {}
        with self._disk_errors():
            self._file.seek(0)
            self._file.write(_header(self._samples, self._rate))
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._part.replace(self._path)
        return {"audio_ms": round(self._samples * 1000 / self._rate), "file": str(self._path)}

    def abort(self) -> None:
        self._aborted = True

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._aborted = True
            raise OutputError(f"can't write {self._path}: {error.strerror}") from None

    def _discard(self) -> None:
        # On a full disk the close fails too: it would flush what could not be written before.
        with suppress(OSError):
            self._file.close()
        self._part.unlink(missing_ok=True)


def _header(samples: int, sample_rate: int) -> bytes:
    """The 44 bytes before 16-bit mono PCM in a RIFF WAVE file."""
    size = 2 * samples
    fields = (b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1, sample_rate, 2 * sample_rate, 2, 16, b"data", size)
    return struct.pack("<4sI4s4sIHHIIHH4sI", *fields)
