"""Which engine a voice gets, and what happens when the GPU fails while it speaks."""

import gc
import logging
import shutil
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from edge_tts.engines.tensorrt import device as device_module
from edge_tts.engines.tensorrt.cache import EngineCache
from edge_tts.errors import BundleError, EngineError, ParameterError
from edge_tts.voice import Voice
from tests.fakes.cuda import FakeDevice
from tests.fakes.tensorrt import FakeTensorRT
from tests.runtime.tensorrt import tiny
from tests.tiny_bundle import read_manifest, write_manifest

TEXT = "Hello there, and good morning."
LOST = "context is lost"


class Board:
    """A machine with TensorRT and a GPU, whose cache lies in a folder of the test's own."""

    def __init__(self, folder, monkeypatch):
        self.device, self.cache = None, EngineCache(folder)
        self.trt = FakeTensorRT("10.3")
        self.opened = 0
        monkeypatch.setitem(sys.modules, "tensorrt", self.trt)
        monkeypatch.setenv("EDGETTS_CACHE", str(folder))
        monkeypatch.setattr("edge_tts.engines.tensorrt.engine.open_device", self.open)

    def open(self):
        self.opened += 1
        self.device = self.trt.cuda = FakeDevice()
        return self.device

    def fill(self, bundle, **certificate):
        fill = FakeTensorRT("10.3")
        tiny.fill_cache(bundle, self.cache, fill, **certificate)


@pytest.fixture(scope="session")
def made_bundle(tmp_path_factory):
    return tiny.make_engine_bundle(tmp_path_factory.mktemp("engines") / "tiny")


@pytest.fixture
def board(tmp_path, monkeypatch):
    return Board(tmp_path / "cache", monkeypatch)


@pytest.fixture
def warnings(caplog):
    caplog.set_level(logging.WARNING, logger="edge_tts")
    return lambda: [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def say(voice, text=TEXT, seed=1):
    return np.concatenate([chunk.samples for chunk in voice.synthesize(text, seed=seed)])


@pytest.fixture(scope="module")
def plain(made_bundle):
    """What ONNX Runtime makes of it."""
    return say(Voice.load(made_bundle, engine="onnx"))


def near(sound, wanted):
    """The same tokens, so the same sound: only keys and values are rounded."""
    return len(sound) == len(wanted) and np.abs(sound - wanted).max() < 1e-5


# --- which engine


@pytest.mark.parametrize("choice", ["auto", "tensorrt"])
def test_certified_engines_are_used(board, made_bundle, plain, warnings, choice):
    board.fill(made_bundle)
    voice = Voice.load(made_bundle, engine=choice)
    assert near(say(voice), plain) and warnings() == [] and voice.engine == "tensorrt"
    assert board.trt.executions > 40 and board.device.captures == 1
    del voice
    gc.collect()
    assert board.device.held == 0 and board.device.closed


def test_onnx_runtime_when_told_so(board, made_bundle, plain, warnings):
    board.fill(made_bundle)
    np.testing.assert_array_equal(say(Voice.load(made_bundle, engine="onnx")), plain)
    assert board.opened == 0 and warnings() == []


def test_a_voice_without_graphs_for_tensorrt(board, tiny_bundle, warnings):
    assert Voice.load(tiny_bundle, engine="auto")
    assert board.opened == 0 and warnings() == []
    with pytest.raises(EngineError, match="has no graphs for TensorRT: quantize it"):
        Voice.load(tiny_bundle, engine="tensorrt")


def test_an_engine_that_nobody_knows(made_bundle):
    with pytest.raises(ParameterError, match="must be auto, onnx or tensorrt, not 'gpu'"):
        Voice.load(made_bundle, engine="gpu")


def test_a_machine_without_tensorrt_says_nothing(made_bundle, plain, warnings, monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorrt", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    np.testing.assert_array_equal(say(Voice.load(made_bundle, engine="auto")), plain)
    assert warnings() == []


def drop_one(board, bundle):
    next(iter(board.cache.engines.glob("*/engine.plan"))).unlink()


def truncate_one(board, bundle):
    plan = next(iter(board.cache.engines.glob("*/engine.plan")))
    plan.write_bytes(plan.read_bytes()[:-1])


class OtherDevice(FakeDevice):
    name = "Thor"


@pytest.mark.parametrize(
    ("spoil", "certificate", "word"),
    [
        (None, None, "no TensorRT engine is in .*: run `edgetts-build engine`"),
        (
            lambda board, bundle: None,
            {"passed": False, "reason": "NaN at the maximum"},
            r"certification \(NaN at the max",
        ),
        (drop_one, {}, "can't be read"),
        (truncate_one, {}, r"has \d+ bytes, not \d+"),
        (lambda board, bundle: setattr(board.trt, "__version__", "10.7.0"), {}, "for tensorrt '10.3.0', not '10.7.0'"),
    ],
)
def test_one_line_says_why_onnx_runtime_speaks(board, made_bundle, plain, warnings, spoil, certificate, word):
    if spoil is not None:
        board.fill(made_bundle, **certificate)
        spoil(board, made_bundle)
    np.testing.assert_array_equal(say(Voice.load(made_bundle, engine="auto")), plain)
    assert len(warnings()) == 1 and "\n" not in warnings()[0]
    assert "is spoken by ONNX Runtime: " in warnings()[0] and "edgetts-build engine" in warnings()[0]
    with pytest.raises(EngineError, match=word):
        Voice.load(made_bundle, engine="tensorrt")
    assert board.device is None or (board.device.held == 0 and board.device.closed)


def test_another_gpu(board, made_bundle, warnings, monkeypatch):
    board.fill(made_bundle)
    monkeypatch.setattr("edge_tts.engines.tensorrt.engine.open_device", OtherDevice)
    Voice.load(made_bundle, engine="auto")
    assert "one is there for gpu 'Orin', not 'Thor'" in warnings()[0]


def test_the_plan_is_of_another_tensorrt_after_all(board, made_bundle, warnings):
    """The key fits, but TensorRT itself refuses: its build is another one."""
    board.fill(made_bundle)
    board.trt.build = "10.3.0.31"
    Voice.load(made_bundle, engine="auto")
    assert "TensorRT refuses the engine of 'gpt_prefill': The engine plan file was made for version" in warnings()[0]
    assert board.device.held == 0 and board.device.closed


def test_no_binding(board, made_bundle, warnings, monkeypatch):
    board.fill(made_bundle)
    monkeypatch.setattr("edge_tts.engines.tensorrt.engine.open_device", device_module.open_device)
    for module in ("pycuda", "pycuda.driver", "cuda", "cuda.bindings"):
        monkeypatch.setitem(sys.modules, module, None)
    for module in ("pycuda_device", "cuda_bindings_device"):
        monkeypatch.delitem(sys.modules, f"edge_tts.engines.tensorrt.{module}", raising=False)
    Voice.load(made_bundle, engine="auto")
    assert "neither pycuda nor cuda-bindings is installed" in warnings()[0]


@pytest.mark.parametrize("names", [("gpt_prefill",), ("gpt_step", "latents")])
def test_half_a_gpt_is_none(board, tmp_path, warnings, names):
    bundle = tiny.make_engine_bundle(tmp_path / "half", names)
    board.fill(bundle)
    Voice.load(bundle, engine="auto")
    assert "without its counterpart" in warnings()[0] and board.opened == 0


def test_what_has_no_engine_runs_beside(board, tmp_path, plain, warnings):
    bundle = tiny.make_engine_bundle(tmp_path / "gpt", ("gpt_prefill", "gpt_step"))
    board.fill(bundle)
    assert near(say(Voice.load(bundle, engine="tensorrt")), plain) and warnings() == []


def test_the_manifest_lists_another_graph(board, made_bundle, tmp_path):
    bundle = tmp_path / "copy"
    shutil.copytree(made_bundle, bundle)
    manifest = read_manifest(bundle)
    manifest["tensorrt"]["graphs"]["gpt_step"]["outputs"]["logits"]["shape"] = [1, 66]
    write_manifest(bundle, manifest)
    board.fill(bundle)
    with pytest.raises(BundleError, match="'logits' is float32"):
        Voice.load(bundle, engine="tensorrt")
    assert board.device.held == 0 and board.device.closed


# --- faults while it speaks


@pytest.fixture
def speaking(board, made_bundle):
    board.fill(made_bundle)
    return Voice.load(made_bundle, engine="tensorrt")


@pytest.mark.parametrize("call", [1, 2, 5, 9, 14])
def test_lost_before_the_first_sound(board, speaking, plain, warnings, call):
    board.device.fail_call = call
    np.testing.assert_array_equal(say(speaking), plain)
    assert len(warnings()) == 1 and "by ONNX Runtime from now on: " in warnings()[0] and LOST in warnings()[0]
    assert board.device.held == 0 and board.device.closed
    np.testing.assert_array_equal(say(speaking), plain)
    assert len(warnings()) == 1 and speaking.engine == "onnx"


@pytest.mark.parametrize("number", [1, 3, 6, 9])
def test_no_memory(board, speaking, plain, warnings, number):
    board.device.fail_allocation = number
    np.testing.assert_array_equal(say(speaking), plain)
    assert len(warnings()) == 1 and "no memory left" in warnings()[0]
    assert board.device.held == 0 and board.device.closed


def test_numbers_that_are_none(board, speaking, plain, warnings):
    board.trt.faults.output = lambda name, array: array * np.nan if name == "logits" else array
    np.testing.assert_array_equal(say(speaking), plain)
    assert len(warnings()) == 1 and "numbers that are none in 'logits'" in warnings()[0]


def test_lost_within_a_sentence(board, speaking, plain, warnings):
    chunks = speaking.synthesize(TEXT, seed=1)
    assert len(next(chunks).samples)
    board.device.fail_call = 1
    with pytest.raises(EngineError, match=r"broke off .*say it again") as caught:
        list(chunks)
    assert "\n" not in str(caught.value) and len(warnings()) == 1
    del caught
    np.testing.assert_array_equal(say(speaking), plain)
    gc.collect()
    assert board.device.held == 0 and board.device.closed


def test_lost_between_two_sentences(board, speaking, made_bundle):
    text = f"{TEXT} {TEXT}"
    wanted = list(Voice.load(made_bundle, engine="onnx").synthesize(text, seed=1))
    got = []
    for chunk in speaking.synthesize(text, seed=1):
        if got and got[-1].sentence == 0 and not chunk.samples.any():  # the pause
            board.device.fail_call = 1
        got.append(chunk)
    second = [np.concatenate([c.samples for c in chunks if c.sentence == 1]) for chunks in (got, wanted)]
    np.testing.assert_array_equal(*second)
    assert board.device.closed


def test_two_listeners_when_it_is_lost(board, speaking, plain, warnings):
    """Who speaks at the same time finds the GPU given back, and goes on as well."""
    first, second = speaking.synthesize(TEXT, seed=1), speaking.synthesize(TEXT, seed=1)
    heard = [next(second).samples]
    board.device.fail_call = 1
    np.testing.assert_array_equal(np.concatenate([chunk.samples for chunk in first]), plain)
    with pytest.raises(EngineError, match="say it again"):
        heard += [chunk.samples for chunk in second]
    assert len(warnings()) == 1


def test_a_sentence_beyond_the_profiles(board, speaking, made_bundle, warnings):
    """Its prefill takes at most 64 phones; only this sentence is spoken by ONNX Runtime."""
    long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    np.testing.assert_array_equal(say(speaking, long), say(Voice.load(made_bundle, engine="onnx"), long))
    assert len(warnings()) == 1 and "for this sentence" in warnings()[0] and "no profile" in warnings()[0]
    assert not board.device.closed
    executions = board.trt.executions
    say(speaking)
    assert board.trt.executions > executions + 40 and len(warnings()) == 1


def test_onnx_runtime_fails_too(board, speaking, made_bundle, monkeypatch):
    def refuse(*_):
        raise EngineError("graph 'latents' can't be loaded")

    monkeypatch.setattr("edge_tts.loading.load_graphs", refuse)
    board.device.fail_call = 1
    with pytest.raises(EngineError, match="can't be loaded"):
        say(speaking)
    assert board.device.held == 0


def test_a_speaker_with_a_prompt_where_the_engine_takes_none(board, tmp_path, warnings):
    """The prefill of a voice with pointers is built without a prompt, since its own speakers have none."""
    bundle = tiny.make_engine_bundle(tmp_path / "voice")
    path = bundle / "speakers/ada.safetensors"
    tensors = load_file(path) | {"prompt_semantic": np.arange(3)}
    save_file(tensors, path)
    write_manifest(bundle, read_manifest(bundle))
    board.fill(bundle)
    voice = Voice.load(bundle, engine="tensorrt")
    wanted = Voice.load(bundle, engine="onnx")
    sounds = [np.concatenate([c.samples for c in v.synthesize(TEXT, speaker="ada", seed=1)]) for v in (voice, wanted)]
    np.testing.assert_array_equal(*sounds)
    assert len(warnings()) == 1 and "takes no prompt" in warnings()[0]
    executions = board.trt.executions
    assert list(voice.synthesize(TEXT, speaker="bob", seed=1)) and board.trt.executions > executions + 40
