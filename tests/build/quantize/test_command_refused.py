"""What `edgetts-build quantize` refuses: one line, an exit code, and no trace."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from onnx import helper, numpy_helper

from build_engines.quantize import pipeline
from edge_tts.bundle import open_bundle
from tests.build.quantize.commands import CPU, changed, refused
from tests.build.quantize.voices import contents
from tests.tiny_bundle import read_manifest, write_manifest


def test_int8_already(made, place, call):
    code, _, err = call("quantize", made, place / "int8")
    assert "is INT8 already: give its float bundle" in refused(place, code, err)


def test_int8_of_earlier_days(made, tmp_path, place, call):
    """A manifest that doesn't say so: the graphs do."""
    source = Path(shutil.copytree(made, tmp_path / "old"))
    manifest = {key: value for key, value in read_manifest(source).items() if key not in ("quantization", "tensorrt")}
    write_manifest(source, manifest)
    code, _, err = call("quantize", source, place / "int8")
    assert "is INT8 already" in refused(place, code, err)


def test_nobody_enrolled(genuine_voice, tmp_path, place, call):
    source = Path(shutil.copytree(genuine_voice, tmp_path / "mute"))
    write_manifest(source, read_manifest(source) | {"speakers": {}, "default_speaker": None})
    code, _, err = call("quantize", source, place / "int8")
    line = refused(place, code, err)
    assert line.endswith(f"has no speaker to calibrate with: run edgetts-build enroll {source} --audio FILE")


@pytest.mark.parametrize(
    ("raw", "complaint"), [(b"", "has no sentence"), (b"\n \n", "has no sentence"), (b"caf\xe9\n", "is not UTF-8")]
)
def test_no_calibration_text(raw, complaint, genuine_voice, tmp_path, place, call):
    file = tmp_path / "own.txt"
    file.write_bytes(raw)
    code, _, err = call("quantize", genuine_voice, place / "int8", text=file)
    assert complaint in refused(place, code, err)


def test_text_that_is_not_there(genuine_voice, tmp_path, place, call):
    code, _, err = call("quantize", genuine_voice, place / "int8", text=tmp_path / "nothing.txt")
    assert "nothing.txt can't be read: No such file" in refused(place, code, err)


def test_text_without_words(genuine_voice, tmp_path, place, call):
    file = tmp_path / "own.txt"
    file.write_text("...\n", encoding="utf-8")
    code, _, err = call("quantize", genuine_voice, place / "int8", text=file)
    assert code in (1, 2)
    assert len(err) == 1
    assert not list(place.iterdir())


def test_a_voice_that_says_nothing(genuine_voice, place, call, monkeypatch):
    monkeypatch.setattr(pipeline, "_TOKENS", 0)
    code, _, err = call("quantize", genuine_voice, place / "int8")
    assert "the voice said nothing of the calibration's sentences" in refused(place, code, err)


def test_the_output_exists(genuine_voice, made, place, call):
    shutil.copytree(made, place / "int8")
    code, _, err = call("quantize", genuine_voice, place / "int8")
    assert "exists: choose another folder, or add --force" in refused(place, code, err, ["int8"])
    assert contents(place / "int8") == contents(made)


@pytest.mark.parametrize("more", [[], ["--force"]])
def test_the_output_is_no_bundle(more, genuine_voice, place, call):
    (place / "photos").mkdir()
    (place / "photos" / "cat.jpg").write_bytes(b"miaow")
    code, _, err = call("quantize", genuine_voice, place / "photos", *more)
    assert ("is not a bundle" if more else "exists") in refused(place, code, err, ["photos"])
    assert (place / "photos" / "cat.jpg").read_bytes() == b"miaow"


@pytest.mark.parametrize("inside", ["", "graphs", "new"])
def test_the_output_is_the_source(inside, genuine_voice, place, call):
    source = Path(shutil.copytree(genuine_voice, place / "voice"))
    code, _, err = call("quantize", source, source / inside, "--force")
    assert ("lies in the bundle" if inside else "is the bundle itself") in refused(place, code, err, ["voice"])
    assert contents(source) == contents(genuine_voice)


@pytest.mark.parametrize("rank", [-1, 0, 65])
def test_a_rank_out_of_range(rank, genuine_voice, place, call):
    code, _, err = call("quantize", genuine_voice, place / "int8", "--max-rank", rank)
    assert refused(place, code, err) == f"--max-rank {rank}: give a number in 1..64"


def test_an_int8_cache_for_tensorrt(genuine_voice, place, call):
    code, _, err = call("quantize", genuine_voice, place / "int8", "--target", "tensorrt", "--kv-cache", "int8")
    assert refused(place, code, err).startswith("an INT8 KV cache ")


def test_an_int8_cache_and_an_old_onnxruntime(genuine_voice, place, call, monkeypatch):
    monkeypatch.setattr("build_engines.quantize.quantize.ort.__version__", "1.23.2")
    code, _, err = call("quantize", genuine_voice, place / "int8", "--target", "cpu", "--kv-cache", "int8")
    assert "needs onnxruntime 1.27, this is 1.23.2" in refused(place, code, err)
    assert call("quantize", genuine_voice, place / "int8", "--target", "cpu")[0] == 0
    assert open_bundle(place / "int8").manifest.quantization.kv_cache == "float32"


def test_an_operator_that_tensorrt_lacks(genuine_voice, tmp_path, place, call, monkeypatch):
    """Named, with its node; and before anything is measured."""
    def change(model):
        node = next(node for node in model.graph.node if node.op_type == "MatMul")
        node.op_type, node.domain, node.name = "FusedMatMul", "com.microsoft", "/voice/condition/MatMul"
        if "com.microsoft" not in {entry.domain for entry in model.opset_import}:
            model.opset_import.append(helper.make_opsetid("com.microsoft", 1))

    source = changed(genuine_voice, tmp_path / "odd", "latents", change)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.ForcedVoice, "draw", None)
        code, _, err = call("quantize", source, place / "int8")
    line = refused(place, code, err)
    assert "'latents'" in line
    assert "TensorRT has no operator com.microsoft.FusedMatMul, of node '/voice/condition/MatMul'" in line
    assert call("quantize", source, place / "int8", *CPU)[0] == 0


def test_an_operator_that_nothing_has(genuine_voice, tmp_path, place, call):
    def change(model):
        next(node for node in model.graph.node if node.op_type == "Tanh").op_type = "Tench"

    source = changed(genuine_voice, tmp_path / "odd", "latents", change)
    code, _, err = call("quantize", source, place / "int8", *CPU)
    line = refused(place, code, err)
    assert line.startswith("graph 'latents' can't be loaded: ")
    assert "Tench" in line


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_not_finite(bad, genuine_voice, tmp_path, place, call):
    def change(model):
        index, tensor = next((i, t) for i, t in enumerate(model.graph.initializer) if t.name == "conv_1")
        weight = numpy_helper.to_array(tensor).copy()
        weight[0, 0, 0] = bad
        model.graph.initializer[index].CopyFrom(numpy_helper.from_array(weight, "conv_1"))

    code, _, err = call("quantize", changed(genuine_voice, tmp_path / "odd", "latents", change), place / "int8")
    assert "graph 'latents': 'c_1' has values that are not finite" in refused(place, code, err)


@pytest.mark.parametrize("name", ["card.md", "speakers/ada.safetensors", "graphs/latents.onnx", "graphs/gpt.weights"])
def test_a_damaged_source(name, genuine_voice, tmp_path, place, call):
    source = Path(shutil.copytree(genuine_voice, tmp_path / "damaged"))
    raw = bytearray((source / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (source / name).write_bytes(raw)
    code, _, err = call("quantize", source, place / "int8")
    line = refused(place, code, err)
    assert Path(name).name in line
    assert "differs from the manifest" in line


def test_a_golden_of_another_graph(genuine_voice, tmp_path, place, call):
    source = Path(shutil.copytree(genuine_voice, tmp_path / "odd"))
    np.savez(source / "golden" / "gpt_prefill.npz", in_codes=np.arange(4)[None])
    write_manifest(source, read_manifest(source))
    code, _, err = call("quantize", source, place / "int8", *CPU)
    assert "golden/gpt_prefill.npz lacks the input" in refused(place, code, err, [".int8.quantize"])


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize(
    ("what", "kept"),
    [
        ("build_engines.quantize.pipeline.shutil.copyfile", []),
        ("build_engines.quantize.calibrate.onnx.save", []),
        ("build_engines.quantize.stored.np.savez", []),
        ("build_engines.quantize.bundle._link", [".int8.quantize"]),
        ("build_engines.quantize.bundle.np.savez_compressed", [".int8.quantize"]),
        ("build_engines.export.weights.WeightFile._store", [".int8.quantize"]),
        ("build_engines.quantize.quantize.finish", [".int8.quantize"]),
    ],
)
def test_a_full_disk(what, kept, genuine_voice, made_cpu, place, call, monkeypatch):
    """One line and no bundle, wherever it strikes; with room again the same command makes it."""

    def full(*_, **__):
        raise FULL

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", full)
        patch.setattr(what, full)
        code, _, err = call("quantize", genuine_voice, place / "int8", *CPU)
    assert "No space left on device" in refused(place, code, err, kept)
    assert call("quantize", genuine_voice, place / "int8", *CPU)[0] == 0
    assert contents(place / "int8") == contents(made_cpu)
    assert [path.name for path in place.iterdir()] == ["int8"]
