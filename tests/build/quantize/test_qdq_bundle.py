"""Whole bundles: every graph that gets an engine is converted, and its profiles bound the sizes that are left open."""

import numpy as np
import onnx
import pytest

from build_engines.quantize.profiles import profiles, tensorrt_names
from build_engines.quantize.qdq import tensorrt_graph
from edge_tts.bundle import open_bundle
from tests.build.quantize.qdq_case import layers_of, run, snr_db
from tests.tiny_bundle import make_bundle

RANK = 0  # a tiny voice's layers have no names that adapters could go by
CACHES = ("keys", "values", "past_", "present_")


@pytest.fixture(scope="module", params=[False, True], ids=["distilled", "classic"])
def converted(request, tmp_path_factory):
    """The manifest of a tiny voice, its float graphs and those for TensorRT by name."""
    bundle = open_bundle(make_bundle(tmp_path_factory.mktemp("tiny") / "voice", classic=request.param))
    made = {}
    for name in tensorrt_names(bundle.manifest):
        model = onnx.load(bundle.path / bundle.manifest.graphs[name].file)
        for node in model.graph.node:  # the exporter names them, the tiny voice doesn't
            node.name = f"/{node.output[0]}"
        made[name] = model, tensorrt_graph(model, name, dict.fromkeys(layers_of(model), 4.0), RANK)
    return bundle.manifest, made


def open_sizes(values):
    return {
        dim.dim_param for value in values for dim in value.type.tensor_type.shape.dim if not dim.HasField("dim_value")
    }


def test_the_graphs_of_a_bundle_are_valid(converted):
    manifest, made = converted
    assert ("vocoder" in made) == ("phase" not in manifest.graphs["vocoder"].inputs)
    for model, graph in made.values():
        onnx.checker.check_model(graph, full_check=True)
        assert graph.opset_import[0].version == 19
        assert len(graph.opset_import) == 1
        assert len(layers_of(graph)) < len(layers_of(model))


def test_profiles_bound_just_the_sizes_that_inputs_leave_open(converted):
    manifest, made = converted
    for name, (_, graph) in made.items():
        for profile in profiles(name, manifest):
            assert open_sizes(graph.graph.input) == set(profile), name


def test_tensors_have_the_types_that_the_runtime_feeds_and_reads(converted):
    """float32 outside; float16 for the cache, which stays on the device, and for adapters."""
    for name, (model, graph) in converted[1].items():
        before = {v.name: v.type.tensor_type.elem_type for v in (*model.graph.input, *model.graph.output)}
        for value in (*graph.graph.input, *graph.graph.output):
            half = value.name.startswith((*CACHES, "lora_"))
            expected = onnx.TensorProto.FLOAT16 if half else before[value.name]
            assert value.type.tensor_type.elem_type == expected, f"{name}: {value.name}"


def test_the_outputs_are_those_of_the_bundle(converted):
    for model, graph in converted[1].values():
        assert [value.name for value in graph.graph.output] == [value.name for value in model.graph.output]


def test_the_step_computes_what_the_bundles_does(converted):
    """Here query, key and value come from three layers of their own."""
    model, _ = converted[1]["gpt_step"]
    half = tensorrt_graph(model, "gpt_step", {}, RANK)
    rng = np.random.default_rng(0)
    rows = {
        value.name: rng.standard_normal([dim.dim_value or 8 for dim in value.type.tensor_type.shape.dim])
        for value in model.graph.input
    }
    feeds = {name: array.astype(np.float32) for name, array in rows.items() if name.startswith(("past_", "state"))}
    feeds |= {"token": np.array([[7]]), "position": np.array([4]), "pointer": np.array([2])}
    feeds |= {"seqlens_k": np.array([5], np.int32), "total_length": np.array([6], np.int32)}
    taken = {value.name for value in model.graph.input}
    feeds = {name: array for name, array in feeds.items() if name in taken}
    expected, got = run(model, feeds), run(half, feeds)
    assert snr_db(expected["logits"], got["logits"]) > 50
    for name, array in got.items():
        if name.startswith("present_"):
            assert snr_db(expected[name][:, :, 5:6], array) > 50
