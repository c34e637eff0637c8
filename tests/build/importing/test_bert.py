"""A Hugging Face folder of a small BERT → text features: what transformers computes, in one graph."""

import json
import shutil

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save_file
from transformers import BertConfig, BertForMaskedLM

from build_engines.errors import BuildError
from build_engines.importing.bert import export_text_features, load_bert
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.text_features import TextFeatures

WIDTH, LAYERS = 64, 4
CHARACTERS = "你好世界今天气很重要们一不了的,.!?…-"
TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS]
TEXT = "你好,今天天气很好!龘…"


@pytest.fixture(scope="module")
def network():
    """transformers' own; weights large enough for attention to choose."""
    config = BertConfig(
        vocab_size=len(TOKENS),
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        intermediate_size=128,
        initializer_range=0.3,
    )
    torch.manual_seed(0)
    model = BertForMaskedLM(config).eval()
    for name, weight in model.named_parameters():
        if name.endswith("bias") or "LayerNorm" in name:
            torch.nn.init.normal_(weight, 1.0 if name.endswith("weight") else 0.0, 0.2)
    return model


@pytest.fixture
def folder(network, tmp_path):
    """The files of the published model, weights and all."""
    made = tmp_path / "roberta"
    made.mkdir()
    (made / "config.json").write_text(json.dumps(network.config.to_dict()), encoding="utf-8")
    (made / "vocab.txt").write_text("\n".join(TOKENS) + "\n", encoding="utf-8")
    torch.save(network.state_dict(), made / "pytorch_model.bin")
    return made


def expected(network, ids):
    """What GPT-SoVITS takes: the third of the hidden states from the end, without [CLS] and [SEP]."""
    with torch.no_grad():
        states = network(torch.from_numpy(ids), output_hidden_states=True).hidden_states
    return states[-3][0, 1:-1].numpy()


def exported(folder, target, **options):
    export_text_features(folder, target, feature_dim=WIDTH, **options)
    return TextFeatures(
        OnnxEngine().load("text_features.zh", target / "text_features.onnx"), (target / "vocab.txt").read_bytes()
    )


def test_the_float_graph_computes_what_transformers_does(network, folder, tmp_path):
    made = exported(folder, tmp_path / "out", quantize=False)
    for text in (TEXT, "好", TEXT * 9):
        ids = made.ids(text)
        np.testing.assert_allclose(made.features(text, [1] * len(text)), expected(network, ids), atol=1e-5)


@pytest.mark.parametrize("shifted", [False, True], ids=["this processor", "shifted weights"])
def test_the_int8_graph_stays_close_and_is_small(network, folder, tmp_path, monkeypatch, shifted):
    if shifted:  # as for a processor whose sums of products would overflow
        monkeypatch.setattr("edge_tts.engines.onnx._overflows", lambda machine, cpu_info: True)
    exact = exported(folder, tmp_path / "float", quantize=False)
    made = exported(folder, tmp_path / "int8")
    wanted, rows = expected(network, made.ids(TEXT)), made.features(TEXT, [1] * len(TEXT))
    cosines = (wanted * rows).sum(1) / np.linalg.norm(wanted, axis=1) / np.linalg.norm(rows, axis=1)
    assert cosines.min() > 0.98
    assert np.abs(rows - exact.features(TEXT, [1] * len(TEXT))).max() > 0
    graph = onnx.load(str(tmp_path / "int8/text_features.onnx"), load_external_data=False).graph
    large = {t.data_type for t in graph.initializer if len(t.dims) == 2 and t.dims[0] in (len(TOKENS), WIDTH, 128)}
    assert large == {onnx.TensorProto.INT8, onnx.TensorProto.FLOAT}
    floats = [t.dims for t in graph.initializer if t.data_type == onnx.TensorProto.FLOAT and len(t.dims) == 2]
    assert sorted(map(tuple, floats)) == [(len(TOKENS), 1), (512, WIDTH)]  # the words' scales, and the places


def test_the_target_holds_nothing_else(folder, tmp_path):
    exported(folder, tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["text_features.onnx", "text_features.weights", "vocab.txt"]
    assert (tmp_path / "out/vocab.txt").read_bytes() == (folder / "vocab.txt").read_bytes()
    onnx.checker.check_model(str(tmp_path / "out/text_features.onnx"))


def test_only_the_layers_that_are_read_are_kept(folder):
    assert len(load_bert(folder, WIDTH).layers) == LAYERS - 2


def bare_encoder(state):
    return {name.removeprefix("bert."): tensor for name, tensor in state.items() if name.startswith("bert.")}


def names_of_tensorflow(state):
    swaps = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    for new, old in swaps.items():
        state = {name.replace(new, old): tensor for name, tensor in state.items()}
    return state | {"bert.embeddings.position_ids": torch.arange(512)[None]}


@pytest.mark.parametrize("change", [bare_encoder, names_of_tensorflow])
def test_names_of_other_files(network, folder, change):
    torch.save(change(network.state_dict()), folder / "pytorch_model.bin")
    ids = np.array([[2, 6, 7, 8, 3]])
    with torch.no_grad():
        rows = load_bert(folder, WIDTH)(torch.from_numpy(ids))[0].numpy()
    np.testing.assert_allclose(rows, expected(network, ids), atol=1e-5)


@pytest.mark.parametrize("kind", ["safetensors", "archive-less"])
def test_other_kinds_of_file(network, folder, kind):
    path = folder / "pytorch_model.bin"
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    path.unlink()
    if kind == "safetensors":
        save_file(state, folder / "model.safetensors")
    else:
        torch.save(state, path, _use_new_zipfile_serialization=False)
    ids = np.array([[2, 6, 7, 8, 3]])
    with torch.no_grad():
        rows = load_bert(folder, WIDTH)(torch.from_numpy(ids))[0].numpy()
    np.testing.assert_allclose(rows, expected(network, ids), atol=1e-5)


def test_half_precision_is_widened(network, folder, tmp_path):
    torch.save({name: tensor.half() for name, tensor in network.state_dict().items()}, folder / "pytorch_model.bin")
    made = exported(folder, tmp_path / "out", quantize=False)
    rows = made.features(TEXT, [1] * len(TEXT))
    assert 0 < np.abs(rows - expected(network, made.ids(TEXT))).max() < 0.05


def bend(folder, **values):
    """Writes config.json with other values; None takes a key away."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | values
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}), encoding="utf-8")


def test_a_missing_folder_or_file_is_named(folder, tmp_path):
    with pytest.raises(BuildError, match=r"nowhere is no folder: give the folder of hfl/chinese-roberta-wwm-ext-large"):
        export_text_features(tmp_path / "nowhere", tmp_path / "out")
    for name in ("pytorch_model.bin", "vocab.txt", "config.json"):
        (folder / name).unlink()
        with pytest.raises(BuildError, match=rf"{name}.*: give the folder of"):
            export_text_features(folder, tmp_path / "out", feature_dim=WIDTH)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"model_type": "gpt2"}, "no plain BERT, but 'gpt2' with 'gelu' and 'absolute' positions"),
        ({"hidden_act": "relu"}, "no plain BERT, but 'bert' with 'relu'"),
        ({"position_embedding_type": "relative_key"}, "'relative_key' positions"),
        ({"hidden_size": None}, "config.json: 'hidden_size' is missing"),
        ({"hidden_size": "64"}, "'hidden_size' must be an integer"),
        ({"num_hidden_layers": 2}, "'num_hidden_layers' must lie in 3..1024, not 2"),
        ({"num_hidden_layers": 9}, "no BERT of 9 layers .no weight for 'layers.4.query.weight'."),
        ({"intermediate_size": 99}, r"its config.json says \('layers.0.widen.weight' is \[128, 64\], not \[99, 64\]"),
        ({"num_attention_heads": 5}, "features of 64 numbers with 5 heads, and the voice takes 64"),
        ({"vocab_size": 30}, r"has 26 tokens in vocab.txt and 30 in config.json"),
    ],
)
def test_another_model_is_refused(folder, tmp_path, values, message):
    bend(folder, **values)
    with pytest.raises(BuildError, match=message) as caught:
        export_text_features(folder, tmp_path / "out", feature_dim=WIDTH)
    assert "\n" not in str(caught.value)


def test_another_width_than_the_voice_s_is_refused(folder, tmp_path):
    with pytest.raises(BuildError, match="features of 64 numbers with 4 heads, and the voice takes 1024"):
        export_text_features(folder, tmp_path / "out")


def test_a_bad_vocabulary_is_refused(folder, tmp_path):
    (folder / "vocab.txt").write_text("你\n你\n", encoding="utf-8")
    with pytest.raises(BuildError, match="roberta: the vocabulary lists '你' in line 1 and 2: give"):
        export_text_features(folder, tmp_path / "out", feature_dim=WIDTH)


def test_a_pointer_in_the_weights_place_is_refused(folder, tmp_path):
    (folder / "pytorch_model.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(BuildError, match=r"pytorch_model\.bin can't be read .*: give the folder of"):
        export_text_features(folder, tmp_path / "out", feature_dim=WIDTH)


def test_a_folder_may_be_its_own_target(folder):
    made = exported(folder, folder, quantize=False)
    copied = shutil.copytree(folder, folder.parent / "moved")  # the graph finds its weights beside it
    graph = OnnxEngine().load("text_features.zh", copied / "text_features.onnx")
    rows = graph.run({"ids": made.ids(TEXT)})["features"][0]
    np.testing.assert_array_equal(rows, made.features(TEXT, [1] * len(TEXT)))
