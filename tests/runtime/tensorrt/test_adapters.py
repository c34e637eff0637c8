"""edge_tts.engines.tensorrt with adapters: slots flip between utterances, and nothing stays of the one before."""

import gc

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from edge_tts.errors import EngineError, EngineLimitError
from edge_tts.gpt.decoder import GptGraphs
from tests.runtime.tensorrt import tiny
from tests.runtime.tensorrt.conftest import Bench
from tests.runtime.tensorrt.steps import assert_same, gpt_of, play, start
from tests.tiny_bundle import D, E, H


def adapter(seed, rank=2):
    random = np.random.Generator(np.random.Philox(seed))
    a, b = (random.standard_normal(shape).astype(np.float16).astype(np.float32) for shape in ((E, rank), (rank, H * D)))
    return {"lora_A.q_0": a, "lora_B.q_0": b, "lora_A.v_1": a * 2, "lora_B.v_1": b}


class WithoutAdapter:
    """The tiny prefill has no targets."""

    def __init__(self, graph):
        self.inputs, self.outputs, self._graph = graph.inputs, graph.outputs, graph

    def run(self, inputs):
        return self._graph.run({name: array for name, array in inputs.items() if not name.startswith("lora_")})


@pytest.fixture
def adapted(bench, voice):
    gpt = gpt_of(bench, voice)
    return GptGraphs(WithoutAdapter(gpt.prefill), gpt.step, gpt.spec, True)


def test_an_adapter_does_what_its_product_added_to_the_weights_does(bench, adapted, voice):
    given = adapter(1)
    model = onnx.load_model_from_string(tiny.engine_graph("gpt_step", voice[0]).model())
    for weight in model.graph.initializer:
        target = weight.name.removesuffix("_map")
        if f"lora_A.{target}" in given:
            merged = numpy_helper.to_array(weight) + given[f"lora_A.{target}"] @ given[f"lora_B.{target}"]
            weight.CopyFrom(numpy_helper.from_array(merged.astype(np.float32), weight.name))
    g = tiny.engine_graph("gpt_step", voice[0])
    g.model = model.SerializeToString
    merged_step = bench.engine.load("merged", tiny.plan(g, tiny.profiles("gpt_step", voice[0]), bench.trt))
    merged_gpt = GptGraphs(adapted.prefill, merged_step, adapted.spec, True)
    with_adapter = play(start(adapted, voice, adapter=given))
    assert_same(with_adapter, play(start(merged_gpt, voice)), tolerance=5e-3)
    assert np.abs(with_adapter[2] - play(start(adapted, voice))[2]).max() > 0.1


def test_the_slots_flip_between_utterances_and_leave_nothing(bench, adapted, voice):
    adapters = {"none": None, "wide": adapter(1, 4), "narrow": adapter(2, 1), "partial": {}}
    adapters["partial"] = {name: array for name, array in adapter(3).items() if name.endswith("q_0")}
    alone = {}
    for name, given in adapters.items():
        own = Bench()
        gpt = gpt_of(own, voice)
        by_engine = GptGraphs(WithoutAdapter(gpt.prefill), gpt.step, gpt.spec, True)
        alone[name] = play(start(by_engine, voice, adapter=given))
    for name in ("wide", "none", "narrow", "wide", "partial", "none", "narrow", "partial", "wide", "wide"):
        assert_same(play(start(adapted, voice, adapter=adapters[name])), alone[name])
    # Recorded once per slot and once without an adapter, however often they flip: addresses never change.
    assert bench.device.captures == 3


def test_both_slots_in_use(adapted, voice):
    decoders = [start(adapted, voice, adapter=adapter(seed)) for seed in (1, 2)]
    with pytest.raises(EngineLimitError, match="both slots"):
        start(adapted, voice, adapter=adapter(3))
    decoders.pop()
    gc.collect()
    assert play(start(adapted, voice, adapter=adapter(3)))


def test_a_rank_too_large(adapted, voice):
    with pytest.raises(EngineError, match="has rank 5, the engine was built for at most 4"):
        start(adapted, voice, adapter=adapter(1, 5))
