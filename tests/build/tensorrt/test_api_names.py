"""Every name of TensorRT that our code uses exists in 10.3, in 10.16 and in 11.4."""

from pathlib import Path

import pytest

from tests.build.tensorrt.api_names import check
from tests.fakes.tensorrt_names import VERSIONS, names

ROOT = Path(__file__).resolve().parent.parent.parent.parent
ROOMS = ("edge_tts/engines/tensorrt", "build_engines/tensorrt")
LISTS = [names(version) for version in VERSIONS]
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}/{path.name}")
def test_our_code_uses_names_that_all_versions_share(path):
    assert check(path.read_text(encoding="utf-8"), LISTS).wrong == []


def test_the_rule_finds_what_our_code_uses():
    used = set().union(*(check(path.read_text(encoding="utf-8"), LISTS).used for path in FILES))
    assert {
        "Builder",
        "Builder.build_serialized_network",
        "NetworkDefinitionCreationFlag.STRONGLY_TYPED",
        "OnnxParser.parse_from_file",
        "ParserError.node_operator",
        "IBuilderConfig.set_memory_pool_limit",
        "MemoryPoolType.WORKSPACE",
        "IOptimizationProfile.set_shape",
        "ITensor.is_shape_tensor",
        "ITimingCache.serialize",
        "IProgressMonitor.step_complete",
        "Runtime.deserialize_cuda_engine",
        "ICudaEngine.get_tensor_profile_shape",
        "IExecutionContext.execute_async_v3",
        "TensorIOMode.INPUT",
        "ILogger.ERROR",
    } <= used


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("x = trt.MadeUp()", "not every TensorRT has MadeUp"),
        ("x = trt.BuilderFlag.FP16", "not every TensorRT has BuilderFlag.FP16"),
        ("x = trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH", "EXPLICIT_BATCH"),
        ("class A:\n def f(self):\n  self._trt.KVCacheMode", "not every TensorRT has KVCacheMode"),
        ("b = trt.Builder(0)\nb.platform_has_fast_int8", "not every TensorRT has Builder.platform_has_fast_int8"),
        ("b = trt.Builder(0)\nb.create_builder_config().made_up = 1", "IBuilderConfig.made_up"),
        ("def f(config: Any):\n config.int8_calibrator = 1", "IBuilderConfig.int8_calibrator"),
        ("def f(engine: Any):\n context = engine.create_execution_context()\n context.execute_async_v2(0)", "v2"),
        (
            "class A:\n def g(self):\n  self._c.made_up()\n def f(self):\n  self._c = trt.Runtime(0)",
            "not every TensorRT has Runtime.made_up",
        ),
        ("def f():\n network, parser = parse()\n return lambda: parser.supports_model(1)", "OnnxParser.supports_model"),
        ("def f(thing: Any):\n thing.go()", "what is the parameter 'thing'"),
        ("whatever().device_memory_size", "device_memory_size is a name that only some TensorRT has"),
        ("class M(trt.IProgressMonitor):\n def phase_start(self): pass", "M lacks IProgressMonitor's step_complete"),
    ],
)
def test_a_name_that_is_not_shared_is_found(source, complaint):
    assert complaint in "; ".join(check(source, LISTS).wrong)


@pytest.mark.parametrize(
    "source",
    [
        "trt.__version__",
        "def f(engine: TensorRTEngine):\n engine.load(1)",
        "engine = TensorRTEngine(device, trt)\nengine.close()",
        "def f(config: Any):\n config = other\n config.made_up",
    ],
)
def test_what_is_not_tensorrts_is_let_pass(source):
    assert check(source, LISTS).wrong == []
