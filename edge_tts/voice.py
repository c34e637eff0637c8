"""`Voice`: a bundle that can speak."""

from __future__ import annotations

import logging
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from edge_tts.audio import AudioChunk
from edge_tts.bundle import Bundle, Manifest, SpeakerTokens, home_folder, locate, open_bundle, search_path
from edge_tts.engines import Engine
from edge_tts.engines.select import check_choice
from edge_tts.errors import ParameterError, SpeakerNotFoundError, TextError
from edge_tts.fallback import open_graphs
from edge_tts.graphs import load_graphs
from edge_tts.noise import SEEDS
from edge_tts.side_by_side import MAX_THREADS
from edge_tts.stopping import StopSign
from edge_tts.synthesis import Request, Synthesizer
from edge_tts.text import Lexicon
from edge_tts.timing import StageTimes
from edge_tts.utterances import read_utterances

__all__ = ["MAX_SPEED", "MIN_SPEED", "SpeakerInfo", "Voice"]

MIN_SPEED, MAX_SPEED = 0.5, 2.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class SpeakerInfo:
    """A speaker of a voice, as people choose it."""

    name: str
    language: str
    description: str


class Voice:
    """A loaded voice. Several threads may synthesize with it; each utterance has buffers of its own."""

    def __init__(self, bundle: Bundle, synthesizer: Synthesizer, speakers: Mapping[str, SpeakerTokens]) -> None:
        """Use `Voice.load`."""
        self._bundle, self._synthesizer, self._tokens = bundle, synthesizer, speakers

    @classmethod
    def load(
        cls, voice: str | os.PathLike[str] = "default", *, threads: int = 1, engine: Engine | str = "auto"
    ) -> Voice:
        """Loads a voice by name or by its bundle's path; every file is checked against the manifest.

        What this machine has packed of checked graphs stands for them (docs/packed.md).

        `threads` sentences of a text are made side by side, each on one core; the sound is the same for any number, and
        at most twice as many sentences are ahead of the listener. Only texts of several sentences gain: those after the
        first, which is made alone until it is heard.

        `engine` is "onnx", "tensorrt", or "auto": TensorRT where this board has certified engines of the voice
        (docs/tensorrt.md), else ONNX Runtime; or an Engine of your own. A GPU makes one sentence at a time.

        Raises VoiceNotFoundError, ParameterError (no such engine, `threads` not in 1..64), BundleError (a file is
        missing, changed or malformed), EngineError (a graph is refused).
        """
        _check_threads(threads)
        if isinstance(engine, str):
            check_choice(engine)
        bundle = open_bundle(locate(voice, search_path(os.environ, home_folder())))
        spare = None
        if isinstance(engine, str):
            graphs, spare = open_graphs(bundle, engine)
        else:
            graphs = load_graphs(bundle, engine)
        speakers = {name: bundle.speaker(name) for name in bundle.manifest.speakers}
        if (doubt := _doubt(bundle.manifest)) is not None:
            _LOG.warning("voice %r %s", bundle.manifest.name, doubt)
        return cls(bundle, Synthesizer(graphs, bundle.manifest, spare, threads), speakers)

    @property
    def name(self) -> str:
        """The voice's name, from its manifest."""
        return self._bundle.manifest.name

    @property
    def bundle_id(self) -> str:
        """SHA-256 of the manifest: names this exact voice."""
        return self._bundle.id

    @property
    def engine(self) -> str:
        """What speaks: "tensorrt" as long as the GPU does, else "onnx" (or the Engine that was given)."""
        return "tensorrt" if self._synthesizer.on_gpu else "onnx"

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self._bundle.manifest.sample_rate

    @property
    def speakers(self) -> dict[str, SpeakerInfo]:
        """All speakers by name."""
        entries = self._bundle.manifest.speakers.items()
        return {name: SpeakerInfo(name, entry.language, entry.description) for name, entry in entries}

    @property
    def default_speaker(self) -> str:
        """Who speaks when nobody is named. Raises SpeakerNotFoundError: nobody has been enrolled yet."""
        name = self._bundle.manifest.default_speaker
        if name is None:
            where = self._bundle.path
            raise SpeakerNotFoundError(
                f"voice {self.name!r} has no speaker yet: run edgetts-build enroll {where} --audio FILE --text TEXT"
            )
        return name

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages that the voice was trained to speak."""
        return self._bundle.manifest.languages

    def synthesize(
        self,
        text: str,
        *,
        speaker: str | None = None,
        language: str | None = None,
        speed: float = 1.0,
        seed: int | None = None,
        cancel: threading.Event | None = None,
        max_seconds: float | None = None,
        lexicon: Lexicon | None = None,
        times: StageTimes | None = None,
    ) -> Iterator[AudioChunk]:
        """Speaks a text; sound comes out while later tokens are still being drawn.

        `language` is that of the text, by default the speaker's own; `auto` finds it sentence by sentence.
        `speed` 0.5..2 is relative to the speaker's own. The same `seed` gives the same sound; without one it is drawn
        at random. `cancel` may be set from another thread: the iteration ends within one decode step, as it does when
        the iterator is closed. `max_seconds` is a deadline, counted by the clock from this call, whatever the time goes
        into, also into waiting for a listener who is slow to ask: once it has passed no more sound is given out, and
        within one decode step (or one window of sound) DeadlineError is raised, unless the text is complete.
        `lexicon` adds pronunciations, `times` collects where the time goes, summed over threads.

        Arguments are checked here, before the first chunk is asked for. Raises TextError (nothing to speak),
        SpeakerNotFoundError, ParameterError; while iterating SynthesisError, EngineError, DeadlineError.
        """
        stopped = StopSign(cancel, max_seconds)
        name = self.default_speaker if speaker is None else speaker
        if name not in self._tokens:
            known = ", ".join(sorted(self._tokens))
            raise SpeakerNotFoundError(f"voice {self.name!r} has no speaker {str(name)[:60]!r} (it has: {known})")
        _check_speed(speed)
        seed = secrets.randbits(64) if seed is None else _checked_seed(seed)
        times = times or StageTimes()
        with times.measure("text"):
            utterances = read_utterances(self._bundle.manifest, text, name, language, lexicon)
        if not utterances:
            raise TextError("there is nothing to speak in this text")
        request = Request(utterances, self._tokens[name], float(speed), seed, stopped, times)
        return self._synthesizer.speak(request)


def _doubt(manifest: Manifest) -> str | None:
    """Why an INT8 voice may not sound as its float one does; None where there is no reason to think so."""
    if manifest.quantization is None:
        return None
    if manifest.certificate is None:
        return "is INT8 and was never compared with its float bundle: run edgetts-build certify"
    if not manifest.certificate.passed:
        return f"is INT8 and failed its certification ({manifest.certificate.file} in the bundle says how)"
    return None


def _check_speed(speed: float) -> None:
    number = isinstance(speed, (int, float)) and not isinstance(speed, bool)
    if not number or not MIN_SPEED <= speed <= MAX_SPEED:  # NaN fails this too
        raise ParameterError(f"speed must lie in {MIN_SPEED:g}..{MAX_SPEED:g}, not {str(speed)[:40]}")


def _checked_seed(seed: int) -> int:
    if not isinstance(seed, int) or isinstance(seed, bool) or not 0 <= seed < SEEDS:
        raise ParameterError(f"seed must be an integer in 0..{SEEDS - 1}, not {str(seed)[:40]}")
    return seed


def _check_threads(threads: int) -> None:
    if not isinstance(threads, int) or isinstance(threads, bool) or not 1 <= threads <= MAX_THREADS:
        raise ParameterError(f"threads must be an integer in 1..{MAX_THREADS}, not {str(threads)[:40]}")
