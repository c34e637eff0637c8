"""An INT8 voice as the builder makes it, packed: INT8 cache, adapters, and the other form of its products."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest

from build_engines.quantize.kv_cache import computes_int8_cache
from edge_tts.bundle import open_bundle
from edge_tts.engines.golden import snr_db
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.engines.packed.cache import PackedCache
from edge_tts.engines.packed.kernels import Chooser
from edge_tts.engines.packed.nbits import with_nbits
from edge_tts.engines.packed.pack import pack
from edge_tts.engines.packed.probe import LONG, probe
from edge_tts.graphs import load_graphs

FOUR = {"gpt_prefill", "gpt_step", "latents", "vocoder"}
GPT = ("gpt_prefill", "gpt_step")


@pytest.fixture(scope="module")
def both(genuine_voice, make, tmp_path_factory):
    """(bundle, its graphs from the bundle, its graphs packed)."""
    able = computes_int8_cache(onnxruntime.__version__)
    folder, _ = make(genuine_voice, "kv", "--target", "cpu", "--kv-cache", "int8" if able else "float32")
    bundle, cache = open_bundle(folder), PackedCache(tmp_path_factory.mktemp("cache"))
    parts = {"bundle": bundle.id}
    assert pack(bundle, cache, parts, Chooser("x86_64"))
    record = json.loads((cache.store.path(parts) / "record.json").read_text())
    assert (set(record["graphs"]), record["left_out"]) == (FOUR, {})
    assert "graphs/gpt.weights" in record["graphs"]["gpt_step"]["stands_for"]
    with cache.reading(parts) as packed:
        return bundle, load_graphs(bundle, OnnxEngine()), load_graphs(bundle, OnnxEngine(), None, packed)


def logits(graphs, bundle, adapter=None):
    """Logits of 20 steps with forced tokens, [21, V]."""
    random, gpt = np.random.default_rng(0), bundle.manifest.gpt
    speaker = bundle.speaker(next(iter(bundle.manifest.speakers)))
    phones = random.integers(0, 60, 9)
    features = random.standard_normal((9, gpt.feature_dim)).astype(np.float32)
    decoder = graphs.gpt.start(phones, features, speaker, 21, adapter)
    rows = [decoder.first.logits.copy()]
    for index, token in enumerate(random.integers(0, gpt.eos, 20)):
        rows.append(decoder.step(index, int(token), None).logits.copy())
    return np.array(rows)


@pytest.mark.skipif(not computes_int8_cache(onnxruntime.__version__), reason="an INT8 KV cache needs onnxruntime 1.27")
def test_an_int8_cache(both):
    """Its scales are inputs with defaults: as constants they made NaN of a packed graph."""
    bundle, plain, packed = both
    assert packed.gpt.step.inputs["past_key_0"].dtype == np.int8
    path = bundle.path / bundle.manifest.graphs["gpt_step"].file
    graph = onnx.load(str(path), load_external_data=False).graph
    scales = {name for node in graph.node if node.op_type == "GroupQueryAttention" for name in node.input[12:14]}
    assert len(scales) == 2 * bundle.manifest.gpt.layers
    assert scales <= {value.name for value in graph.input} & {tensor.name for tensor in graph.initializer}
    made = logits(packed, bundle)
    assert np.isfinite(made).all()
    np.testing.assert_array_equal(made, logits(plain, bundle))


def test_adapters_can_be_given(both):
    """Inputs with defaults stay inputs, in the step's binding too."""
    bundle, plain, packed = both
    random, sizes = np.random.default_rng(1), {}
    for name in GPT:
        path = bundle.path / bundle.manifest.graphs[name].file
        for tensor in onnx.load(str(path), load_external_data=False).graph.initializer:
            if tensor.name.startswith("lora_"):
                sizes[tensor.name] = tuple(4 if size == 0 else size for size in tensor.dims)
    assert len(sizes) == 2 * len(bundle.manifest.adapters.targets) > 0
    adapter = {name: 0.3 * random.standard_normal(size).astype(np.float32) for name, size in sorted(sizes.items())}
    adapted = logits(packed, bundle, adapter)
    np.testing.assert_array_equal(adapted, logits(plain, bundle, adapter))
    assert np.abs(adapted - logits(packed, bundle)).max() > 0.01


@pytest.mark.parametrize("name", GPT)
def test_the_other_form_of_its_products(made_cpu, name, tmp_path):
    bundle = open_bundle(made_cpu)
    entry = bundle.manifest.graphs[name]
    path, _ = bundle.graph(entry)
    (tmp_path / "m.onnx").write_bytes(with_nbits(path, 16))
    before, after = (onnx.load(str(p), load_external_data=False).graph.node for p in (path, tmp_path / "m.onnx"))
    changed = [node for node in after if node.op_type == "MatMulNBits"]
    narrow = [node for node in after if node.op_type == "MatMulInteger"]  # of text features: 4 wide, no whole block
    assert len(changed) + len(narrow) == sum(node.op_type == "MatMulInteger" for node in before)
    assert len(narrow) == (name == "gpt_prefill")
    inputs = probe(entry, bundle.manifest, LONG)
    shipped, other = (OnnxEngine().load(name, model).run(inputs) for model in (path, tmp_path / "m.onnx"))
    for output, values in shipped.items():
        assert snr_db(values, other[output]) > 20, output
