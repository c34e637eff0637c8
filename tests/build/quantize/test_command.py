"""`edgetts-build quantize` and `dequantize` as a person calls them: bundles that speak, and say what they are."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from build_engines.cli import main
from build_engines.quantize.kv_cache import computes_int8_cache
from edge_tts.bundle import open_bundle
from tests.build.quantize.commands import CPU, INT8_OPERATORS, kinds, refused, spoken
from tests.build.quantize.voices import contents
from tests.tiny_bundle import read_manifest


def test_what_is_said(genuine_voice, place, call):
    before, target = contents(genuine_voice), place / "int8"
    code, out, err = call("quantize", genuine_voice, target, *CPU)
    assert (code, err) == (0, [])
    assert out == f"{target} is ready (not certified); hear it: edgetts say 'Hello.' --voice {target}\n"
    assert [path.name for path in place.iterdir()] == ["int8"]
    assert contents(genuine_voice) == before


@pytest.mark.parametrize(("voice", "int8"), [("distilled_voice", "made_distilled"), ("genuine_voice", "made_cpu")])
def test_for_a_cpu(voice, int8, request):
    source, folder = request.getfixturevalue(voice), request.getfixturevalue(int8)
    bundle = open_bundle(folder)
    bundle.verify_rest(set())
    assert bundle.manifest.quantization.source == open_bundle(source).id
    assert bundle.manifest.quantization.targets == ("cpu",)
    assert bundle.manifest.quantization.kv_cache == "float32"
    assert bundle.manifest.certificate is bundle.manifest.tensorrt is None
    assert "MatMulInteger" in kinds(folder / "graphs" / "gpt_step.onnx")
    graphs = [sum(p.stat().st_size for p in (one / "graphs").glob("gpt*")) for one in (source, folder)]
    assert graphs[1] < 0.9 * graphs[0]
    assert np.abs(spoken(folder)).max() > 0


def test_the_account(made, genuine_voice):
    account = json.loads((made / "quantization.json").read_bytes())
    assert (account["format"], account["format_version"]) == ("edge-tts-quantization", 1)
    assert account["source"] == open_bundle(genuine_voice).id
    assert set(account["targets"]) == {"cpu", "tensorrt"}
    for graphs in account["targets"].values():
        assert {"gpt_step", "latents", "vocoder"} <= set(graphs)
        for name in ("gpt_step", "latents", "vocoder"):
            assert graphs[name]["snr_db"] >= graphs[name]["bar_db"]
            assert graphs[name]["layers"]


def test_int8_where_the_account_says_so(made):
    account = json.loads((made / "quantization.json").read_bytes())["targets"]["cpu"]
    for name in ("latents", "vocoder"):
        int8 = [layer["name"] for layer in account[name]["layers"] if layer["kept"] == "int8"]
        assert bool(int8) == bool(kinds(made / "graphs" / f"{name}.onnx") & INT8_OPERATORS)
        weights = {t.name for t in onnx.load(str(made / "graphs" / f"{name}.onnx")).graph.initializer}
        for layer in account[name]["layers"]:
            assert (f"{layer['name']}_quantized" in weights) == (layer["kept"] == "int8")


def test_tensorrt_graphs_and_their_goldens(made):
    bundle = open_bundle(made)
    entry = bundle.manifest.tensorrt
    assert entry.max_rank == 16
    assert set(entry.graphs) == {"gpt_prefill", "gpt_step", "latents", "vocoder"}
    for name, graph in entry.graphs.items():
        assert graph.file == f"tensorrt/{name}.onnx"
        assert graph.profiles
        assert f"golden/tensorrt/{name}.npz" in bundle.manifest.files
        assert "com.microsoft" not in {e.domain for e in onnx.load(str(made / graph.file)).opset_import}
    assert "DequantizeLinear" in kinds(made / "tensorrt" / "gpt_step.onnx")


def test_everything_else_is_taken_over(made, genuine_voice):
    before, after = contents(genuine_voice), contents(made)
    for name in ("card.md", "speakers/ada.safetensors", "speakers/bob.safetensors"):
        assert after[name] == before[name]
    ours = {name for name in after if name.startswith(("tensorrt/", "golden/tensorrt/"))} | {"quantization.json"}
    assert set(after) - ours == set(before)
    old, new = read_manifest(genuine_voice), read_manifest(made)
    for key in set(old) - {"graphs", "files"}:
        assert new[key] == old[key]


def test_goldens_are_the_new_graphs(made):
    with np.load(made / "golden" / "gpt_prefill.npz", allow_pickle=False) as golden:
        arrays = dict(golden)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(made / "graphs" / "gpt_prefill.onnx"), options)
    logits = session.run(["logits"], {name[3:]: a for name, a in arrays.items() if name.startswith("in_")})[0]
    np.testing.assert_allclose(logits, arrays["out_logits"], atol=1e-4)


def test_weights_beside_the_graphs_are_whole(made, genuine_voice):
    """A weight of a few bytes lies beside the float graph; in the new one it must not point into the old file."""
    def alphas(folder):
        model = onnx.load(str(folder / "graphs" / "gpt_prefill.onnx"))
        return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer if t.name.endswith("alpha")}

    before, after = alphas(genuine_voice), alphas(made)
    assert before
    assert set(after) == set(before)
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value)


def test_an_int8_cache(genuine_voice, place, call):
    """`auto` takes it for a genuine voice on a CPU, where ONNX Runtime can."""
    code, _, err = call("quantize", genuine_voice, place / "int8", "--target", "cpu")
    assert (code, err) == (0, [])
    able = computes_int8_cache(onnxruntime.__version__)
    manifest = open_bundle(place / "int8").manifest
    assert manifest.quantization.kv_cache == ("int8" if able else "float32")
    assert manifest.graphs["gpt_step"].inputs["past_key_0"].dtype == ("int8" if able else "float32")
    assert np.abs(spoken(place / "int8")).max() > 0
    if able:
        line = refused(place, *call("dequantize", place / "int8", place / "float")[::2], before=["int8"])
        assert "INT8 KV cache" in line


def test_dequantize(made, genuine_voice, place, call):
    code, out, err = call("dequantize", made, place / "float")
    assert (code, err) == (0, [])
    assert f"{place / 'float'} is ready" in out
    manifest = open_bundle(place / "float").manifest
    assert manifest.quantization is manifest.tensorrt is None
    assert not any("tensorrt" in name or name == "quantization.json" for name in manifest.files)
    for name in manifest.graphs:
        assert not kinds(place / "float" / "graphs" / f"{name}.onnx") & {*INT8_OPERATORS, "DequantizeLinear"}
    one, other = spoken(genuine_voice), spoken(place / "float")
    assert len(one)
    assert len(other)
    assert call("quantize", place / "float", place / "again")[0] == 0


def test_dequantize_a_bundle_for_tensorrt_alone(genuine_voice, place, call):
    """Its graphs for ONNX Runtime are float already; what is for TensorRT goes."""
    assert call("quantize", genuine_voice, place / "int8", "--target", "tensorrt")[0] == 0
    assert open_bundle(place / "int8").manifest.quantization.targets == ("tensorrt",)
    assert call("dequantize", place / "int8", place / "float")[0] == 0
    before, after = contents(genuine_voice), contents(place / "float")
    del before["manifest.json"], after["manifest.json"]
    assert after == before


def test_dequantize_a_float_bundle(genuine_voice, place, call):
    code, _, err = call("dequantize", genuine_voice, place / "float")
    assert refused(place, code, err).endswith("is a float bundle already")


def test_dequantize_a_damaged_bundle(made, tmp_path, place, call):
    source = Path(shutil.copytree(made, tmp_path / "damaged"))
    raw = bytearray((source / "graphs" / "latents.onnx").read_bytes())
    raw[len(raw) // 2] ^= 1
    (source / "graphs" / "latents.onnx").write_bytes(raw)
    code, _, err = call("dequantize", source, place / "float")
    assert "differs from the manifest" in refused(place, code, err)


@pytest.mark.parametrize("command", ["quantize", "dequantize"])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as leaving:
        main([command, "--help"])
    assert leaving.value.code == 0
    assert "--force" in capsys.readouterr().out
