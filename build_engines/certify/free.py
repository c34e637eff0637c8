"""Each voice speaks for itself, through the runtime's own synthesis: how long, how fast, and whether it loses its way.

A sentence that goes well takes one decode step per token and one for the end. Where more were taken the runtime has
mended something, so the first attempt is drawn once more under the guard to learn what it was: noise is a function of
the seed, so it goes wrong in the same way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from build_engines.certify.rows import Spoken
from edge_tts.bundle import Bundle, SpeakerTokens
from edge_tts.engines import Engine
from edge_tts.errors import SynthesisError
from edge_tts.gpt.generation import Generation, Outcome
from edge_tts.gpt.guard import Fault, FaultKind, inspect, inspect_end, limits_for
from edge_tts.graphs import load_graphs
from edge_tts.noise import sampling_noise
from edge_tts.synthesis import Request, Synthesizer, Utterance
from edge_tts.timing import StageTimes
from edge_tts.utterances import read_utterances

__all__ = ["FreeVoice"]


class FreeVoice:
    """A bundle that speaks sentence by sentence. `times` and `seconds` of sound add up over all of them."""

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        """Raises BundleError, EngineError."""
        self._manifest = bundle.manifest
        self._graphs = load_graphs(bundle, engine)
        self._synthesizer = Synthesizer(self._graphs, bundle.manifest)
        self._speakers = {name: bundle.speaker(name) for name in bundle.manifest.speakers}
        self.times, self.seconds = StageTimes(), 0.0

    def warm_up(self, text: str, speaker: str) -> None:
        """Speaks a sentence that doesn't count: the first one pays for memory."""
        self.speak(text, speaker, 0)
        self.times, self.seconds = StageTimes(), 0.0

    def speak(self, text: str, speaker: str, seed: int) -> tuple[NDArray[np.float32], Spoken]:
        """The first sentence of a text: its sound, and how it went. Raises TextError, ParameterError, EngineError."""
        with self.times.measure("text"):
            utterance = read_utterances(self._manifest, text, speaker)[0]
        tokens, before = self._speakers[speaker], self.times.counts["decode"]
        request = Request([utterance], tokens, 1.0, seed, times=self.times)
        pieces, failed = [np.zeros(0, np.float32)], False
        try:
            pieces += [chunk.samples for chunk in self._synthesizer.speak(request)]
        except SynthesisError:
            failed = True
        sound = np.concatenate(pieces)
        self.seconds += len(sound) / self._manifest.sample_rate
        spec = self._manifest.decoder
        needed = len(sound) // (spec.frames_per_token * spec.samples_per_frame) + 1
        redrawn = self.times.counts["decode"] - before - needed
        fault = self._first_fault(utterance, tokens, seed) if failed or redrawn else None
        name = None if fault is None else fault.kind.value
        return sound, Spoken(len(sound) / self._manifest.sample_rate, name, max(0, redrawn), failed)

    def _first_fault(self, utterance: Utterance, speaker: SpeakerTokens, seed: int) -> Fault | None:
        """What the guard says to the first attempt."""
        manifest = self._manifest
        limits = limits_for(utterance.pauses, manifest.token_rate_hz, len(speaker.prompt_phones))
        features = self._synthesizer.features(utterance, speaker)
        generation = Generation(
            self._graphs.gpt.start(utterance.ids, features, speaker, limits.total + 1), speaker, manifest.sampling,
            manifest.gpt.eos, lambda attempt, step, size: sampling_noise(seed, 0, attempt, step, size),
        )  # fmt: skip
        while True:
            outcome = generation.advance()
            if outcome is Outcome.FULL:
                return Fault(FaultKind.RUNAWAY, 0)
            if outcome is Outcome.END:
                return inspect_end(generation.tokens, generation.pointers, limits)
            if (fault := inspect(generation.tokens, generation.pointers, limits)) is not None:
                return fault
