"""The planned windows are those that the runtime really computes: both are watched side by side."""

import numpy as np
import pytest

from build_engines.plan.workload import Sentence, runs_of, windows
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.graphs import load_graphs
from edge_tts.sovits.stream import AcousticGraphs, AcousticStream


class Watched:
    """A graph that notes how long what it is given is."""

    def __init__(self, graph, seen):
        self._graph, self._seen = graph, seen
        self.inputs, self.outputs = graph.inputs, graph.outputs

    def run(self, feeds):
        self._seen.append(feeds["codes"].shape[1] if "codes" in feeds else feeds["z"].shape[2])
        return self._graph.run(feeds)


def really(bundle, tokens):
    """What runs when tokens are drawn one by one: sizes of latents and of the vocoder, and tokens before any sound."""
    acoustic = load_graphs(bundle, OnnxEngine()).acoustic
    latents, vocoder = [], []
    watched = AcousticGraphs(
        Watched(acoustic.latents, latents), Watched(acoustic.vocoder, vocoder), acoustic.spec, acoustic.sample_rate
    )
    speaker = bundle.speaker(bundle.manifest.default_speaker)
    stream = AcousticStream(watched, np.arange(1, 8), speaker, seed=1, sentence=0)
    drawn = [5] * tokens
    align = [0] * tokens if "align" in acoustic.latents.inputs else None
    first = None
    for step in range(1, tokens + 2):
        count, final = min(step, tokens), step > tokens
        sound = list(stream.advance(drawn[:count], align[:count] if align else None, final))
        if sound and first is None:
            first = tokens + 1 if final else count
    return latents, vocoder, first


@pytest.mark.parametrize("tokens", [1, 5, 13, 60, 131])
@pytest.mark.parametrize("kind", ["tiny_bundle", "classic_bundle"])
def test_as_the_runtime_does_it(kind, tokens, request):
    bundle = open_bundle(request.getfixturevalue(kind))
    planned = list(windows(bundle.manifest.decoder, tokens))
    latents, vocoder, first = really(bundle, tokens)
    assert [piece.latent_tokens for piece in planned if piece.latent_tokens] == latents
    assert [piece.frames for piece in planned if piece.frames] == vocoder
    assert next(piece.drawn for piece in planned if piece.frames) == first


def test_runs_of_a_sentence(tiny_bundle):
    manifest = open_bundle(tiny_bundle).manifest
    runs = runs_of(manifest, Sentence(60, 20, 3, 4, 50, 256))
    of = {graph: [run for run in runs if run.graph == graph] for graph in {run.graph for run in runs}}
    assert dict(of["gpt_prefill"][0].sizes) == {"phones": 24, "prompt": 3}
    step = of["gpt_step"][0]
    assert dict(step.sizes) == {"buffer": 256, "context": 50, "phones": 24}
    first = next(piece for piece in windows(manifest.decoder, 60) if piece.frames)
    assert (step.times, step.first) == (60, first.drawn - 1)
    planned = list(windows(manifest.decoder, 60))
    for graph, sizes in (("latents", [p.latent_tokens for p in planned]), ("vocoder", [p.frames for p in planned])):
        name = "tokens" if graph == "latents" else "frames"
        assert sum(run.times * dict(run.sizes)[name] for run in of[graph]) == sum(sizes)
        assert sum(run.first for run in of[graph]) == 1
