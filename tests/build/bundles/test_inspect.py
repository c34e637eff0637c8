"""What `edgetts-build inspect` knows of a file."""

import json

import pytest
import torch

from build_engines.bundles.inspect import describe, render
from build_engines.checkpoint import CheckpointError
from edge_tts.errors import VoiceNotFoundError
from tests.checkpoints import write_gpt


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_gpt(tmp_path_factory.mktemp("inspect") / "voice-e15.ckpt", hidden_dim=16, head=2, n_layer=1)


def test_a_bundle(tiny_bundle):
    facts = describe(str(tiny_bundle))
    assert facts["name"] == "tiny"
    assert render(facts).startswith("tiny: gpt-sovits-distilled 1, 24000 Hz")


def test_a_checkpoint(checkpoint):
    facts = describe(str(checkpoint))
    assert json.loads(json.dumps(facts))["dimensions"]["hidden_dim"] == 16
    assert (facts["kind"], facts["version"], facts["parameters"], facts["problems"]) == ("gpt", "v2", 64_194, [])
    text = render(facts)
    assert text.startswith("voice-e15.ckpt: GPT v2, 0.06 M parameters in 19 tensors, 0.1 MB\n")
    assert "n_layer                      1\n" in text
    assert text.endswith("  sound: a voice can be made of it\n")


def test_what_was_quantized_says_so():
    facts = describe("default")
    assert facts["certified"] is True
    assert facts["tensorrt"] == ["gpt_prefill", "gpt_step", "latents"]
    assert "  precision INT8 for cpu and tensorrt, KV cache float32, certified\n" in render(facts)


def test_an_incomplete_checkpoint(checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    content["config"]["model"]["n_layer"] = 4
    content["weight"]["something"] = torch.zeros(1).half()
    path = tmp_path / "x.bin"  # the name says nothing
    torch.save(content, path)
    facts = describe(str(path))
    assert len(facts["missing"]) == 36
    lines = render(facts).splitlines()
    assert sum(line.startswith("  missing ") for line in lines) == 21
    assert "  missing    ... and 16 more" in lines
    assert "  extra      something" in lines
    assert lines[-1].startswith("  problem    tensor model.h.layers.1.self_attn.in_proj_weight is missing")


def test_what_is_no_checkpoint(tmp_path):
    (tmp_path / "x.pth").write_text("<!DOCTYPE html>")
    with pytest.raises(CheckpointError, match="web page"):
        describe(str(tmp_path / "x.pth"))
    with pytest.raises(CheckpointError, match="No such file"):
        describe(str(tmp_path / "absent.ckpt"))


@pytest.mark.parametrize("name", ["no-such-voice", "a\0b"])
def test_what_is_nothing(name):
    with pytest.raises(VoiceNotFoundError):
        describe(name)
