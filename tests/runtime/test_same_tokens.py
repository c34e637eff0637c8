"""What makes decoding quick changes no token: beside it a path without any of it, written down here.

No graph is optimized, buffers have room for everything from the start, keys and values go through the graph's inputs
and outputs at each step, noise is made step by step, and the sampler is GPT-SoVITS's own order of doing things.
"""

import numpy as np
import onnxruntime as ort
import pytest

from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.gpt.generation import Generation, Outcome
from edge_tts.graphs import load_graphs
from edge_tts.noise import SamplingNoise, sampling_noise
from tests.gpt_voice import SMALL, GptVoice, prompt_of, small_gpt

SEEDS, TOKENS = range(4), 90


class Plain:
    """The two graphs, run as they are."""

    def __init__(self, prefill, step, spec):
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        self.prefill, self.step = (
            ort.InferenceSession(model, options, providers=["CPUExecutionProvider"]) for model in (prefill, step)
        )
        self.spec = spec

    def tokens(self, feeds, prompt, sampling, seed):
        """Tokens until the end, or TOKENS of them."""
        names = [output.name for output in self.prefill.get_outputs()]
        made = dict(zip(names, self.prefill.run(None, feeds), strict=True))
        rows, caches = made["keys"].shape[3], {}
        for kind in ("key", "value"):
            for layer, filled in enumerate(made[f"{kind}s"]):
                caches[f"past_{kind}_{layer}"] = np.pad(filled, [(0, 0), (0, 0), (0, TOKENS + 1), (0, 0)])
        logits, drawn = made["logits"][0], []
        pointer, state = made.get("pointer"), made.get("state")
        while len(drawn) < TOKENS:
            step = len(drawn)
            token, ends = self.draw(logits, [*prompt, *drawn], sampling, seed, step)
            if ends:
                break
            drawn.append(token)
            inputs = {
                "token": np.array([[token]]), "position": np.array([len(prompt) + step]),
                "seqlens_k": np.array([rows + step], np.int32),
                "total_length": np.array([rows + step + 1], np.int32),
            }  # fmt: skip
            if pointer is not None:
                inputs |= {"pointer": pointer, "state": state}
            names = [output.name for output in self.step.get_outputs()]
            known = {value.name for value in self.step.get_inputs()}
            fed = {name: array for name, array in (inputs | caches).items() if name in known}
            made = dict(zip(names, self.step.run(None, fed), strict=True))
            logits, pointer = made["logits"][0], made.get("next_pointer")
            caches = {name.replace("present", "past"): made[name] for name in made if name.startswith("present")}
        return drawn

    def draw(self, logits, previous, sampling, seed, step):
        """`logits_to_probs` and `sample` of GPT-SoVITS with top_p 1, over all tokens at once."""
        assert sampling.top_p == 1
        eos = self.spec.eos
        logits, noise = logits.astype(np.float32), sampling_noise(seed, 0, 0, step, len(logits))
        if step < sampling.min_tokens:
            logits, noise = logits[:eos], noise[:eos]
        penalty = np.float32(sampling.repetition_penalty)
        logits = logits.copy()
        for token in sorted(set(previous)):
            logits[token] = logits[token] * penalty if logits[token] < 0 else logits[token] / penalty
        best = int(np.argmax(logits))
        logits = logits / np.float32(sampling.temperature)
        kept = logits >= np.sort(logits)[-min(sampling.top_k, len(logits))]
        weights = np.where(kept, np.exp(logits - logits.max()), 0)
        token = int(np.argmax(weights / noise))
        return token, eos in (token, best)


def quick(gpt, phones, features, speaker, sampling, seed):
    """Tokens of the shipped path."""
    decoder = gpt.start(phones, features, speaker, TOKENS + 1)
    generation = Generation(decoder, speaker, sampling, gpt.spec.eos, SamplingNoise(seed, 0))
    outcome = Outcome.TOKEN
    while outcome is Outcome.TOKEN and len(generation.tokens) < TOKENS:
        outcome = generation.advance()
    return generation.tokens


def feeds_of(plain, phones, features, speaker):
    given = {
        "phones": np.concatenate([speaker.prompt_phones, phones])[None],
        "features": np.concatenate([speaker.prompt_features, features])[None],
        "prompt": speaker.prompt_semantic[None],
    }
    return {value.name: given[value.name] for value in plain.prefill.get_inputs() if value.name in given}


@pytest.mark.parametrize("which", ["tiny_bundle", "classic_bundle"])
def test_a_bundle_of_random_graphs(request, which):
    bundle = open_bundle(request.getfixturevalue(which))
    manifest, speaker = bundle.manifest, bundle.speaker("ada")
    gpt = load_graphs(bundle, OnnxEngine()).gpt
    plain = Plain(*(bundle.read(manifest.graphs[name].file) for name in ("gpt_prefill", "gpt_step")), gpt.spec)
    phones, features = np.arange(1, 12), np.tile(speaker.features, (11, 1))
    feeds, found = feeds_of(plain, phones, features, speaker), []
    for seed in SEEDS:
        wanted = plain.tokens(feeds, speaker.prompt_semantic, manifest.sampling, seed)
        assert quick(gpt, phones, features, speaker, manifest.sampling, seed) == wanted
        found.append(tuple(wanted))
    assert len(set(found)) == len(SEEDS)


def test_a_genuine_gpt_in_float(tmp_path, classic_bundle):
    voice = GptVoice(small_gpt(), tmp_path)
    plain = Plain(str(tmp_path / "gpt_prefill.onnx"), str(tmp_path / "gpt_step.onnx"), voice.spec)
    sampling = open_bundle(classic_bundle).manifest.sampling
    random = np.random.default_rng(0)
    phones, features = np.arange(12), random.standard_normal((12, SMALL.feature_dim)).astype(np.float32)
    speaker = prompt_of(random.integers(0, SMALL.eos, 7), phones[:3], features[:3])
    feeds, lengths = feeds_of(plain, phones[3:], features[3:], speaker), []
    for seed in SEEDS:
        wanted = plain.tokens(feeds, speaker.prompt_semantic, sampling, seed)
        assert quick(voice.graphs, phones[3:], features[3:], speaker, sampling, seed) == wanted
        lengths.append(len(wanted))
    assert max(lengths) > 20  # beyond the first buffers
