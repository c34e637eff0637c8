"""The last stage on small networks: a whole float bundle, and an INT8 voice only where it passes."""

import importlib.util
from types import SimpleNamespace

import numpy as np
import onnx
import pytest

from build_engines.cli import main
from build_engines.errors import BuildError
from build_engines.models.speaker_encoder import EncoderConfig, SpeakerEncoder
from build_engines.training import finish as stage
from build_engines.training.encoder import export_reference
from build_engines.training.pipeline import Settings, run_stage
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from tests.build.conftest import DECODER_CONFIG, GPT_CONFIG


@pytest.fixture
def settings(exported, tmp_path, monkeypatch):
    """As after all other stages, with untrained networks; speakers are drawn at random."""
    rng = np.random.default_rng(0)
    monkeypatch.setattr(stage, "load_gpt", lambda folder: exported.gpt)
    monkeypatch.setattr(stage, "load_decoder", lambda folder: SimpleNamespace(decoder=exported.decoder))
    monkeypatch.setattr(stage, "Corpus", lambda folder: None)
    monkeypatch.setattr(stage, "_embedding", lambda *_: rng.standard_normal(DECODER_CONFIG.ge_dim).astype(np.float32))
    monkeypatch.setattr(stage, "_features", lambda _: rng.standard_normal(GPT_CONFIG.feature_dim).astype(np.float32))
    return Settings(tmp_path / "work", tmp_path / "data")


def quantized(monkeypatch, passed):
    """Quantizing is tested elsewhere: here it only says how it went. Returns the plans that it will be given."""
    plans = []

    def quantize(plan, progress, judged):
        plans.append(plan)
        return SimpleNamespace(passed=passed, verdict="PESQ 2.10 below 3.5 (clara)")

    monkeypatch.setattr(stage, "quantize", quantize)
    return plans


def test_the_float_bundle_is_whole_and_is_what_becomes_int8(settings, tmp_path, monkeypatch):
    plans = quantized(monkeypatch, True)
    stage.finish(settings, tmp_path / "voice")
    (plan,) = plans
    assert (plan.target, plan.targets, plan.replace) == (tmp_path / "voice", ("cpu", "tensorrt"), True)
    assert plan.certificate is not None and not plan.accept_failing
    bundle = open_bundle(settings.work / "float_bundle")
    assert plan.source.id == bundle.id
    bundle.verify_rest(set())
    manifest = bundle.manifest
    assert set(manifest.speakers) == set(stage.SPEAKERS)
    adapters = {f"lora_A.{target}" for target in manifest.adapters.targets}
    prefill = onnx.load(str(bundle.path / manifest.graphs["gpt_prefill"].file)).graph
    assert adapters == {value.name for value in prefill.input if value.name.startswith("lora_A.")} != set()
    assert not any(name.startswith("lora_") for name in manifest.graphs["gpt_prefill"].inputs)


def test_goldens_are_what_the_float_graphs_give(settings):
    stage.write_floats(settings)
    bundle = open_bundle(settings.work / "float_bundle")
    for name in ("gpt_prefill", "latents", "vocoder"):
        with np.load(bundle.path / "golden" / f"{name}.npz") as golden:
            inputs = {key.removeprefix("in_"): golden[key] for key in golden.files if key.startswith("in_")}
            made = OnnxEngine().load(name, bundle.path / bundle.manifest.graphs[name].file).run(inputs)
            assert {f"out_{key}" for key in made} == {key for key in golden.files if key.startswith("out_")}
            for key, array in made.items():
                np.testing.assert_allclose(array, golden[f"out_{key}"], atol=1e-5)


def test_a_voice_that_fails_is_one_clear_line(settings, tmp_path, monkeypatch):
    quantized(monkeypatch, False)
    with pytest.raises(BuildError, match=r"was not written, INT8 fails: PESQ 2\.10 below 3\.5") as caught:
        stage.finish(settings, tmp_path / "voice")
    assert "\n" not in str(caught.value)
    open_bundle(settings.work / "float_bundle").verify_rest(set())
    assert not (tmp_path / "voice").exists()


def test_the_encoder_comes_before_the_voice(settings, tmp_path, monkeypatch):
    """It is trained against the float voice, and the float voice that becomes INT8 has it."""
    graph = tmp_path / "reference.onnx"
    export_reference(SpeakerEncoder(EncoderConfig()).eval(), graph)
    seen = []
    monkeypatch.setattr("build_engines.training.encoder.train_encoder", lambda floats, *_: seen.append(floats) or graph)
    plans = quantized(monkeypatch, True)
    run_stage("bundle", settings)
    assert not plans
    assert not open_bundle(settings.work / "float_bundle").manifest.enrollment
    run_stage("encoder", settings)
    assert seen == [settings.work / "float_bundle"]
    assert plans[0].target == stage.VOICES / "default"
    assert set(plans[0].source.manifest.enrollment) == {"reference"}


@pytest.mark.parametrize("stages", [[], ["encoder"]], ids=str)
def test_what_the_certificate_needs_is_asked_for_first(tmp_path, monkeypatch, capsys, stages):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pesq" else find(name))
    assert main(["train", *stages, "--data", str(tmp_path), "--work", str(tmp_path / "work")]) == 1
    assert "pesq not installed: run pip install 'edge-tts-jetson[certify]'" in capsys.readouterr().err
    assert main(["train", "gpt", "--data", str(tmp_path)]) == 1  # a stage that certifies nothing doesn't ask
    assert "sentences.csv is missing" in capsys.readouterr().err
