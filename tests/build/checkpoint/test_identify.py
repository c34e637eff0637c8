"""Facts about a checkpoint, whether or not it can be used."""

import pytest

from build_engines.checkpoint import CheckpointError, identify
from tests.build.checkpoint.tampering import resaved


def test_a_sound_gpt(gpt_path):
    facts = identify(gpt_path)
    assert (facts.path, facts.size_bytes) == (gpt_path, gpt_path.stat().st_size)
    assert (facts.kind, facts.version, facts.header, facts.info) == ("gpt", "v2", "PK", "GPT-e15")
    assert (facts.tensors, facts.parameters) == (19, 64_194)
    assert facts.dimensions["hidden_dim"] == 16
    assert (facts.missing, facts.extra, facts.problems) == ((), (), ())


def test_a_sound_acoustic_model(pro_path):
    seen = []
    facts = identify(pro_path, lambda done, total: seen.append(done == total))
    assert (facts.kind, facts.version, facts.header, facts.tensors) == ("sovits", "v2Pro", "05", 534)
    assert facts.dimensions["gin_channels"] == 64
    assert seen[-1]
    assert facts.problems == ()


def test_everything_that_is_wrong(gpt_path, tmp_path):
    def change(content):
        weight = content["weight"]
        weight["model.bert_proj.bias"][3] = float("nan")
        weight["more"] = weight.pop("model.ar_predict_layer.weight")
        weight["model.ar_text_position.alpha"] = weight["model.ar_text_position.alpha"].reshape(1, 1)

    facts = identify(resaved(gpt_path, tmp_path / "x.ckpt", change))
    assert (facts.missing, facts.extra) == (("model.ar_predict_layer.weight",), ("more",))
    assert facts.problems == (
        "tensor model.ar_predict_layer.weight is missing",
        "tensor model.ar_text_position.alpha is [1, 1], its config asks for [1]",
        "tensor model.bert_proj.bias[3] is not a number",
    )


def test_settings_that_make_no_sense(gpt_path, tmp_path):
    facts = identify(resaved(gpt_path, tmp_path / "x.ckpt", lambda c: c["config"]["model"].update(head=7)))
    assert (facts.version, facts.dimensions, facts.missing) == ("v2", {}, ())
    assert facts.problems == ("its config's model.hidden_dim 16 can't be shared by 7 heads",)


def test_a_file_that_is_no_checkpoint(tmp_path):
    path = tmp_path / "x.pth"
    path.write_bytes(b"Moved Permanently")
    with pytest.raises(CheckpointError, match=r"x\.pth: the file is a text"):
        identify(path)
