"""`edgetts-build engine` as a person meets it on a board."""

import errno
import json
import os
import signal
import sys

import pytest

import build_engines.tensorrt.build
import edge_tts.engines.tensorrt.cache
import edge_tts.engines.tensorrt.device
from build_engines.cli import main
from build_engines.tensorrt.progress import make_monitor
from edge_tts.errors import DeviceError
from tests.build.tensorrt.shown import certificate, complaints
from tests.fakes.tensorrt import FakeTensorRT, read_plan
from tests.fakes.tensorrt_names import VERSIONS
from tests.tiny_bundle import read_manifest, write_manifest


def records(board):
    return {json.loads((path / "record.json").read_text())["parts"]["graph"]: path for path in board.engines()}


@pytest.mark.parametrize("version", VERSIONS)
def test_engines_are_built_certified_and_kept(version, quantized, board, monkeypatch, capsys):
    board.trt = FakeTensorRT(version)
    monkeypatch.setitem(sys.modules, "tensorrt", board.trt)
    assert main(["engine", str(quantized)]) == 0
    shown = capsys.readouterr()
    assert shown.err == ""
    lines = shown.out.splitlines()
    assert lines[0] == f"Orin, TensorRT {version}.0, CUDA 12.6; workspace 256 MiB"
    assert lines[1].startswith("gpt_step: certified in 6 cases (")
    assert lines[2].startswith("vocoder: certified in 10 cases (")
    assert lines[3] == f"hear it, TensorRT speaks from now on: edgetts say 'Hello.' --voice {quantized}"
    kept = records(board)
    assert set(kept) == {"gpt_step", "vocoder"}
    for path in kept.values():
        header, _ = read_plan((path / "engine.plan").read_bytes())
        assert header["typed"]
        assert header["workspace"] == 256 << 20
        assert certificate(path)["passed"]
    assert certificate(kept["gpt_step"])["outputs"]["logits"]["bar_db"] >= 10
    header, _ = read_plan((kept["vocoder"] / "engine.plan").read_bytes())
    assert header["profiles"][1]["shapes"] == {"x": [[1, 17, 8], [1, 32, 8], [1, 64, 8]]}
    assert all(device.closed for device in board.devices)


def test_a_certified_engine_is_not_built_again(quantized, board, capsys):
    assert main(["engine", str(quantized)]) == 0
    assert board.trt.builds == 2
    capsys.readouterr()
    assert main(["engine", str(quantized)]) == 0
    assert board.trt.builds == 2
    assert "vocoder: is certified already; to build it again: --force" in capsys.readouterr().out
    assert main(["engine", str(quantized), "--force", "--graph", "vocoder"]) == 0
    assert board.trt.builds == 3


def test_the_step_is_certified_as_speech_takes_it(quantized, board):
    assert main(["engine", str(quantized), "--graph", "gpt_step"]) == 0
    device = board.devices[-1]
    assert device.captures >= 4  # two buckets, with and without an adapter
    assert device.launches >= 8
    assert device.copies


def test_one_graph_of_two(quantized, board, capsys):
    assert main(["engine", str(quantized), "--graph", "vocoder", "--workspace", "100"]) == 0
    shown = capsys.readouterr().out
    assert "workspace 100 MiB" in shown
    assert "TensorRT speaks when these have engines too: gpt_step" in shown
    assert set(records(board)) == {"vocoder"}


def test_another_board_and_another_version_have_engines_of_their_own(quantized, board, monkeypatch):
    assert main(["engine", str(quantized)]) == 0
    board.trt = FakeTensorRT("10.16")
    monkeypatch.setitem(sys.modules, "tensorrt", board.trt)
    assert main(["engine", str(quantized)]) == 0
    board.prepare = lambda device: setattr(device, "name", "Thor")
    assert main(["engine", str(quantized)]) == 0
    assert board.trt.builds == 4
    assert len(board.engines()) == 6


@pytest.mark.parametrize("deaf", [False, True])
def test_control_c_cancels_the_build(deaf, quantized, board, monkeypatch, capsys):
    stops, pressed = [], []

    def spy(trt, phases, stop):
        stops.append(stop)
        return make_monitor(trt, phases, stop)

    def press():
        if not pressed:
            pressed.append(1)
            os.kill(os.getpid(), signal.SIGINT)
            assert stops[0].wait(20)

    monkeypatch.setattr(build_engines.tensorrt.build, "make_monitor", spy)
    board.trt.faults.step, board.trt.faults.unsafe_monitor = press, deaf
    assert main(["engine", str(quantized)]) == 130
    assert complaints(capsys) == ["stopped; the same command goes on from here"]
    assert board.engines() == []
    assert board.trt.builds == int(deaf)
    if not deaf:
        assert board.trt.messages[-1][1] == "the build was cancelled by its progress monitor"


def test_timings_are_kept_and_read_again(quantized, board, tmp_path, capsys):
    file = tmp_path / "deep" / "timings.bin"
    command = ["engine", str(quantized), "--graph", "vocoder", "--force", "--timing-cache", str(file)]
    assert main(command) == 0
    first = file.read_bytes()
    assert main(command) == 0
    assert b"tactic-1" in file.read_bytes()
    assert b"tactic-1" not in first
    assert complaints(capsys) == []
    assert [path.name for path in file.parent.iterdir()] == ["timings.bin"]


def test_timings_lie_in_the_cache_by_default(quantized, board):
    assert main(["engine", str(quantized), "--graph", "vocoder"]) == 0
    assert sorted(path.name for path in board.cache.iterdir()) == ["engines", "timings-10.3.0"]


def other_gpus(file, board):
    theirs = FakeTensorRT("10.3", device="Xavier")
    file.write_bytes(bytes(theirs.ITimingCache({"a": 1}, "Xavier").serialize()))


@pytest.mark.parametrize("spoil", [lambda file, board: file.write_bytes(b"\0\1\2"), other_gpus])
def test_timings_of_no_use_are_ignored_with_one_line(spoil, quantized, board, tmp_path, capsys):
    file = tmp_path / "timings"
    spoil(file, board)
    assert main(["engine", str(quantized), "--graph", "vocoder", "--timing-cache", str(file)]) == 0
    assert complaints(capsys) == [f"the timing cache {file} is damaged or of another board: all is measured again"]
    assert b'"tactic-0": 1' in file.read_bytes()


def test_timings_that_cannot_be_written_stop_nothing(quantized, board, tmp_path, capsys):
    (tmp_path / "file").touch()
    file = tmp_path / "file" / "timings"
    assert main(["engine", str(quantized), "--graph", "vocoder", "--timing-cache", str(file)]) == 0
    (line,) = complaints(capsys)
    assert line.startswith(f"the timing cache {file} can't be written")


def test_a_full_disk(quantized, board, monkeypatch, capsys):
    def full(path, data):
        path.write_bytes(bytes(data)[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(edge_tts.engines.tensorrt.cache, "write", full)
    assert main(["engine", str(quantized)]) == 1
    assert complaints(capsys) == [f"the engine can't be stored in {board.cache / 'engines'}: No space left on device"]
    assert board.engines() == []


def test_a_truncated_engine_is_built_again(quantized, board, capsys):
    assert main(["engine", str(quantized), "--graph", "vocoder"]) == 0
    (path,) = board.engines()
    plan = (path / "engine.plan").read_bytes()
    (path / "engine.plan").write_bytes(plan[:100])
    assert main(["engine", str(quantized), "--graph", "vocoder"]) == 0
    assert board.trt.builds == 2
    assert (path / "engine.plan").read_bytes() == plan


def test_no_tensorrt(quantized, board, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    assert main(["engine", str(quantized)]) == 1
    (line,) = complaints(capsys)
    assert "sudo apt install python3-libnvinfer" in line
    assert "--system-site-packages" in line
    assert not board.cache.exists()


def test_an_old_tensorrt(quantized, board, capsys):
    board.trt.__version__ = "8.5.2.2"
    assert main(["engine", str(quantized)]) == 1
    assert complaints(capsys) == ["TensorRT 8.5.2.2 is too old: 10.3 (JetPack 6.1) or newer is needed"]


def test_no_gpu(quantized, board, monkeypatch, capsys):
    def absent():
        raise DeviceError("there is no GPU (cuInit)")

    monkeypatch.setattr(edge_tts.engines.tensorrt.device, "open_device", absent)
    assert main(["engine", str(quantized)]) == 1
    assert complaints(capsys) == ["there is no GPU (cuInit)"]


def test_a_voice_without_graphs_for_tensorrt(tiny_bundle, board, capsys):
    assert main(["engine", str(tiny_bundle)]) == 1
    (line,) = complaints(capsys)
    assert line.startswith(f"{tiny_bundle} has no graphs for TensorRT: on a workstation, run edgetts-build quantize")


def test_no_bundle(tmp_path, board, capsys):
    assert main(["engine", str(tmp_path)]) == 1
    assert "manifest.json" in complaints(capsys)[0]
    assert main(["engine", "no-such-voice"]) == 1
    assert "no-such-voice" in complaints(capsys)[0]


def test_no_such_graph(quantized, board, capsys):
    assert main(["engine", str(quantized), "--graph", "bert"]) == 1
    assert complaints(capsys) == [f"{quantized} has no TensorRT graph 'bert': there are gpt_step, vocoder"]


@pytest.mark.parametrize("workspace", ["0", "-5", "much", "1.5"])
def test_a_workspace_that_is_no_size(workspace, quantized, board, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["engine", str(quantized), "--workspace", workspace])
    assert "--workspace" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (
            lambda folder: (folder / "golden/tensorrt/vocoder.npz").write_bytes(b"PK"),
            "differs from the manifest|bytes, not",
        ),
        (lambda folder: (folder / "tensorrt/vocoder.data").unlink(), "is missing: install the voice again"),
    ],
)
def test_a_damaged_voice(damage, reason, quantized_copy, board, capsys):
    damage(quantized_copy)
    assert main(["engine", str(quantized_copy), "--graph", "vocoder"]) == 1
    (line,) = complaints(capsys)
    assert any(part in line for part in reason.split("|"))
    assert board.engines() == []


def rewrite(folder, change):
    manifest = read_manifest(folder)
    change(manifest["tensorrt"]["graphs"]["vocoder"])
    write_manifest(folder, manifest)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda folder: (folder / "golden/tensorrt/vocoder.npz").write_bytes(b"PK"), "is no file of golden vectors"),
        (
            lambda folder: (folder / "golden/tensorrt/vocoder.npz").unlink(),
            "to certify an engine with: quantize the voice",
        ),
        (lambda folder: (folder / "tensorrt/vocoder.onnx").write_bytes(b"\x0a\x05hello"), "graph 'vocoder' (tensorrt"),
    ],
)
def test_a_voice_that_was_put_together_wrongly(change, reason, quantized_copy, board, capsys):
    change(quantized_copy)
    rewrite(quantized_copy, lambda entry: None)
    assert main(["engine", str(quantized_copy), "--graph", "vocoder"]) == 1
    (line,) = complaints(capsys)
    assert reason in line


def test_golden_vectors_of_other_profiles_certify_nothing(quantized_copy, board, capsys):
    rewrite(quantized_copy, lambda entry: entry["profiles"].append({"rows": [65, 65, 65]}))
    assert main(["engine", str(quantized_copy), "--graph", "vocoder"]) == 1
    assert "is not of this graph and its profiles: quantize the voice again" in complaints(capsys)[0]
    assert board.engines() == []
