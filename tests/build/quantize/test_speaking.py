"""What INT8 may not change: a stream's windows equal the whole, and a seed sounds the same on any number of threads."""

import numpy as np
import pytest

from edge_tts import Voice
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.graphs import load_graphs
from tests.build.quantize.voices import TEXT
from tests.runtime.seams import decibels

TOKENS, PHONES = 40, 10


@pytest.mark.parametrize("voice", ["genuine_voice", "made", "made_cpu", "made_distilled"])
def test_windows_of_every_size_are_inaudible(voice, request):
    bundle = open_bundle(request.getfixturevalue(voice))
    acoustic = load_graphs(bundle, OnnxEngine()).acoustic, bundle.speaker("ada")
    random = np.random.default_rng(0)
    align = (
        None if bundle.manifest.decoder.latent_context_tokens is None else list(np.arange(TOKENS) * PHONES // TOKENS)
    )
    spoken = random.integers(0, 64, TOKENS).tolist(), align, random.integers(0, 700, PHONES)
    found = decibels(acoustic, spoken, range(1, TOKENS + 1))
    assert min(found.values()) >= 60, found


def test_threads_and_runs_sound_the_same(made_distilled):
    def told(threads, seed):
        chunks = Voice.load(made_distilled, engine="onnx", threads=threads).synthesize(" ".join([TEXT] * 3), seed=seed)
        return [(chunk.sentence, chunk.samples.tobytes()) for chunk in chunks]

    wanted = told(1, 5)
    assert told(1, 5) == told(2, 5) == told(3, 5) == wanted != told(2, 6)
