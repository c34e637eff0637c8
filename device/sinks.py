"""Where speech goes: the interface that the player needs, and the choice between a loudspeaker and a folder.

A sink takes one utterance at a time. Its errors are `edge_tts.errors.OutputError`, one line each.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from device.wav_folder import WavFolder
from edge_tts.errors import OutputError

__all__ = ["Sink", "Track", "choose_sink"]

log = logging.getLogger(__name__)


class Track(Protocol):
    """One utterance on its way out. `write`, `end` and `close` block; `abort` may come from any thread."""

    def write(self, samples: NDArray[np.float32]) -> bool:
        """Take mono samples −1..1; False once aborted. OutputError: the device or the disk gave up."""
        ...

    @property
    def begun(self) -> bool:
        """Whether the first sample has gone out."""
        ...

    def end(self) -> None:
        """No more samples will come; return when the first one has gone out."""
        ...

    def close(self) -> Mapping[str, Any]:
        """After `end` or `abort`: return when the last sample has been heard, with what `finished` should tell."""
        ...

    def abort(self) -> None:
        """Stop now, without a click."""
        ...


class Sink(Protocol):
    """Makes tracks."""

    def open(self, utterance_id: str, sample_rate: int) -> Track: ...

    def rest(self) -> None:
        """Nothing has been said for a while: let go of the device."""
        ...


def choose_sink(output: str, folder: Path, device: str | None = None) -> Sink:
    """The sink for `--output`: `speaker`, `auto` (a speaker if there is one, else `folder`), or a folder.

    OutputError: `speaker` was asked for and there is none, or the folder can't be made.
    """
    if output not in ("auto", "speaker"):
        sink = WavFolder(Path(output))
        log.info("writing WAV files to %s", sink.folder)
        return sink
    from device.speaker import open_speaker  # needs no PortAudio by itself, but a folder needs none of it

    try:
        return open_speaker(device)
    except OutputError as error:
        if output == "speaker":
            raise
        sink = WavFolder(folder)
        log.warning("%s: writing WAV files to %s", error, sink.folder)
        return sink
