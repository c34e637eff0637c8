"""Tiny float voices and what might have been made of them: nearly equal, and spoilt in several ways."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from build_engines.certify.gate import certify
from build_engines.certify.plan import Plan
from edge_tts.bundle import open_bundle
from tests.tiny_bundle import G, GraphBuilder, make_bundle, read_manifest, write_manifest

pytest.importorskip("pesq", reason="the extra certify is not installed")
pytest.importorskip("pystoi", reason="the extra certify is not installed")
pytest.importorskip("pyloudnorm", reason="the extra certify is not installed")

FILE = "enrollment/reference.onnx"


def make_float(folder: Path, classic: bool = False) -> Path:
    """A tiny voice with an encoder of speakers."""
    make_bundle(folder, classic=classic)
    g = GraphBuilder("reference", 9)
    g.inputs, g.outputs = {"audio": ("float32", [1, "samples"])}, {"ge": ("float32", [1, G])}
    g.op("Unsqueeze", ["audio", g.constant("channel", [1])], "audio_3d")
    g.op("Conv", ["audio_3d", g.weight("hear", G, 1, 64)], "heard", strides=[32])
    g.op("Abs", ["heard"], "loud")
    g.op("ReduceMean", ["loud"], "ge", axes=[2], keepdims=0)
    (folder / "enrollment").mkdir()
    (folder / FILE).write_bytes(g.model())
    manifest = read_manifest(folder)
    tensors = {"inputs": g.inputs, "outputs": g.outputs}
    entry = {
        kind: {n: {"dtype": d, "shape": list(s)} for n, (d, s) in specs.items()} for kind, specs in tensors.items()
    }
    write_manifest(folder, {**manifest, "enrollment": {"reference": {"file": FILE, **entry}}})
    return folder


def make_int8(source: Path, folder: Path, noise: float, graphs=("gpt_prefill", "gpt_step", "latents"), **constants):
    """What stands in for an INT8 bundle: the same weights with some noise, relative to each tensor's spread.

    constants: weights to be replaced, by name.
    """
    shutil.copytree(source, folder)
    random = np.random.Generator(np.random.Philox(5))
    for name in graphs:
        model = onnx.load(folder / f"graphs/{name}.onnx")
        for tensor in model.graph.initializer:
            value = numpy_helper.to_array(tensor)
            if tensor.name in constants:
                value = np.full_like(value, 0) + np.asarray(constants[tensor.name], value.dtype)
            elif value.dtype == np.float32 and value.ndim > 1 and value.size > 100:
                value = value + np.float32(noise * value.std()) * random.standard_normal(value.shape, np.float32)
            tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))
        onnx.save(model, folder / f"graphs/{name}.onnx")
    source_id = hashlib.sha256((source / "manifest.json").read_bytes()).hexdigest()
    quantization = {"source": source_id, "targets": ["cpu"], "kv_cache": "float32", "method": "noise, for tests"}
    write_manifest(folder, {**read_manifest(folder), "quantization": quantization})
    return folder


@pytest.fixture(scope="session")
def float_bundle(tmp_path_factory):
    """Not to be changed."""
    return make_float(tmp_path_factory.mktemp("certify") / "float")


@pytest.fixture(scope="session")
def good_bundle(float_bundle, tmp_path_factory):
    """Nearly equal to the float voice; not to be changed."""
    return make_int8(float_bundle, tmp_path_factory.mktemp("certify") / "good", 1e-5)


@pytest.fixture(scope="session")
def bad_bundle(float_bundle, tmp_path_factory):
    """As much noise as there is signal; not to be changed."""
    return make_int8(float_bundle, tmp_path_factory.mktemp("certify") / "bad", 1.0)


@pytest.fixture(scope="session")
def good(float_bundle, good_bundle):
    """The certificate of the good one."""
    return certify(open_bundle(good_bundle), float_bundle, plan=Plan(forced=4))


@pytest.fixture(scope="session")
def bad(float_bundle, bad_bundle):
    """The certificate of the bad one."""
    return certify(bad_bundle, float_bundle, plan=Plan(forced=4))
