"""edge_tts.engines.tensorrt.graph: fresh arrays in and out, as ONNX Runtime gives them; a failure leaves nothing."""

import gc

import numpy as np
import pytest

from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import DeviceError, DeviceLostError, DeviceMemoryError, EngineError, EngineLimitError
from tests.runtime.tensorrt import tiny
from tests.runtime.tensorrt.conftest import Bench
from tests.tiny_bundle import SAMPLES


def latents_inputs(tokens, phones=5, seed=0):
    random = np.random.Generator(np.random.Philox(seed))
    return {
        "codes": random.integers(0, 64, (1, tokens)),
        "phones": random.integers(0, 700, (1, phones)),
        "align": random.integers(0, phones, (1, tokens)),
        "condition": random.standard_normal((1, 7)).astype(np.float32),
    }


def vocoder_inputs(frames, seed=0):
    random = np.random.Generator(np.random.Philox(seed))
    return {
        "z": random.standard_normal((1, 6, frames)).astype(np.float32),
        "condition": random.standard_normal((1, 3)).astype(np.float32),
        "phase": np.zeros(1, np.float32),
        "noise": random.standard_normal((1, frames * SAMPLES)).astype(np.float32),
    }


@pytest.fixture(scope="module")
def reference():
    return {name: OnnxEngine().load(name, tiny.engine_graph(name).model()) for name in tiny.GRAPHS}


def assert_equal(left, right):
    assert left.keys() == right.keys()
    for name, array in left.items():
        assert array.dtype == right[name].dtype
        np.testing.assert_array_equal(array, right[name])


@pytest.mark.parametrize("version", ["10.3", "10.16", "11.4"])
def test_it_gives_what_onnx_runtime_gives(version, reference):
    bench = Bench(version)
    latents, vocoder = bench.load("latents"), bench.load("vocoder")
    for seed, size in enumerate((1, 7, 200, 3)):
        assert_equal(
            latents.run(latents_inputs(size, seed=seed)), reference["latents"].run(latents_inputs(size, seed=seed))
        )
    for seed, size in enumerate((1, 60, 61, 400, 5, 300)):  # from one profile to the other and back
        inputs = vocoder_inputs(size, seed)
        assert_equal(vocoder.run(inputs), reference["vocoder"].run(inputs))
    bench.engine.close()
    assert bench.device.held == 0


def test_empty_inputs(bench):
    inputs = {
        "phones": np.arange(9)[None],
        "features": np.ones((1, 9, 4), np.float32),
        "prompt": np.zeros((1, 0), np.int64),
    }
    wanted = OnnxEngine().load("prefill", tiny.engine_graph("gpt_prefill", classic=True).model()).run(inputs)
    assert_equal(bench.load("gpt_prefill", classic=True).run(inputs), wanted)


def test_results_stay_what_they_are(bench):
    latents = bench.load("latents")
    first = latents.run(latents_inputs(10))["z"]
    kept = first.copy()
    latents.run(latents_inputs(10, seed=1))
    np.testing.assert_array_equal(first, kept)


def test_buffers_are_allocated_once(bench):
    latents = bench.load("latents")
    latents.run(latents_inputs(190))
    before = bench.device.allocations
    for size in (1, 50, 200, 7):
        latents.run(latents_inputs(size))
    # The device's buffers hold the profile's greatest shapes; page-locked memory may have grown once each way.
    assert bench.device.allocations <= before + 2
    settled = bench.device.allocations
    for size in (200, 3, 199):
        latents.run(latents_inputs(size))
    assert bench.device.allocations == settled


def test_adapters_are_hidden(bench):
    step = bench.load("gpt_step")
    assert not [name for name in step.inputs if name.startswith("lora_")]
    assert step.inputs["past_key_0"].shape == (1, 2, None, 8) and step.inputs["past_key_0"].dtype == np.float16
    assert step.outputs["present_key_0"].shape == (1, 2, None, 8)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda i: i.pop("codes"), "lacks its input 'codes'"),
        (lambda i: i.update(other=np.zeros(1)), "has no input 'other'"),
        (lambda i: i.update(codes=i["codes"].astype(np.int32)), "'codes' is int32, not int64"),
        (lambda i: i.update(lora_A=np.zeros((1, 1), np.float32)), "no input 'lora_A' for an adapter"),
    ],
)
def test_wrong_inputs(bench, change, word):
    inputs = latents_inputs(5)
    change(inputs)
    with pytest.raises(EngineError, match=word) as caught:
        bench.load("latents").run(inputs)
    assert not isinstance(caught.value, (DeviceError, EngineLimitError)) and "\n" not in str(caught.value)


def test_a_shape_outside_of_every_profile(bench):
    latents = bench.load("latents")
    with pytest.raises(EngineLimitError, match=r"codes has shape \[1, 201\], not one from \[1, 1\] to \[1, 200\]"):
        latents.run(latents_inputs(201))
    assert latents.run(latents_inputs(200))


def test_numbers_that_are_none(bench):
    latents = bench.load("latents")
    bench.trt.faults.output = lambda name, array: np.where(
        np.arange(array.size).reshape(array.shape) == 3, np.nan, array
    )
    with pytest.raises(DeviceError, match="gave numbers that are none in 'z'"):
        latents.run(latents_inputs(5))


@pytest.mark.parametrize("fault", ["context", "execute"])
def test_tensorrt_runs_out_of_memory(bench, fault):
    latents = bench.load("latents")
    bench.trt.faults.memory = fault
    with pytest.raises(DeviceMemoryError, match="out of memory"):
        latents.run(latents_inputs(5))


def test_tensorrt_fails(bench):
    latents = bench.load("latents")
    bench.trt.faults.execute = True
    with pytest.raises(DeviceError, match=r"'latents' failed: .*an illegal memory access") as caught:
        latents.run(latents_inputs(5))
    assert not isinstance(caught.value, DeviceMemoryError)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda plan: plan[:40], "corrupt"),
        (lambda plan: b"", "corrupt"),
        (lambda plan: plan.replace(b"10.3.0.30", b"10.7.0.23"), "version 10.7.0.23, expecting 10.3.0.30"),
        (lambda plan: plan.replace(b"Orin sm_87", b"Thor sm_101"), "device Thor"),
    ],
)
def test_a_plan_that_tensorrt_refuses(bench, spoil, word):
    g = tiny.engine_graph("latents")
    with pytest.raises(EngineError, match=f"refuses the engine of 'latents': .*{word}"):
        bench.engine.load("latents", spoil(tiny.plan(g, tiny.profiles("latents"), bench.trt)))


def test_no_memory_for_the_engine(bench):
    bench.trt.faults.memory = "engine"
    with pytest.raises(DeviceMemoryError):
        bench.load("latents")


@pytest.mark.parametrize("number", range(1, 5))
def test_no_memory_at_any_allocation(bench, number):
    latents = bench.load("latents")
    bench.device.fail_allocation = number
    with pytest.raises(DeviceMemoryError):
        latents.run(latents_inputs(5))
    assert latents.run(latents_inputs(5))  # nothing is broken by it: there may be memory again


@pytest.mark.parametrize("number", range(1, 14))
def test_the_context_is_lost_at_any_call(bench, number):
    latents = bench.load("latents")
    bench.device.fail_call = number
    with pytest.raises(DeviceLostError):
        for _ in range(3):
            latents.run(latents_inputs(5))
    bench.engine.close()
    assert bench.device.held == 0
    with pytest.raises(DeviceLostError, match="closed"):
        latents.run(latents_inputs(5))


def test_what_is_dropped_is_given_back():
    bench = Bench()
    graph = bench.load("latents")
    graph.run(latents_inputs(5))
    device = bench.device
    del bench
    gc.collect()
    assert graph.run(latents_inputs(5)) and device.held  # the graph keeps its engine
    del graph
    gc.collect()
    assert device.held == 0 and device.closed
