"""open_gpt and open_sovits: sound files become dimensions and tensors, others one line."""

import io

import numpy as np
import pytest
import torch

from build_engines.checkpoint import CheckpointError, open_gpt, open_sovits
from build_engines.errors import BuildError
from tests.build.checkpoint.tampering import resaved
from tests.checkpoints import utils_module


def refused(open_, path, match):
    with pytest.raises(CheckpointError, match=match) as caught:
        open_(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.isprintable()


def changed(gpt_path, tmp_path, section, **values):
    def change(content):
        content["config"][section].update(values)
        for key, value in values.items():
            if value is None:
                del content["config"][section][key]

    return resaved(gpt_path, tmp_path / "x.ckpt", change)


def test_an_error_is_the_builders_with_its_own_exit_code():
    assert issubclass(CheckpointError, BuildError)
    assert CheckpointError.exit_code == 2


def test_a_gpt(gpt_path):
    found = open_gpt(gpt_path)
    assert (found.version, found.info, found.top_k, found.max_seconds) == ("v2", "GPT-e15", 15, 54.0)
    assert (found.config.hidden_dim, found.config.head, found.config.n_layer) == (16, 2, 1)
    assert (found.config.linear_units, found.config.feature_dim, found.config.pointer_window) == (64, 1024, 0)
    weight = torch.load(gpt_path, weights_only=True)["weight"]
    assert [f"model.{name}" for name in found.names] == list(weight)
    for name in found.names:
        tensor = found.tensor(name)
        assert tensor.dtype == np.float32
        assert tensor.flags.writeable
        assert tensor.flags.c_contiguous
        assert tensor.shape == found.shapes[name]
        assert np.array_equal(tensor, weight[f"model.{name}"].float().numpy())
    with pytest.raises(KeyError):
        found.tensor("model.bert_proj.bias")


def test_an_acoustic_model(pro_path):
    found = open_sovits(pro_path)
    assert (found.version, found.info, found.config.gin_channels) == ("v2Pro", "8epoch_96iteration", 64)
    with utils_module():
        weight = torch.load(io.BytesIO(b"PK" + pro_path.read_bytes()[2:]), weights_only=False)["weight"]
    assert set(found.names) == set(weight)
    for name in ("sv_emb.weight", "dec.ups.0.weight_v", "prelu.weight", "quantizer.vq.layers.0._codebook.embed"):
        assert np.array_equal(found.tensor(name), weight[name].float().numpy())


def test_progress(gpt_path):
    seen = []
    open_gpt(gpt_path, lambda done, total: seen.append(done / total))
    assert seen[-1] == 1.0


def test_swapped_files(gpt_path, pro_path):
    refused(open_sovits, gpt_path, "this is a GPT")
    refused(open_gpt, pro_path, "this is a SoVITS model")


def test_neither_model(tmp_path):
    path = tmp_path / "x.ckpt"
    torch.save({"weight": {"fc.weight": torch.zeros(1).half()}, "config": {}}, path)
    refused(open_gpt, path, "neither a GPT nor a SoVITS model: its tensors .'fc.weight'")
    torch.save({"weight": {}, "config": {}}, path)
    refused(open_sovits, path, "it holds no tensors")


@pytest.mark.parametrize(
    ("section", "values", "match"),
    [
        ("model", {"hidden_dim": None}, "model.hidden_dim is missing"),
        ("model", {"hidden_dim": "16"}, "model.hidden_dim is '16'"),
        ("model", {"hidden_dim": 16.0}, "model.hidden_dim is 16.0"),
        ("model", {"hidden_dim": 1 << 90}, "model.hidden_dim is an integer of 91 bits"),
        ("model", {"hidden_dim": True}, "model.hidden_dim is True"),
        ("model", {"head": 3}, "16 can't be shared by 3 heads"),
        ("model", {"embedding_dim": 32}, "model.embedding_dim is 32; expected 16"),
        ("model", {"EOS": 5}, "model.EOS is 5; expected 1024"),
        ("model", {"n_layer": 0}, "model.n_layer is 0"),
        ("model", {"n_layer": 100_000}, "model.n_layer is 100000"),
        ("model", {"n_layer": 2}, "layers.1.* is missing .and 11 more"),
        ("model", {"phoneme_vocab_size": 733}, "733; v1 has 512 phones"),
        ("model", {"phoneme_vocab_size": 512}, r"is \[732, 16\], its config asks for \[512, 16\]"),
        ("model", {"vocab_size": 2000, "EOS": 1999}, "model.vocab_size is 2000"),
        ("inference", {"top_k": 0}, "inference.top_k is 0"),
        ("data", {"max_sec": float("nan")}, "data.max_sec is nan"),
        ("data", {"max_sec": "long\n\x1b[2J" * 100}, "data.max_sec is 'long"),
    ],
)
def test_settings_of_a_gpt(gpt_path, tmp_path, section, values, match):
    refused(open_gpt, changed(gpt_path, tmp_path, section, **values), match)


def test_settings_that_a_gpt_can_do_without(gpt_path, tmp_path):
    def change(content):
        content["config"] = {"model": content["config"]["model"]}
        del content["config"]["model"]["EOS"]
        del content["config"]["model"]["linear_units"]

    found = open_gpt(resaved(gpt_path, tmp_path / "x.ckpt", change))
    assert (found.top_k, found.max_seconds) == (15, 54.0)


def test_no_section(gpt_path, tmp_path):
    refused(open_gpt, resaved(gpt_path, tmp_path / "x.ckpt", lambda c: c["config"].pop("model")), "no section 'model'")


def test_more_than_a_gpt_needs(gpt_path, tmp_path):
    path = resaved(gpt_path, tmp_path / "x.ckpt", lambda c: c["weight"].update(extra=torch.zeros(3).half()))
    assert "extra" not in open_gpt(path).names


def test_a_tag_on_a_gpt(gpt_path, tmp_path):
    refused(open_gpt, resaved(gpt_path, tmp_path / "x.ckpt", lambda _: None, b"05"), "say v2Pro, but it is a GPT")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda c: c["weight"].pop("ge_to512.bias"), "tensor ge_to512.bias is missing"),
        (lambda c: setattr(c["config"].model, "gin_channels", 1024), "its config asks for"),
        (lambda c: c["weight"]["dec.ups.0.weight_v"].zero_(), r"dec.ups.0.weight_v\[0\] is all zero"),
        (lambda c: c["weight"]["flow.flows.6.post.bias"].fill_(float("inf")), r"flow.flows.6.post.bias\[0\] is inf"),
    ],
)
def test_acoustic_models_at_odds_with_themselves(pro_path, tmp_path, change, match):
    refused(open_sovits, resaved(pro_path, tmp_path / "x.pth", change, b"05"), match)


def test_training_only_tensors_and_extras_are_passed_over(pro_path, tmp_path):
    more = {"enc_q.pre.weight": torch.full((4,), float("nan")).half(), "something": torch.zeros(2).half()}
    path = resaved(pro_path, tmp_path / "x.pth", lambda c: c["weight"].update(more), b"PK")
    found = open_sovits(path)
    assert (found.version, len(found.names)) == ("v2Pro", 534)
