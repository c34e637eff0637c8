"""An adapter fed at run time computes what weights with the same delta merged into them compute."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from build_engines.errors import BuildError
from build_engines.export import export_gpt
from build_engines.export.adapters import add_adapters
from build_engines.quantize.cpu import cpu_graph
from build_engines.quantize.layers import FloatGraph
from edge_tts.errors import EngineError
from tests.build.conftest import GPT_CONFIG, open_session
from tests.gpt_voice import SMALL, GptVoice, Recorder, small_gpt

IN_LAYERS = ("self_attn.in_proj", "self_attn.out_proj", "linear1", "linear2")
TARGETS = {"bert_proj", "ar_predict_layer"} | {
    f"h.layers.{i}.{name}" for i in range(SMALL.n_layer) for name in IN_LAYERS
}
POINTER_TARGETS = {"pointer_input", *(f"pointer.{name}" for name in ("query", "key", "value", "out"))}
GRAPHS = ("gpt_prefill", "gpt_step")
TOKENS = (5, 60, 3, 3, 41, 0, 17)
TOLERANCE = 1e-4


def weight_name(target):
    return f"{target}_weight" if target.endswith("in_proj") else f"{target}.weight"


def random_adapter(gpt, targets, ranks, seed=1):
    """Factors of a delta for each target, about a third of its weights."""
    rng = np.random.default_rng(seed)
    adapter = {}
    for i, target in enumerate(sorted(targets)):
        out, into = gpt.get_parameter(weight_name(target)).shape
        rank = ranks[i % len(ranks)]
        adapter[f"lora_A.{target}"] = rng.standard_normal((into, rank), np.float32)
        adapter[f"lora_B.{target}"] = rng.standard_normal((rank, out), np.float32) * np.float32(
            0.3 / (rank * into) ** 0.5
        )
    return adapter


def merged(gpt, adapter):
    gpt = copy.deepcopy(gpt)
    for name, a in adapter.items():
        if name.startswith("lora_A."):
            delta = a @ adapter[name.replace("lora_A.", "lora_B.")]
            gpt.get_parameter(weight_name(name.removeprefix("lora_A."))).data += torch.from_numpy(delta.T)
    return gpt


def inputs(config, prompt=4):
    rng = np.random.default_rng(2)
    phones = rng.integers(0, config.phoneme_vocab_size, (1, 9))
    features = rng.standard_normal((1, 9, config.feature_dim), np.float32)
    return phones, features, rng.integers(0, config.eos, (1, prompt))


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    return GptVoice(small_gpt(), tmp_path_factory.mktemp("voice"))


def speak(voice, adapter=None):
    """Logits of the prefill and of a step per token, by the runtime."""
    return Recorder(voice.start(*inputs(voice.gpt.config), len(TOKENS), adapter)).feed(TOKENS)


def expected(gpt):
    """The same by the module, in one pass."""
    phones, features, prompt = (torch.from_numpy(array) for array in inputs(gpt.config))
    with torch.no_grad():
        hidden = gpt.rows(phones, features, torch.cat([prompt, torch.tensor([TOKENS])], 1))[0]
        return gpt.ar_predict_layer(hidden[0, -len(TOKENS) - 1 :]).numpy()


def test_every_linear_is_a_target(voice):
    assert len(voice.targets) == len(TARGETS) == len(set(voice.targets))
    assert set(voice.targets) == TARGETS
    linears = {n.removesuffix(".weight") for n, m in voice.gpt.named_modules() if isinstance(m, torch.nn.Linear)}
    assert linears <= TARGETS


@pytest.mark.parametrize("ranks", [(1,), (4,), (8,), (3, 8, 1, 5)], ids=str)
def test_adapters_of_all_targets(voice, ranks):
    adapter = random_adapter(voice.gpt, TARGETS, ranks)
    made, wanted = speak(voice, adapter), expected(merged(voice.gpt, adapter))
    np.testing.assert_allclose(made, wanted, atol=TOLERANCE, rtol=0)
    assert np.abs(wanted - expected(voice.gpt)).max() > 1000 * TOLERANCE


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_one_target_alone(voice, target):
    adapter = random_adapter(voice.gpt, [target], (4,))
    made, wanted = speak(voice, adapter), expected(merged(voice.gpt, adapter))
    np.testing.assert_allclose(made, wanted, atol=TOLERANCE, rtol=0)
    assert np.abs(wanted - expected(voice.gpt)).max() > 100 * TOLERANCE


def test_without_an_adapter_the_graphs_compute_what_they_did(voice, tmp_path, monkeypatch):
    monkeypatch.setattr("build_engines.export.gpt.add_adapters", lambda model: [])
    plain = GptVoice(voice.gpt, tmp_path)
    base = speak(plain)
    np.testing.assert_array_equal(speak(voice), base)
    of_rank_0 = {
        name: array[:, :0] if "A" in name else array[:0]
        for name, array in random_adapter(voice.gpt, TARGETS, (1,)).items()
    }
    np.testing.assert_array_equal(speak(voice, of_rank_0), base)
    adapted = speak(voice, random_adapter(voice.gpt, TARGETS, (8,)))
    np.testing.assert_array_equal(speak(voice), base)  # nothing of it stays
    assert np.abs(adapted - base).max() > 0.1


@pytest.mark.parametrize(
    "change",
    [
        lambda a: a.update({"lora_A.linear9": a["lora_A.bert_proj"]}),
        lambda a: a.update({"lora_A.bert_proj": a["lora_A.bert_proj"][:-1]}),
        lambda a: a.update({"lora_B.bert_proj": a["lora_B.bert_proj"][:-1]}),
        lambda a: a.update({"lora_B.ar_predict_layer": a["lora_B.ar_predict_layer"].astype(np.float64)}),
    ],
    ids=["unknown target", "width", "rank", "type"],
)
def test_an_adapter_that_does_not_fit(voice, change):
    adapter = random_adapter(voice.gpt, TARGETS, (2,))
    change(adapter)
    with pytest.raises(EngineError, match="gpt_prefill") as caught:
        speak(voice, adapter)
    assert "\n" not in str(caught.value)


# A distilled voice: two passes through the layers share their adapters, and its pointer has some too.


def speak_distilled(folder, adapter=None):
    """Logits and the text's state of the prefill, logits of a step."""
    adapter = adapter or {}
    prefill, step = (open_session(folder / f"{name}.onnx") for name in GRAPHS)
    phones, features, prompt = inputs(GPT_CONFIG)
    fed = {"phones": phones, "features": features, "prompt": prompt}
    logits, keys, values, pointer, state = prefill.run(None, fed | adapter)
    past = {}
    for kind, cache in (("key", keys), ("value", values)):
        buffers = np.pad(cache, [(0, 0), (0, 0), (0, 0), (0, 8), (0, 0)])
        past |= {f"past_{kind}_{i}": buffer for i, buffer in enumerate(buffers)}
    rows = keys.shape[3]
    fed = {
        "token": np.array([[7]]),
        "position": np.array([prompt.shape[1]]),
        "pointer": pointer,
        "state": state,
        "seqlens_k": np.array([rows], np.int32),
        "total_length": np.array([rows + 1], np.int32),
    }
    in_step = {name: array for name, array in adapter.items() if not name.endswith("bert_proj")}
    return [logits, state, *step.run(["logits"], fed | past | in_step)]


@dataclass(frozen=True)
class Distilled:
    """Folders of graphs: float ones, INT8 ones made of them and of graphs without adapters, and float ones with
    `adapter` merged into their weights."""

    float: Path
    int8: Path
    int8_plain: Path
    merged: Path
    adapter: dict[str, np.ndarray]


def quantize_all(source, target):
    """Every linear layer of the GPT's graphs in INT8."""
    for name in GRAPHS:
        graph = FloatGraph(source / f"{name}.onnx")
        onnx.save(cpu_graph(graph, {layer.name for layer in graph.layers}), str(target / f"{name}.onnx"))


@pytest.fixture(scope="module")
def distilled(exported, tmp_path_factory):
    adapter = random_adapter(exported.gpt, TARGETS | POINTER_TARGETS, (2, 8))
    plain, int8, int8_plain, with_it = (tmp_path_factory.mktemp(n) for n in ("plain", "int8", "int8_plain", "merged"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("build_engines.export.gpt.add_adapters", lambda model: [])
        export_gpt(exported.gpt, plain)
    quantize_all(exported.folder, int8)
    quantize_all(plain, int8_plain)
    export_gpt(merged(exported.gpt, adapter), with_it)
    return Distilled(exported.folder, int8, int8_plain, with_it, adapter)


def test_every_linear_of_a_distilled_voice_is_a_target(distilled, exported, tmp_path):
    targets = export_gpt(exported.gpt, tmp_path)
    assert len(targets) == len(set(targets))
    assert set(targets) == TARGETS | POINTER_TARGETS
    step = onnx.load(str(distilled.float / "gpt_step.onnx")).graph
    taken = {value.name.removeprefix("lora_A.") for value in step.input if value.name.startswith("lora_A.")}
    assert taken == set(targets) - {"bert_proj"}


def test_a_distilled_voice(distilled):
    made, base = speak_distilled(distilled.float, distilled.adapter), speak_distilled(distilled.float)
    for mine, wanted, without in zip(made, speak_distilled(distilled.merged), base, strict=True):
        np.testing.assert_allclose(mine, wanted, atol=TOLERANCE, rtol=0)
        assert np.abs(wanted - without).max() > 1000 * TOLERANCE


def test_a_quantized_voice_without_an_adapter(distilled):
    for mine, wanted in zip(speak_distilled(distilled.int8), speak_distilled(distilled.int8_plain), strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_an_adapter_does_to_a_quantized_voice_what_it_does_to_the_float_one(distilled):
    voices = {
        "merged": speak_distilled(distilled.merged),
        "float": speak_distilled(distilled.float),
        "made": speak_distilled(distilled.int8, distilled.adapter),
        "int8": speak_distilled(distilled.int8),
    }
    for wanted, base, made, int8 in zip(*voices.values(), strict=True):
        effect, mine = (wanted - base).ravel(), (made - int8).ravel()
        assert effect @ mine > 0.9 * np.linalg.norm(effect) * np.linalg.norm(mine)


def test_the_delta_of_a_quantized_layer_reads_what_its_quantizer_reads(distilled):
    for name in GRAPHS:
        nodes = onnx.load(str(distilled.int8 / f"{name}.onnx")).graph.node
        quantized = {node.input[0] for node in nodes if node.op_type == "DynamicQuantizeLinear"}
        sources = [node.input[0] for node in nodes if any(i.startswith("lora_A.") for i in node.input)]
        assert sources and set(sources) == quantized


def one_linear(weight):
    node = helper.make_node("MatMul", ["x", weight], ["y"])
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", 2]) for name in "xy"]
    graph = helper.make_graph(
        [node], "tiny", info[:1], info[1:], [numpy_helper.from_array(np.eye(2, dtype="f"), weight)]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_linear_without_a_parameter_s_name_is_refused():
    assert add_adapters(one_linear("proj.weight")) == ["proj"]
    with pytest.raises(BuildError, match="'onnx::MatMul_7' is not named after its parameter"):
        add_adapters(one_linear("onnx::MatMul_7"))


def test_adapters_are_added_once():
    model = one_linear("proj.weight")
    add_adapters(model)
    with pytest.raises(BuildError, match="'tiny' has adapters already"):
        add_adapters(model)
