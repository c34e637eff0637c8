"""What the runtime makes of what `edgetts-build engine` left: certified engines speak, for anything else one line."""

import logging
import shutil

import numpy as np
import pytest

import edge_tts.engines.tensorrt.engine
from build_engines.cli import main
from edge_tts.bundle import open_bundle
from edge_tts.engines.select import open_accelerated
from edge_tts.engines.tensorrt.cache import EngineCache
from tests.build.tensorrt.qdq import WIDE, run_linear
from tests.tiny_bundle import read_manifest, write_manifest


@pytest.fixture(scope="module")
def vocoder_alone(quantized, tmp_path_factory):
    """The voice with one graph for TensorRT; the GPT's two go together or not at all."""
    folder = tmp_path_factory.mktemp("vocoder") / "voice"
    shutil.copytree(quantized, folder)
    manifest = read_manifest(folder)
    del manifest["tensorrt"]["graphs"]["gpt_step"]
    write_manifest(folder, manifest)
    return folder


@pytest.fixture
def accelerate(board, vocoder_alone, monkeypatch, caplog):
    """Opens the voice as the runtime does; gives what it got and the lines that it logged."""
    monkeypatch.setattr(edge_tts.engines.tensorrt.engine, "open_device", board.open_device)

    def open_it():
        caplog.clear()
        with caplog.at_level(logging.WARNING, logger="edge_tts"):
            accelerated = open_accelerated(open_bundle(vocoder_alone), "auto", EngineCache(board.cache))
        return accelerated, [record.getMessage() for record in caplog.records if record.name == "edge_tts"]

    return open_it


def test_a_certified_engine_is_used(accelerate, vocoder_alone, board):
    assert main(["engine", str(vocoder_alone)]) == 0
    accelerated, lines = accelerate()
    assert lines == []
    x = np.ones((1, 5, WIDE), np.float32)
    adapters = {"lora_A.head": np.zeros((8, 4), np.float16), "lora_B.head": np.zeros((4, 12), np.float16)}
    np.testing.assert_array_equal(
        accelerated.graphs["vocoder"].run({"x": x})["y"], run_linear({"x": x} | adapters)["y"]
    )
    accelerated.engine.close()


def test_before_there_is_one(accelerate):
    accelerated, lines = accelerate()
    assert accelerated is None
    (line,) = lines
    assert "edgetts-build engine" in line


def test_one_that_failed_says_why(accelerate, vocoder_alone, board):
    board.trt.faults.output = lambda name, array: -array
    assert main(["engine", str(vocoder_alone)]) == 1
    board.trt.faults.output = None
    accelerated, (line,) = accelerate()
    assert accelerated is None
    assert "failed its certification (output 'y' at profile 0 min (rows 1) has -6.0 dB of 25.0 dB)" in line


@pytest.mark.parametrize(
    "change",
    [
        lambda board: setattr(board, "prepare", lambda device: setattr(device, "name", "Thor")),
        lambda board: setattr(board, "prepare", lambda device: setattr(device, "cuda_version", "13.2")),
        lambda board: setattr(board.trt, "__version__", "10.7.0"),
    ],
    ids=["gpu", "cuda", "tensorrt"],
)
def test_an_engine_of_another_board_is_not_used(change, accelerate, vocoder_alone, board):
    assert main(["engine", str(vocoder_alone)]) == 0
    change(board)
    accelerated, (line,) = accelerate()
    assert accelerated is None
    assert "is not in" in line
    assert "one is there for" in line


def test_a_truncated_plan_is_not_used(accelerate, vocoder_alone, board):
    assert main(["engine", str(vocoder_alone)]) == 0
    (path,) = board.engines()
    (path / "engine.plan").write_bytes((path / "engine.plan").read_bytes()[:-1])
    accelerated, (line,) = accelerate()
    assert accelerated is None
    assert "bytes, not" in line
