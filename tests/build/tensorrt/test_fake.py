"""The fake of TensorRT is strict where the real one is; what the other tests rest on."""

import numpy as np
import pytest

from edge_tts.engines.onnx import OnnxEngine
from tests.build.tensorrt.qdq import OUT, RANK, WIDE, linear
from tests.fakes.tensorrt import FakeTensorRT
from tests.fakes.tensorrt_names import VERSIONS

PROFILE = ((1, 1, WIDE), (1, 4, WIDE), (1, 16, WIDE))


def build(trt, model=None, profile=PROFILE):
    logger = trt.Logger(trt.Logger.WARNING)
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    assert parser.parse((model or linear()).SerializeToString())
    config = builder.create_builder_config()
    if profile:
        shapes = builder.create_optimization_profile()
        shapes.set_shape("x", *profile)
        config.add_optimization_profile(shapes)
    return builder.build_serialized_network(network, config)


def context(trt, plan):
    return trt.Runtime(trt.Logger()).deserialize_cuda_engine(plan).create_execution_context()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_plan_computes_what_the_graph_says(version):
    trt = FakeTensorRT(version)
    engine = trt.Runtime(trt.Logger()).deserialize_cuda_engine(build(trt))
    ready = engine.create_execution_context()
    x = np.random.default_rng(1).standard_normal((1, 3, WIDE)).astype(np.float32)
    feeds = {"x": x, "lora_A.head": np.ones((WIDE, RANK), np.float16), "lora_B.head": np.ones((RANK, OUT), np.float16)}
    assert ready.set_input_shape("x", x.shape)
    y = np.empty(tuple(ready.get_tensor_shape("y")), np.float32)
    for name, array in (feeds | {"y": y}).items():
        assert ready.set_tensor_address(name, array.ctypes.data)
    assert ready.execute_async_v3(0)
    np.testing.assert_array_equal(y, OnnxEngine().load("linear", linear().SerializeToString()).run(feeds)["y"])


def test_names_of_other_versions_do_not_exist():
    old, new = FakeTensorRT("10.3"), FakeTensorRT("11.4")
    assert hasattr(old.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH")
    assert not hasattr(new.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH")
    assert not hasattr(new.BuilderFlag, "FP16")
    assert not hasattr(old, "RuntimePlatformX")
    engines = [fake.Runtime(fake.Logger()).deserialize_cuda_engine(build(fake)) for fake in (old, new)]
    assert hasattr(engines[0], "device_memory_size")
    assert not hasattr(engines[1], "device_memory_size")
    with pytest.raises(AttributeError, match="has no 'binding_is_input'"):
        engines[0].binding_is_input  # noqa: B018
    with pytest.raises(AttributeError, match="max_workspace_size"):
        old.Builder(old.Logger()).create_builder_config().max_workspace_size = 1
    with pytest.raises(NotImplementedError, match="the fake of TensorRT lacks"):
        old.Builder(old.Logger()).max_threads  # noqa: B018


def test_wrong_argument_types_are_refused(tmp_path):
    trt = FakeTensorRT()
    builder = trt.Builder(trt.Logger())
    network, config = builder.create_network(), builder.create_builder_config()
    ready = context(trt, build(trt))
    for call in (
        lambda: builder.create_network(trt.NetworkDefinitionCreationFlag),
        lambda: trt.OnnxParser(network, "logger"),
        lambda: trt.OnnxParser(network, trt.Logger()).parse_from_file(tmp_path),
        lambda: config.set_memory_pool_limit(0, 1),
        lambda: config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, 1.5),
        lambda: 1 << trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED,
        lambda: ready.set_input_shape("x", np.zeros(3)),
        lambda: ready.set_tensor_address("x", None),
        lambda: ready.execute_async_v3(None),
        lambda: len(build(trt)),
    ):
        with pytest.raises(TypeError):
            call()
    with pytest.raises(TypeError):
        config.progress_monitor = object()


def test_what_the_context_refuses():
    trt = FakeTensorRT()
    ready = context(trt, build(trt))
    assert not ready.set_input_shape("x", (1, 17, WIDE))
    assert not ready.set_input_shape("z", (1, 1))
    assert not ready.set_optimization_profile_async(1, 0)
    assert tuple(ready.get_tensor_shape("y")) == (1, -1, OUT)
    assert ready.infer_shapes() == ["x"]
    assert ready.set_input_shape("x", (1, 2, WIDE))
    assert not ready.execute_async_v3(0)
    assert "address or shape is not set" in trt.messages[-1][1]


def test_what_the_parser_and_the_builder_refuse():
    trt = FakeTensorRT()
    parser = trt.OnnxParser(trt.Builder(trt.Logger()).create_network(), trt.Logger())
    assert not parser.parse(linear(zero_point=3).SerializeToString())
    assert parser.get_error(0).node_name() == "head/quantize"
    assert not parser.parse(b"not a model")
    assert build(trt, profile=None) is None
    assert "no optimization profile" in trt.messages[-1][1]
    with pytest.raises(ValueError, match="not ordered"):
        trt.Builder(trt.Logger()).create_optimization_profile().set_shape("x", (1, 2), (1, 1), (1, 3))


def test_a_plan_belongs_to_its_version_and_its_device():
    trt = FakeTensorRT("10.3")
    plan = build(trt)
    for other in (FakeTensorRT("10.16"), FakeTensorRT("10.3", device="Xavier sm_72")):
        assert other.Runtime(other.Logger()).deserialize_cuda_engine(plan) is None
    assert trt.Runtime(trt.Logger()).deserialize_cuda_engine(bytes(plan)[:-40]) is None
    assert trt.Runtime(trt.Logger()).deserialize_cuda_engine(bytes(plan)[:20]) is None


def test_only_a_warm_context_can_be_captured():
    class Capturing:
        def capturing(self, stream):
            return True

        def check(self, address, nbytes):
            pass

        def submit(self, stream, work):
            work()

    trt = FakeTensorRT()
    ready = context(trt, build(trt))
    buffers = [np.zeros(400, np.float32) for _ in range(4)]
    for name, buffer in zip(("x", "lora_A.head", "lora_B.head", "y"), buffers, strict=True):
        ready.set_tensor_address(name, buffer.ctypes.data)
    ready.set_input_shape("x", (1, 2, WIDE))
    trt.cuda = Capturing()
    assert not ready.execute_async_v3(7)
    trt.cuda = None
    assert ready.execute_async_v3(7)
    trt.cuda = Capturing()
    assert ready.execute_async_v3(7)
