"""Reads a recording: any format that libsndfile knows comes in, mono samples and the facts of the file go out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from build_engines.enroll.errors import RefusedError

__all__ = ["MAX_SECONDS", "Recording", "read_recording"]

MAX_SECONDS = 60
"""More of a file is never read: a reference has ten seconds."""

_MAX_SAMPLES = 60 * 192_000 * 2  # all channels together
_MAX_CHANNELS = 64
_RATES_HZ = (1_000, 768_000)
_BITS = {
    "PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64,
    "ALAC_16": 16, "ALAC_20": 20, "ALAC_24": 24, "ALAC_32": 32, "DPCM_8": 8, "DPCM_16": 16,
    "DWVW_12": 12, "DWVW_16": 16, "DWVW_24": 24,
}  # fmt: skip
_CONVERT = "convert it: ffmpeg -i IN -ac 1 -ar 48000 ref.wav"


@dataclass(frozen=True)
class Recording:
    """A recording of at most a minute.

    mono float32 [N]: the mean of all channels, full scale 1, values that are no numbers set to 0 (`not_finite` counts
    them). `channels_power` is the mean power of the single channels: a mean that is far below it was cancelled.
    `bits` is None where the format is lossy; `frames` is the file's length, of which at most a minute was read.
    `sha256` is that of the file.
    """

    path: Path
    mono: NDArray[np.float32]
    rate: int
    channels: int
    channels_power: float
    not_finite: int
    bits: int | None
    kind: str
    frames: int
    sha256: str

    @property
    def seconds(self) -> float:
        """Length of the file."""
        return self.frames / self.rate


def read_recording(path: Path) -> Recording:
    """Reads a file. Raises RefusedError: there is none, libsndfile can't read it, or there is no sound in it."""
    if not path.is_file():
        raise RefusedError(f"no recording at {path}: there is no such file")
    try:
        with soundfile.SoundFile(path) as file:
            rate, channels, kind = file.samplerate, file.channels, f"{file.format} {file.subtype}"
            bits, length = _BITS.get(file.subtype), file.frames
            if not _RATES_HZ[0] <= rate <= _RATES_HZ[1] or not 1 <= channels <= _MAX_CHANNELS:
                raise RefusedError(f"{path} has {channels} channels at {rate} Hz: record speech at 16 to 96 kHz")
            wanted = min(MAX_SECONDS * rate, _MAX_SAMPLES // channels)
            samples: NDArray[np.float32] = file.read(wanted, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError, ValueError, TypeError) as error:
        raise RefusedError(f"{path} can't be read as audio ({_reason(error)}): {_CONVERT}") from None
    if len(samples) < wanted:
        length = len(samples)  # the header of a stream may promise more, and an MP3's length is a guess
    if not len(samples):
        raise RefusedError(f"{path} holds no samples: record 3 to 10 seconds of speech")
    finite = np.isfinite(samples)
    # Beyond a float's sensible range squares would overflow, too.
    clean = np.clip(np.where(finite, samples, 0), -1e4, 1e4).astype(np.float32)
    return Recording(
        path=path,
        mono=clean.mean(axis=1, dtype=np.float32),
        rate=rate,
        channels=channels,
        channels_power=float(np.mean(clean.astype(np.float64) ** 2)),
        not_finite=int(finite.size - np.count_nonzero(finite)),
        bits=bits,
        kind=kind,
        frames=max(length, len(samples)),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _reason(error: Exception) -> str:
    text = " ".join(str(getattr(error, "error_string", "") or error).split())
    return (text or type(error).__name__).rstrip(".")[:120]
