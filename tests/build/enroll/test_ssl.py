"""HuBERT from a local folder: the raw waveform goes in, and whatever is wrong with the folder is one line."""

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from build_engines.enroll.errors import RefusedError
from build_engines.enroll.places import check_verifier, hubert_folder, verifier_file
from build_engines.enroll.ssl import FEATURES, load_hubert, ssl_features
from build_engines.errors import BuildError


@pytest.fixture(scope="module")
def model(hubert):
    return load_hubert(hubert)


@pytest.fixture
def folder(hubert, tmp_path):
    """A copy to be damaged."""
    return shutil.copytree(hubert, tmp_path / "hubert")


def sound(count, seed=0):
    return (np.random.default_rng(seed).standard_normal(count) * 0.1).astype(np.float32)


@pytest.mark.parametrize("count", [400, 719, 720, 16_000, 57_600, 99_599])
def test_shape(model, count):
    found = ssl_features(model, sound(count))
    assert found.shape == (1, FEATURES, (count - 80) // 320)
    assert found.dtype == np.float32
    assert found.flags.c_contiguous


def test_the_waveform_is_raw(model):
    """What the feature extractor would do, zero mean and unit variance, is not done."""
    audio = sound(16_000)
    with torch.inference_mode():
        wanted = model(torch.from_numpy(audio)[None]).last_hidden_state[0].T.numpy()
    assert np.array_equal(ssl_features(model, audio)[0], wanted)
    normalised = ((audio - audio.mean()) / audio.std()).astype(np.float32)
    assert not np.allclose(ssl_features(model, normalised)[0], wanted, atol=1e-3)


def test_the_same_twice(model):
    """Nothing random is left on: no dropout, no masks."""
    audio = sound(16_000)
    assert np.array_equal(ssl_features(model, audio), ssl_features(model, audio))


def test_too_short(model):
    with pytest.raises(RefusedError, match="399 samples"):
        ssl_features(model, sound(399))


def test_the_layout_of_old(hubert, model, folder):
    """The published folder holds a pickle with weight norm under its older names."""
    state = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): value
        for name, value in load_file(folder / "model.safetensors").items()
    }
    assert any(name.endswith("weight_g") for name in state)
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    assert np.array_equal(ssl_features(load_hubert(folder), sound(8_000)), ssl_features(model, sound(8_000)))


def damage_config(folder, **changes):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda f: (f / "config.json").unlink(), "no chinese-hubert-base in"),
        (lambda f: (f / "model.safetensors").unlink(), "no chinese-hubert-base in"),
        (lambda f: (f / "config.json").write_text("{"), "config.json can't be read"),
        (lambda f: (f / "config.json").write_text("[]"), "is not chinese-hubert-base"),
        (lambda f: damage_config(f, model_type="bert"), "model_type 'bert'"),
        (lambda f: damage_config(f, hidden_size=1024), "hidden_size 1024"),
        (lambda f: damage_config(f, num_hidden_layers=2), "lacks"),
        (lambda f: damage_config(f, intermediate_size=32), "chinese-hubert-base"),
        (lambda f: (f / "model.safetensors").write_bytes(b"\x08" * 64), "can't be read as"),
        (lambda f: (f / "model.safetensors").write_bytes(b""), "can't be read as"),
    ],
)
def test_a_folder_that_is_none(folder, damage, says):
    damage(folder)
    with pytest.raises(BuildError, match=says) as caught:
        load_hubert(folder)
    text = str(caught.value)
    assert str(folder) in text
    assert "--hubert" in text
    assert "\n" not in text


def test_pickled_code_is_not_run(folder):
    class Trap:
        def __reduce__(self):
            return (folder.joinpath("sprung").mkdir, ())

    (folder / "model.safetensors").unlink()
    torch.save({"masked_spec_embed": Trap()}, folder / "pytorch_model.bin")
    with pytest.raises(BuildError):
        load_hubert(folder)
    assert not (folder / "sprung").exists()


def test_places(tmp_path):
    given, home = tmp_path / "given", tmp_path / "home"
    models = home / ".local" / "share" / "edgetts" / "models"
    named = {"EDGETTS_HUBERT": "/h", "EDGETTS_ERES2NET": "/e"}
    assert hubert_folder(given, named, home) == verifier_file(given, named, home) == given
    assert (str(hubert_folder(None, named, home)), str(verifier_file(None, named, home))) == ("/h", "/e")
    assert hubert_folder(None, {}, home) == models / "chinese-hubert-base"
    assert verifier_file(None, {}, home) == models / "pretrained_eres2netv2w24s4ep4.ckpt"
    with pytest.raises(BuildError, match="--eres2net"):
        check_verifier(tmp_path / "none")
