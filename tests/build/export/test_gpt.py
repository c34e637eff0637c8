"""A genuine voice's graphs compute what the modules compute, and share their weights in one file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from build_engines.export import export_gpt
from build_engines.models.gpt import GPT, load_gpt
from edge_tts.bundle.external import external_files
from tests.gpt_voice import SMALL, GptVoice, Recorder, small_gpt

GRAPHS = ("gpt_prefill", "gpt_step")
PAST = [f"past_{kind}_{i}" for i in range(SMALL.n_layer) for kind in ("key", "value")]


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    return GptVoice(small_gpt(), tmp_path_factory.mktemp("voice"))


@pytest.fixture(scope="module")
def graphs(voice):
    return {n: onnx.load(str(voice.folder / f"{n}.onnx"), load_external_data=False).graph for n in GRAPHS}


@pytest.mark.parametrize("prompt_length", [0, 1, 5])
@pytest.mark.parametrize("phone_count", [4, 17])
def test_prefill_and_steps_equal_one_pass_of_the_module(voice, prompt_length, phone_count):
    rng = np.random.default_rng(prompt_length)
    phones = rng.integers(0, SMALL.phoneme_vocab_size, (1, phone_count))
    features = rng.standard_normal((1, phone_count, SMALL.feature_dim), np.float32)
    prompt, tokens = rng.integers(0, SMALL.eos, (1, prompt_length)), rng.integers(0, SMALL.vocab_size, (1, 11))
    made = Recorder(voice.start(phones, features, prompt, tokens.size)).feed(tokens[0])
    fed = torch.from_numpy(np.concatenate([prompt, tokens], 1))
    with torch.no_grad():
        hidden = voice.gpt.rows(torch.from_numpy(phones), torch.from_numpy(features), fed)[0]
        expected = voice.gpt.ar_predict_layer(hidden[0, phone_count + prompt_length - 1 :]).numpy()
    np.testing.assert_allclose(made, expected, atol=2e-5)


def test_interfaces(voice):
    prefill, step = voice.graphs.prefill, voice.graphs.step
    assert set(prefill.inputs) == {"phones", "features", "prompt"}
    assert set(prefill.outputs) == {"logits", "keys", "values"}
    assert set(step.inputs) == {"token", "position", "seqlens_k", "total_length", *PAST}
    assert set(step.outputs) == {"logits", *(name.replace("past", "present") for name in PAST)}
    assert prefill.outputs["keys"].shape == (3, 1, 4, None, 16)
    assert step.inputs["past_key_0"].shape == step.outputs["present_key_0"].shape == (1, 4, None, 16)
    assert not voice.graphs.has_pointer


def places(graph):
    """Name → where in which file, of every weight."""
    found = {}
    for tensor in graph.initializer:
        if not tensor.name.startswith("lora_"):
            assert tensor.data_location == onnx.TensorProto.EXTERNAL, f"{tensor.name} is in the graph"
            found[tensor.name] = {entry.key: entry.value for entry in tensor.external_data}
    return found


def test_weights_have_their_parameters_names_and_lie_in_one_file_once(voice, graphs):
    parameters = dict(voice.gpt.named_parameters())
    prefill, step = (places(graphs[name]) for name in GRAPHS)
    assert set(prefill) == set(parameters)
    assert set(step) == {name for name in parameters if "text" not in name and "bert" not in name}
    assert all(prefill[name] == step[name] for name in step)
    assert {place["location"] for place in prefill.values()} == {"gpt.weights"}
    at = 0
    for place in sorted(prefill.values(), key=lambda place: int(place["offset"])):
        assert 0 <= int(place["offset"]) - at < 64 and int(place["offset"]) % 64 == 0
        at = int(place["offset"]) + int(place["length"])
    assert (voice.folder / "gpt.weights").stat().st_size == at
    assert at < 4 * sum(p.numel() for p in parameters.values()) + 64 * len(parameters)
    assert all((voice.folder / f"{name}.onnx").stat().st_size < 200_000 for name in GRAPHS)


def test_no_weight_is_turned_over_at_run_time(graphs):
    for name, graph in graphs.items():
        weights = set(places(graph))
        readers = [node.op_type for node in graph.node if weights & set(node.input)]
        assert set(readers) == {"Gather", "Mul", "MatMul", "Add", "LayerNormalization"}
        assert readers.count("MatMul") == 4 * SMALL.n_layer + 1 + (name == "gpt_prefill")


def test_a_reader_of_bundles_finds_the_file(voice):
    for name in GRAPHS:
        assert external_files((voice.folder / f"{name}.onnx").read_bytes()) == {"gpt.weights"}


def test_equal_weights_keep_their_names(tmp_path):
    gpt = GPT(replace(SMALL, n_layer=2)).eval()  # untrained: the norms are all 1
    export_gpt(gpt, tmp_path)
    prefill = onnx.load(str(tmp_path / "gpt_prefill.onnx"), load_external_data=False).graph
    found = places(prefill)
    assert set(found) == {name for name, _ in gpt.named_parameters()}
    assert found["h.layers.0.norm1.weight"] == found["h.layers.1.norm2.weight"]
    used = {name for node in prefill.node for name in node.input}
    assert set(found) <= used


class FakeCheckpoint:
    """Tensors by name, as an opened checkpoint gives them."""

    def __init__(self, gpt):
        self.config = gpt.config
        self._tensors = {name: tensor.numpy().copy() for name, tensor in gpt.state_dict().items()}
        self.names = tuple(self._tensors)

    def tensor(self, name):
        return self._tensors[name]


def test_a_loaded_network_computes_what_the_checkpoint_s_does(voice):
    loaded = load_gpt(FakeCheckpoint(voice.gpt))
    assert not any(parameter.is_meta for parameter in loaded.parameters())
    assert len(loaded.state_dict()) == 12 * SMALL.n_layer + 7  # 295 with the 24 layers of a real one
    fed = torch.arange(6)[None], torch.zeros(1, 6, SMALL.feature_dim), torch.arange(4)[None]
    with torch.no_grad():
        for a, b in zip(loaded.rows(*fed)[0], voice.gpt.rows(*fed)[0], strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0)
