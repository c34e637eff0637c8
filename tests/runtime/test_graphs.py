"""edge_tts.engines and edge_tts.graphs: what the manifest says about a graph must be so."""

import numpy as np
import onnx
import pytest

from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import BundleError, EngineError, TextError
from edge_tts.graphs import load_graphs
from tests.tiny_bundle import CONTEXT, make_bundle, read_manifest, write_manifest


def graphs_of(folder):
    bundle = open_bundle(folder)
    return load_graphs(bundle, OnnxEngine()), bundle


@pytest.mark.parametrize(
    ("graph", "change", "word"),
    [
        ("latents", lambda g: g["inputs"].pop("align"), "lacks the input 'align'"),
        ("latents", lambda g: g["inputs"].pop("codes"), "lacks the input 'codes'"),
        ("latents", lambda g: g["outputs"].pop("z"), "lacks the output 'z'"),
        ("latents", lambda g: g["inputs"].update(extra={"dtype": "int64", "shape": [1]}), "unknown input 'extra'"),
        ("latents", lambda g: g["outputs"].update(extra={"dtype": "int64", "shape": [1]}), "lacks the output 'extra'"),
        ("latents", lambda g: g["inputs"]["codes"].update(dtype="int32"), "int64"),
        ("latents", lambda g: g["inputs"]["condition"].update(shape=[1, 9]), "'condition'"),
        ("latents", lambda g: g["inputs"]["condition"].update(shape=[1]), "'condition'"),
        ("gpt_step", lambda g: g["inputs"].pop("past_key_1"), "past_key_1"),
        ("gpt_step", lambda g: g["outputs"].pop("next_pointer"), "next_pointer"),
        ("gpt_prefill", lambda g: g["outputs"].pop("pointer"), "'pointer', which no graph gives"),
        ("gpt_prefill", lambda g: g["outputs"].pop("state"), "'state', which no graph gives"),
        ("vocoder", lambda g: g["outputs"].pop("phases"), "'phase', which no graph gives"),
    ],
)
def test_manifest_and_graph_disagree(bundle_copy, graph, change, word):
    manifest = read_manifest(bundle_copy)
    change(manifest["graphs"][graph])
    write_manifest(bundle_copy, manifest)
    with pytest.raises(BundleError) as caught:
        graphs_of(bundle_copy)
    assert word in str(caught.value) and "\n" not in str(caught.value)


def test_only_whole_sentences_can_be_given_their_frames(tmp_path):
    folder = make_bundle(tmp_path / "voice", classic=True)
    manifest = read_manifest(folder)
    manifest["decoder"]["latent_context_tokens"] = 3
    write_manifest(folder, manifest)
    with pytest.raises(BundleError, match="takes 'frames': 'latent_context_tokens' must be null"):
        graphs_of(folder)


def test_a_layer_too_many(bundle_copy):
    manifest = read_manifest(bundle_copy)
    manifest["gpt"]["layers"] = 3
    write_manifest(bundle_copy, manifest)
    with pytest.raises(BundleError, match="lacks the input 'past_key_2'"):
        graphs_of(bundle_copy)


@pytest.mark.parametrize("raw", [b"", b"not a model", b"\x08\x07"])
def test_a_graph_that_is_none(bundle_copy, raw):
    (bundle_copy / "graphs/latents.onnx").write_bytes(raw)
    write_manifest(bundle_copy, read_manifest(bundle_copy))
    with pytest.raises((BundleError, EngineError)) as caught:
        graphs_of(bundle_copy)
    assert "latents" in str(caught.value) and "\n" not in str(caught.value)


def test_an_operator_that_nobody_knows(bundle_copy):
    path = bundle_copy / "graphs/latents.onnx"
    model = onnx.load_model_from_string(path.read_bytes())
    model.graph.node[0].op_type = "Frobnicate"
    path.write_bytes(model.SerializeToString())
    write_manifest(bundle_copy, read_manifest(bundle_copy))
    with pytest.raises(EngineError, match="'latents' can't be loaded") as caught:
        graphs_of(bundle_copy)
    assert "\n" not in str(caught.value)


def test_running_with_wrong_inputs_is_an_engine_error(tiny_bundle):
    latents = graphs_of(tiny_bundle)[0].acoustic.latents
    with pytest.raises(EngineError, match="'latents' failed"):
        latents.run({"codes": np.zeros((1, 2), np.int64)})
    with pytest.raises(EngineError):
        latents.run(
            {
                "codes": np.full((1, 2), 10_000),
                "phones": np.zeros((1, 1), np.int64),
                "align": np.zeros((1, 2), np.int64),
                "condition": np.zeros((1, 7), np.float32),
            }
        )


def test_only_contiguous_arrays_can_be_bound(tiny_bundle):
    latents = graphs_of(tiny_bundle)[0].acoustic.latents
    with pytest.raises(EngineError, match="contiguous"):
        latents.bind({"codes": np.zeros((2, 8), np.int64)[:, ::2]}, {}, {})


@pytest.fixture(params=[False, True], ids=["pointers", "classic"])
def started(request, tmp_path):
    graphs, bundle = graphs_of(make_bundle(tmp_path / "voice", classic=request.param))
    return lambda: graphs.gpt.start(np.arange(1, 9), np.ones((8, 4), np.float32), bundle.speaker("ada"), 30)


def play(decoder, tokens):
    """Logits and pointers beside each of the tokens."""
    outputs, output = [], decoder.first
    for index, token in enumerate(tokens):
        outputs.append((output.logits.copy(), output.pointer))
        output = decoder.step(index, token, output.pointer)
    return [*outputs, (output.logits.copy(), output.pointer)]


def assert_same(left, right):
    assert [pointer for _, pointer in left] == [pointer for _, pointer in right]
    for (a, _), (b, _) in zip(left, right, strict=True):
        np.testing.assert_array_equal(a, b)


def test_steps_see_their_past(started):
    first = play(started(), [1, 2, 3, 4])
    other = play(started(), [9, 2, 3, 4])
    np.testing.assert_array_equal(first[0][0], other[0][0])
    assert np.abs(first[4][0] - other[4][0]).max() > 1e-6


def test_going_back_gives_what_a_fresh_start_gives(started):
    decoder = started()
    play(decoder, [5, 6, 7, 8, 9, 10])
    again = play(decoder, [5, 6, 1, 2])
    assert_same(again, play(started(), [5, 6, 1, 2]))


def test_the_buffers_end(started):
    decoder = started()
    assert decoder.capacity == 30
    play(decoder, [1] * 30)
    with pytest.raises(EngineError):
        decoder.step(31, 1, 0)


def test_the_context_bounds_the_sentence(tiny_bundle):
    graphs, bundle = graphs_of(tiny_bundle)
    speaker = bundle.speaker("ada")

    def start(phones):
        return graphs.gpt.start(np.ones(phones, np.int64), np.zeros((phones, 4), np.float32), speaker, 500)

    assert start(CONTEXT - 10).capacity == 10
    with pytest.raises(TextError, match="too long"):
        start(CONTEXT)


class OldEngine(OnnxEngine):
    """Refuses the decode step, as an ONNX Runtime does that has never heard of an INT8 cache."""

    def load(self, name, model):
        if name == "gpt_step":
            raise EngineError("graph 'gpt_step' can't be loaded: unknown attribute k_quant_type")
        return super().load(name, model)


@pytest.mark.parametrize("kv_cache", ["int8", "float32"])
def test_an_engine_too_old_for_an_int8_cache_is_told_apart(bundle_copy, kv_cache):
    manifest = read_manifest(bundle_copy)
    manifest["quantization"] = {"source": "0" * 64, "targets": ["cpu"], "kv_cache": kv_cache}
    write_manifest(bundle_copy, manifest)
    with pytest.raises(EngineError, match="k_quant_type") as caught:
        load_graphs(open_bundle(bundle_copy), OldEngine())
    assert ("--kv-cache float32" in str(caught.value)) == (kv_cache == "int8")
