"""Who is speaking: the voice's own encoder, a stranger, and what happens where one is missing."""

import importlib.util

import numpy as np
import pytest

from build_engines.certify.listeners import Listener, listeners_for
from build_engines.certify.signals import UnjudgedError
from build_engines.errors import BuildError
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from tests.tiny_bundle import read_manifest, write_manifest

RATE = 24_000
SOUND = np.random.Generator(np.random.Philox(1)).standard_normal(RATE, np.float32)


@pytest.fixture
def without_resemblyzer(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "resemblyzer" else found(name))


def test_the_voices_own_encoder_listens(float_bundle, without_resemblyzer):
    (own,) = listeners_for(open_bundle(float_bundle), OnnxEngine())
    assert own.key == "speaker_cosine"
    assert own.cosine(SOUND, SOUND, RATE) == pytest.approx(1, abs=1e-6)
    assert own.cosine(SOUND, np.sin(np.arange(RATE, dtype=np.float32)), RATE) < 0.99
    assert own.cosine(SOUND, np.full_like(SOUND, np.nan), RATE) == 0


def test_a_stranger_listens_too_and_alone_where_there_is_no_encoder(float_bundle, tiny_bundle, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "there" if name == "resemblyzer" else found(name))
    keys = [one.key for one in listeners_for(open_bundle(float_bundle), OnnxEngine())]
    assert keys == ["speaker_cosine", "resemblyzer_cosine"]
    assert [one.key for one in listeners_for(open_bundle(tiny_bundle), OnnxEngine())] == ["speaker_cosine"]


def test_nobody_to_listen_is_one_clear_line(tiny_bundle, without_resemblyzer):
    with pytest.raises(BuildError, match=r"nobody can tell its speakers apart: .*resemblyzer"):
        listeners_for(open_bundle(tiny_bundle), OnnxEngine())


def test_a_pro_voice_without_its_verifier_has_nobody(bundle_copy, without_resemblyzer, tmp_path):
    manifest = read_manifest(bundle_copy)
    tensors = {name: {"dtype": "float32", "shape": [1, "n"]} for name in ("spectrum", "speaker_vector")}
    entry = {"file": "graphs/vocoder.onnx", "inputs": tensors, "outputs": {"ge": {"dtype": "float32", "shape": [1, 5]}}}
    write_manifest(bundle_copy, {**manifest, "enrollment": {"reference": entry}})
    with pytest.raises(BuildError, match="--eres2net FILE"):
        listeners_for(open_bundle(bundle_copy), OnnxEngine(), tmp_path / "absent.ckpt")


def test_too_short_a_sound_and_an_encoder_that_fails_can_not_judge():
    def broken(audio, rate):
        raise ValueError("give me more")

    with pytest.raises(UnjudgedError, match=r"needs 0\.2 s"):
        Listener("k", broken).cosine(SOUND[:100], SOUND[:100], RATE)
    with pytest.raises(UnjudgedError, match="give me more"):
        Listener("k", broken).cosine(SOUND, SOUND, RATE)
    with pytest.raises(UnjudgedError, match="no embedding"):
        Listener("k", lambda audio, rate: np.zeros(3, np.float32)).cosine(SOUND, SOUND, RATE)
