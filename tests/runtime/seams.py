"""How nearly a stream of windows equals the whole sentence."""

import numpy as np
import pytest

import edge_tts.synthesis
from edge_tts.sovits.schedule import WINDOW_TOKENS
from edge_tts.sovits.stream import AcousticStream

WHOLE = (100_000,)


def stream(acoustic, spoken, sizes, step=1, speed=1.0, seed=3):
    """All sound, `step` tokens arriving at a time. `acoustic`: (graphs, speaker), `spoken`: (tokens, align, phones)."""
    graphs, speaker = acoustic
    tokens, align, phones = spoken
    streaming = AcousticStream(graphs, phones, speaker, seed, 1, speed, sizes=sizes)
    pieces = []
    for count in range(step, len(tokens), step):
        pieces += streaming.advance(tokens[:count], None if align is None else align[:count], final=False)
    pieces += streaming.advance(tokens, align, final=True)
    return pieces


def signal_to_difference_db(signal, other):
    difference = signal.astype(np.float64) - other
    return 10 * np.log10((signal.astype(np.float64) ** 2).sum() / max((difference**2).sum(), 1e-30))


def decibels(acoustic, spoken, sizes):
    """Against the whole sentence: of windows of each size, and of the shipped schedule."""
    (whole,) = stream(acoustic, spoken, WHOLE)
    return {
        each: signal_to_difference_db(whole, np.concatenate(stream(acoustic, spoken, each)))
        for each in (*((size,) for size in sizes), WINDOW_TOKENS)
    }


def sentence_of(voice, text):
    """What a voice's acoustic decoder is given for a text of one sentence: acoustic, spoken."""
    seen = {}

    class Recording(AcousticStream):
        def __init__(self, graphs, phones, speaker, *more):
            super().__init__(graphs, phones, speaker, *more)
            seen["acoustic"], seen["phones"] = (graphs, speaker), phones

        def advance(self, tokens, align, final, trusted=None):
            seen["tokens"], seen["align"] = list(tokens), align
            return super().advance(tokens, align, final, trusted)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(edge_tts.synthesis, "AcousticStream", Recording)
        assert {chunk.sentences for chunk in voice.synthesize(text, seed=1)} == {1}
    return seen["acoustic"], (seen["tokens"], seen["align"], seen["phones"])
