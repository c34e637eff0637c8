"""A bundle that is written can be read, and one that can't be written leaves the old one alone."""

import json

import numpy as np
import pytest

from build_engines.bundles.distilled import BundleSpeaker, write_bundle
from edge_tts import Voice
from edge_tts.bundle import Sampling
from edge_tts.errors import BundleError
from tests.build.conftest import DECODER_CONFIG, GPT_CONFIG

SAMPLING = Sampling(top_k=5, top_p=1.0, temperature=0.7, repetition_penalty=1.0, min_tokens=2)


def write(exported, target, name="made", graphs=None):
    rng = np.random.default_rng(0)
    sizes = (GPT_CONFIG.feature_dim, DECODER_CONFIG.ge_dim)
    speakers = {
        who: BundleSpeaker(*(rng.standard_normal(size) for size in sizes), "en", who, phrase_breaks=who == "ada")
        for who in ("ada", "bob")
    }
    golden = {"latents": {"in_codes": np.arange(4)[None], "out_z": np.zeros((1, 2, 16), np.float32)}}
    write_bundle(
        target, name, graphs or exported.folder, speakers, "ada", GPT_CONFIG, DECODER_CONFIG, SAMPLING, "# made\n",
        {"note": "random weights"}, golden,
    )  # fmt: skip
    return target


def snapshot(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_runtime_loads_what_is_written(exported, tmp_path):
    target = write(exported, tmp_path / "made")
    voice = Voice.load(str(target))
    assert voice.sample_rate == 24_000
    manifest = json.loads((target / "manifest.json").read_text())
    assert manifest["token_rate_hz"] == 25
    assert manifest["gpt"]["eos"] == GPT_CONFIG.eos
    assert [manifest["speakers"][who]["phrase_breaks"] for who in ("ada", "bob")] == [True, False]
    assert set(manifest["files"]) == {p.as_posix() for p in snapshot(target)} - {"manifest.json"}
    with np.load(target / "golden" / "latents.npz", allow_pickle=False) as golden:
        assert golden["in_codes"].tolist() == [[0, 1, 2, 3]]
    assert [p.name for p in tmp_path.iterdir()] == ["made"]


def test_a_new_bundle_replaces_the_old_one(exported, tmp_path):
    target = write(exported, tmp_path / "made", "first")
    write(exported, target, "second")
    assert json.loads((target / "manifest.json").read_text())["name"] == "second"
    assert [p.name for p in tmp_path.iterdir()] == ["made"]


def test_a_refused_manifest_leaves_the_old_bundle(exported, tmp_path):
    target = write(exported, tmp_path / "made")
    before = snapshot(target)
    with pytest.raises(BundleError):
        write(exported, target, "no/such/name")
    assert snapshot(target) == before
    assert [p.name for p in tmp_path.iterdir()] == ["made"]


def test_a_missing_graph_leaves_the_old_bundle(exported, tmp_path):
    target = write(exported, tmp_path / "voices" / "made")
    before = snapshot(target)
    with pytest.raises(FileNotFoundError):
        write(exported, target, graphs=tmp_path / "nowhere")
    assert snapshot(target) == before
    assert [p.name for p in target.parent.iterdir()] == ["made"]
