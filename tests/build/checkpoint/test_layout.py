"""The tensors that are asked for are those of the original program's own files."""

import lzma
import math

import pytest

from build_engines.checkpoint import open_gpt, open_sovits
from build_engines.checkpoint.layout import gpt_shapes, sovits_shapes
from tests.checkpoints import VERSIONS, sovits_config, write_gpt, write_sovits


@pytest.mark.parametrize(("version", "tensors", "parameters"), [
    ("v1", 673, 42_352_001), ("v2", 673, 42_389_633), ("v2Pro", 678, 67_361_921), ("v2ProPlus", 678, 86_272_257),
])  # fmt: skip
def test_real_dimensions(version, tensors, parameters):
    shapes = sovits_shapes(sovits_config(version))
    assert len(shapes) == tensors
    assert sum(math.prod(shape) for shape in shapes.values()) == parameters


def test_real_gpt():
    shapes = gpt_shapes(vocab_size=1025, phoneme_vocab_size=732, hidden_dim=512, n_layer=24)
    assert len(shapes) == 295
    assert sum(math.prod(shape) for shape in shapes.values()) == 77_606_402


@pytest.mark.parametrize("name", ["s1_v1_tiny-e15", "s1_v2_tiny-e15"])
def test_reference_gpts(reference, name):
    found = open_gpt(reference / "ckpt" / f"{name}.ckpt")
    assert found.version == name[3:5]
    assert found.config.n_layer == {"v1": 2, "v2": 3}[found.version]
    assert (found.info, found.max_seconds, found.top_k) == ("GPT-e15", 54.0, {"v1": 5, "v2": 15}[found.version])
    assert found.config.linear_units == 4 * found.config.hidden_dim


@pytest.mark.parametrize("version", VERSIONS)
def test_reference_acoustic_models(reference, tmp_path, version):
    path = tmp_path / "s2.pth"
    path.write_bytes(lzma.decompress((reference / "ckpt" / f"s2_{version}_tiny_e8_s96.pth.xz").read_bytes()))
    found = open_sovits(path)
    assert found.version == found.config.version == version
    assert len(found.names) == {"v1": 529, "v2": 529}.get(version, 534)
    assert found.shapes == sovits_shapes(found.config)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_random_gpts_are_sound(tmp_path, version):
    found = open_gpt(write_gpt(tmp_path / "x.ckpt", version, hidden_dim=32, head=4, n_layer=3, max_sec=20, top_k=7))
    assert (found.version, found.config.n_layer, found.config.head) == (version, 3, 4)
    assert (found.max_seconds, found.top_k) == (20.0, 7)


@pytest.mark.parametrize("version", ["v1", "v2ProPlus"])
def test_random_acoustic_models_are_sound(tmp_path, version):
    dims = {"inter_channels": 16, "filter_channels": 32, "n_layers": 2, "upsample_initial_channel": 32}
    if "Pro" in version:
        dims["gin_channels"] = 32
    path = write_sovits(tmp_path / "x.pth", version, **dims)
    assert open_sovits(path).config == sovits_config(version, **dims)
    assert path.read_bytes()[:2] == {"v2Pro": b"05", "v2ProPlus": b"06"}.get(version, b"PK")
