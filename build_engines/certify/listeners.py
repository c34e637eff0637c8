"""Who is speaking? The cosine between two sounds' speaker embeddings, by the voice's own encoder and by a stranger.

The float bundle's `reference` graph is the judge of both sounds. A v2Pro voice's also wants the vector of a
speaker-verification network, which the bundle does not hold; where that is missing, only resemblyzer listens.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from build_engines.certify.signals import UnjudgedError, cosine
from build_engines.enroll.resample import sinc_resample
from build_engines.enroll.spectrum import spectrum
from build_engines.errors import BuildError
from edge_tts.bundle import Bundle
from edge_tts.engines import Engine
from edge_tts.engines.api import Array
from edge_tts.errors import EngineError

__all__ = ["Listener", "listeners_for"]

Audio = NDArray[np.float32]
_LEAST_SECONDS = 0.2


@dataclass(frozen=True)
class Listener:
    """A judge of speakers under the figure's key; `embed` takes audio and its rate."""

    key: str
    embed: Callable[[Audio, int], NDArray[np.float32]]

    def cosine(self, sound: Audio, other: Audio, rate: int) -> float:
        """Between the two embeddings. Raises UnjudgedError: it can't listen to the float signal."""
        if len(sound) < _LEAST_SECONDS * rate:
            raise UnjudgedError(f"an embedding needs {_LEAST_SECONDS:g} s of sound")
        try:
            mine = self.embed(sound, rate)
        except (EngineError, BuildError, ValueError) as error:
            raise UnjudgedError(f"no embedding of the float voice: {error}") from None
        if not np.linalg.norm(mine) > 0:
            raise UnjudgedError("no embedding of the float voice")
        return cosine(mine, self.embed(np.where(np.isfinite(other), other, 0).astype(np.float32), rate))


def listeners_for(bundle: Bundle, engine: Engine, verifier: Path | None = None) -> tuple[Listener, ...]:
    """The judges that can listen to a voice, its own first. `verifier` is ERes2NetV2's checkpoint, for v2Pro.

    Raises BuildError: there is none at all.
    """
    own = _own(bundle, engine, verifier)
    stranger = Listener("resemblyzer_cosine", _resemblyzer) if importlib.util.find_spec("resemblyzer") else None
    if own is None and stranger is None:
        raise BuildError(
            f"{bundle.path}: nobody can tell its speakers apart: give --eres2net FILE, or run pip install resemblyzer"
        )
    if own is None:
        return (Listener("speaker_cosine", _resemblyzer),)
    return (own,) if stranger is None else (own, stranger)


def _own(bundle: Bundle, engine: Engine, verifier: Path | None) -> Listener | None:
    """The bundle's encoder, as enrolment runs it; None where it has none or lacks what that needs."""
    entry = bundle.manifest.enrollment.get("reference")
    if entry is None:
        return None
    hear = None
    if "speaker_vector" in entry.inputs:
        if verifier is None or not verifier.is_file():
            return None
        hear = _verifier(verifier)
    model, _ = bundle.graph(entry)
    graph = engine.load("reference", model)

    def embed(audio: Audio, rate: int) -> NDArray[np.float32]:
        feed: dict[str, Array] = {"audio": audio[None]} if "audio" in entry.inputs else {"spectrum": spectrum(audio)}
        if hear is not None:
            feed["speaker_vector"] = hear(sinc_resample(audio, rate, 16_000))[None]
        return np.asarray(graph.run(feed)["ge"], np.float32).reshape(-1)

    return Listener("speaker_cosine", embed)


def _verifier(file: Path) -> Callable[[Audio], Audio]:
    from build_engines.models.eres2net import load_eres2net, speaker_vector

    return partial(speaker_vector, load_eres2net(file))


def _resemblyzer(audio: Audio, rate: int) -> NDArray[np.float32]:
    from build_engines.evaluate.judge import speaker_embedding

    return speaker_embedding([(audio, rate)])
