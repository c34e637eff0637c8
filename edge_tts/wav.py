"""Writes a WAV file as the sound is made, and leaves a whole file or none.

The sound goes to a temporary file beside the target, which takes its place when all is written. The header's two
lengths are filled in at the end.
"""

from __future__ import annotations

import os
import secrets
import struct
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from edge_tts.errors import OutputError

__all__ = ["WavWriter", "header"]

_LARGEST = 0xFFFFFFFF
_HEADER_BYTES = 44


def header(sample_rate: int, data_bytes: int, channels: int = 1, width: int = 2) -> bytes:
    """The 44 bytes before the samples (RIFF WAVE, PCM). Lengths beyond 4 GiB are given as the largest."""
    riff = struct.pack("<4sI4s", b"RIFF", min(data_bytes + _HEADER_BYTES - 8, _LARGEST), b"WAVE")
    frame = channels * width
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, sample_rate, sample_rate * frame, frame, 8 * width)
    return riff + form + struct.pack("<4sI", b"data", min(data_bytes, _LARGEST))


class WavWriter:
    """A mono 16-bit WAV file, as a context manager: a clean exit puts it in place, an exception removes every trace.

    Raises OutputError with one line: the target is a folder or a device, its folder is missing or closed, the disk is
    full.
    """

    def __init__(self, path: Path, sample_rate: int) -> None:
        self._shown = path
        self._path = Path(os.path.realpath(path))  # through a link, not in its place
        self._rate, self._bytes = sample_rate, 0
        self._part: Path | None = None
        self._file: BinaryIO | None = None

    def __enter__(self) -> WavWriter:
        if os.path.isdir(self._path):  # noqa: PTH112 - pathlib's raises on a name that is too long
            raise OutputError(f"can't write {self._shown}: it is a folder; name a file")
        if os.path.exists(self._path) and not self._path.is_file():  # noqa: PTH110
            raise OutputError(f"can't write {self._shown}: it is not a regular file; use --raw and a pipe")
        part = self._path.with_name(f".{self._path.name[:100]}.{secrets.token_hex(4)}.part")
        self._part = part  # before it is there: Ctrl-C may come at any moment
        try:
            self._file = part.open("xb")
            self._file.write(header(self._rate, 0))
        except OSError as error:
            self._discard()
            raise self._failure(error) from None
        except BaseException:
            self._discard()
            raise
        return self

    def write(self, pcm: bytes) -> None:
        """Adds samples (16-bit little-endian)."""
        try:
            self._open.write(pcm)
        except OSError as error:
            raise self._failure(error) from None
        self._bytes += len(pcm)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._finish()
        except OSError as failure:
            self._discard()
            raise self._failure(failure) from None

    @property
    def _open(self) -> BinaryIO:
        if self._file is None:
            raise OutputError(f"can't write {self._shown}: the file is not open")
        return self._file

    def _finish(self) -> None:
        file = self._open
        file.seek(0)
        file.write(header(self._rate, self._bytes))
        file.flush()
        os.fsync(file.fileno())
        file.close()
        if self._part is not None:
            self._part.replace(self._path)

    def _discard(self) -> None:
        # A full disk may fail the flush inside close() too; the file goes away in any case.
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
        if self._part is not None:
            with suppress(OSError):
                self._part.unlink(missing_ok=True)

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(f"can't write {self._shown}: {error.strerror or error}")
