"""The fakes, and the tiny voice's graphs on them."""

import pytest

from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.engines.tensorrt.engine import TensorRTEngine
from edge_tts.graphs import load_graphs
from tests.fakes.cuda import FakeDevice
from tests.fakes.tensorrt import FakeTensorRT
from tests.runtime.tensorrt import tiny


class Bench:
    """A device, a TensorRT and an engine on both; `load` puts one of the tiny graphs on it."""

    def __init__(self, version="10.3", can_capture=True):
        self.device = FakeDevice(can_capture)
        self.trt = FakeTensorRT(version, cuda=self.device)
        self.engine = TensorRTEngine(self.device, self.trt)

    def load(self, name, classic=False):
        g = tiny.engine_graph(name, classic)
        return self.engine.load(name, tiny.plan(g, tiny.profiles(name, classic), self.trt))


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.engine.close()  # raises Misuse where something was freed twice
    assert made.device.held == 0


@pytest.fixture(scope="module", params=[False, True], ids=["pointers", "classic"])
def voice(request, tiny_bundle, classic_bundle):
    """(is it classic, ONNX Runtime's GPT, a speaker)"""
    bundle = open_bundle(classic_bundle if request.param else tiny_bundle)
    return request.param, load_graphs(bundle, OnnxEngine()).gpt, bundle.speaker("ada")
