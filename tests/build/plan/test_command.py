"""`edgetts-build plan` as a person meets it."""

import importlib.util
import json
import subprocess
import sys

import numpy as np
import onnx
import pytest

from build_engines.cli import main
from build_engines.plan.boards import BOARDS
from tests.build.plan.graphs import HALF, INT8, Sketch
from tests.tiny_bundle import SAMPLES, C, read_manifest, write_manifest


def plan(capsys, *arguments):
    """Exit code, what it prints, and what it complains of."""
    code = main(["plan", *map(str, arguments)])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def planned(capsys, *arguments):
    code, out, err = plan(capsys, *arguments, "--json")
    assert (code, err) == (0, "")
    return json.loads(out)


def test_one_board(tiny_bundle, capsys):
    code, out, err = plan(capsys, tiny_bundle, "--board", "orin-nano-8")
    assert (code, err) == (0, "")
    assert out.startswith("tiny: PREDICTION, not a measurement")
    assert "those of ONNX Runtime, as if a board's GPU ran them" in out
    for part in (
        "prefill ",
        "step ",
        "latents ",
        "vocoder ",
        "first audio",
        "68 GB/s",
        "source: ",
        "sparse",
        "assumed",
    ):
        assert part in out


def test_all_boards_in_one_table(tiny_bundle, capsys):
    code, out, _ = plan(capsys, tiny_bundle)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if line.split()[:1] and line.split()[0] in BOARDS] == list(
        BOARDS
    )
    assert max(map(len, out.splitlines()[1:10])) <= 120


def test_figures(classic_bundle, capsys):
    """Sizes in bytes that can be read off the tiny voice: 2 layers, 2 heads of 8, float32."""
    facts = planned(capsys, classic_bundle, "--board", "agx-orin-64", "--seconds", "2", "--context", "30")
    assert facts["kind"] == "prediction"
    board = facts["boards"][0]
    rows = {row["graph"]: row for row in board["rows"]}
    tokens = facts["sentence"]["tokens"]
    assert rows["gpt_step"]["runs"] == tokens == 50
    position = 2 * 2 * 2 * 8 * 4  # keys and values, layers, heads, size, bytes
    assert rows["gpt_step"]["cache_bytes"] == tokens * (30 + 1) * position
    assert board["memory_bytes"]["cache"] == {"256": 256 * position}
    linear = 2 * (3 * 16 * 16 + 16 * 16) + 16 * 65
    assert rows["gpt_step"]["operations"] == {"float32": 2 * tokens * (linear + 2 * 2 * 16 * 30)}
    floor = rows["gpt_step"]["weight_bytes"] + rows["gpt_step"]["cache_bytes"] + rows["gpt_step"]["other_bytes"]
    assert rows["gpt_step"]["floor_ms"] == pytest.approx(floor / 204.8e6)
    total = sum(row["floor_ms"] for row in board["rows"])
    assert board["ms_per_second"] == pytest.approx(total / 2)
    assert board["real_time_factor"] == pytest.approx(total / 2 / 1000)
    assert board["memory_bytes"]["total"] > 300e6
    assert board["first_audio_ms"] < total


def test_longer_context_costs_more(tiny_bundle, capsys):
    short, long = (
        planned(capsys, tiny_bundle, "--board", "orin-nano-8", "--context", rows)["boards"][0]["token_ms"]
        for rows in (10, 200)
    )
    assert short < long


def test_as_if_it_were_int8(tiny_bundle, capsys):
    stored, small = (
        planned(capsys, tiny_bundle, "--board", "orin-nano-8", "--precision", precision)["boards"][0]
        for precision in ("stored", "int8")
    )
    assert small["memory_bytes"]["weights"] < stored["memory_bytes"]["weights"] / 2
    assert small["memory_bytes"]["cache"]["256"] == stored["memory_bytes"]["cache"]["256"] / 2
    assert "int8" in small["rows"][3]["operations"]


def tensorrt_vocoder():
    """z [1, C, frames] float32 → audio: one INT8 transposed convolution between two casts."""
    g = Sketch()
    scale = g.number(0.1, HALF)
    z = g.op("Cast", [g.input("z", onnx.TensorProto.FLOAT, 1, C, 9)], to=HALF)
    small = g.op("QuantizeLinear", [z, scale, g.number(0, INT8)])
    weight = g.op("DequantizeLinear", [g.weight(INT8, C, 1, SAMPLES), g.weight(HALF, 1)], axis=1)
    up = g.op("ConvTranspose", [g.op("DequantizeLinear", [small, scale]), weight], strides=[SAMPLES])
    g.outputs = [g.op("Cast", [up], "audio", to=onnx.TensorProto.FLOAT)]
    model = g.model()
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "frames"
    return model


def add_tensorrt(folder, model):
    """A bundle that has a graph for TensorRT of its vocoder alone."""
    import hashlib

    raw = model.SerializeToString()
    (folder / "tensorrt").mkdir()
    (folder / "tensorrt" / "vocoder.onnx").write_bytes(raw)
    manifest = read_manifest(folder)
    del manifest["files"]["card.md"]
    (folder / "card.md").unlink()
    manifest["files"]["tensorrt/vocoder.onnx"] = {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}
    entry = {
        "file": "tensorrt/vocoder.onnx",
        "inputs": {"z": {"dtype": "float32", "shape": [1, C, "frames"]}},
        "outputs": {"audio": {"dtype": "float32", "shape": [1, 1, "samples"]}},
        "profiles": [{"frames": [1, 16, 64]}],
    }
    manifest["tensorrt"] = {"max_rank": 16, "graphs": {"vocoder": entry}}
    write_manifest(folder, manifest)


def test_graphs_for_tensorrt_come_first(bundle_copy, capsys):
    add_tensorrt(bundle_copy, tensorrt_vocoder())
    facts = planned(capsys, bundle_copy, "--board", "orin-nano-8")
    assert facts["graphs"]["vocoder"] == "tensorrt/vocoder.onnx"
    vocoder = facts["boards"][0]["rows"][3]
    assert set(vocoder["operations"]) == {"int8"}
    _, out, _ = plan(capsys, bundle_copy, "--board", "orin-nano-8")
    assert "for TensorRT, but ONNX Runtime's for prefill, step, latents" in out


def test_an_operator_that_is_not_counted(bundle_copy, capsys):
    model = tensorrt_vocoder()
    model.graph.node[-1].op_type = "Wibble"
    add_tensorrt(bundle_copy, model)
    code, out, err = plan(capsys, bundle_copy)
    assert (code, out) == (1, "")
    assert err.startswith("edgetts-build: tensorrt/vocoder.onnx: Wibble 'audio': ")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--board", "orin-nano8"], "did you mean orin-nano-8? there are orin-nano-4, "),
        (["--context", "0"], "a context of 0 rows can't be planned: this voice has 1 to 256"),
        (["--context", "257"], "a context of 257 rows can't be planned"),
        (["--seconds", "0"], "a sentence of 0 seconds can't be planned"),
        (["--seconds", "nan"], "a sentence of nan seconds can't be planned"),
        (["--seconds", "50"], "rows of the KV cache with this speaker's prompt, the voice has 256: give fewer"),
    ],
)
def test_bad_arguments(tiny_bundle, capsys, arguments, said):
    code, out, err = plan(capsys, tiny_bundle, *arguments)
    assert (code, out) == (1, "")
    assert said in err
    assert len(err.splitlines()) == 1


def test_no_such_bundle(tmp_path, capsys):
    code, _, err = plan(capsys, tmp_path / "nothing")
    assert code == 1
    assert err == f"edgetts-build: no voice at {tmp_path / 'nothing'}: there is no such folder\n"


def test_a_damaged_graph(bundle_copy, capsys):
    path = bundle_copy / "graphs" / "vocoder.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    code, _, err = plan(capsys, bundle_copy)
    assert code == 1
    assert "vocoder.onnx has" in err


def test_a_graph_that_is_none(bundle_copy, capsys):
    import hashlib

    raw = b"\xff\xff not a graph"
    (bundle_copy / "graphs" / "vocoder.onnx").write_bytes(raw)
    manifest = read_manifest(bundle_copy)
    manifest["files"]["graphs/vocoder.onnx"] = {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}
    write_manifest(bundle_copy, manifest)
    code, _, err = plan(capsys, bundle_copy)
    assert code == 1
    assert err.endswith("graphs/vocoder.onnx is not an ONNX model\n")


def test_the_missing_extra(tiny_bundle, capsys, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnx" else find(name))
    code, _, err = plan(capsys, tiny_bundle)
    assert code == 1
    assert err == "edgetts-build: onnx not installed: run pip install 'edge-tts-jetson[build]'\n"


def test_without_torch(tiny_bundle):
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from build_engines.cli import main\n"
        f"sys.exit(main(['plan', {str(tiny_bundle)!r}, '--board', 'orin-nx-16']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Jetson Orin NX 16 GB" in done.stdout


@pytest.mark.parametrize("board", ["orin-nano-super", "all"])
def test_the_picture(tiny_bundle, tmp_path, capsys, board):
    image = pytest.importorskip("matplotlib.image")
    target = tmp_path / "plan.png"
    code, out, _ = plan(capsys, tiny_bundle, "--board", board, "--plot", target)
    assert code == 0
    assert out
    pixels = image.imread(target)[..., :3]
    for colour in ("#3b6fb6", "#d98b2b"):  # the step's and the vocoder's
        wanted = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        assert (np.abs(pixels - wanted).max(axis=2) < 0.02).sum() > 20


def test_a_picture_that_can_not_be_written(tiny_bundle, tmp_path, capsys):
    code, out, err = plan(capsys, tiny_bundle, "--plot", tmp_path / "missing" / "plan.png")
    assert (code, out) == (1, "")
    assert err.endswith("plan.png: No such file or directory\n")
