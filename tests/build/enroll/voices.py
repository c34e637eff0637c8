"""Tiny voices that can enroll: the bundle of `tests.tiny_bundle` with enrolment graphs of random weights."""

from pathlib import Path

import numpy as np

from tests import tiny_bundle
from tests.tiny_bundle import A, B, F, G, GraphBuilder, V, make_bundle, read_manifest, write_manifest

BINS, SSL, VECTOR = 1025, 768, 20_480


def semantic_graph():
    """Features at 50 Hz in pairs → the token whose row they resemble most."""
    g = GraphBuilder("semantic", 11)
    g.inputs, g.outputs = {"ssl": ("float32", [1, SSL, "frames"])}, {"codes": ("int64", [1, "tokens"])}
    g.op("Conv", ["ssl", g.weight("rows", V - 1, SSL, 2)], "likeness", strides=[2])
    g.op("ArgMax", ["likeness"], "codes", axis=1, keepdims=0)
    return g


def reference_graph(pro):
    """The mean spectrum, and for Pro the speaker vector, each through a matrix."""
    g = GraphBuilder("reference", 12)
    g.inputs, g.outputs = {"spectrum": ("float32", [1, BINS, "frames"])}, {"ge": ("float32", [1, G])}
    g.op("ReduceMean", ["spectrum"], "mean", axes=[2], keepdims=0)
    g.op("MatMul", ["mean", g.weight("map", BINS, G)], "timbre")
    if pro:
        g.inputs["speaker_vector"] = ("float32", [1, VECTOR])
        g.op("MatMul", ["speaker_vector", g.weight("vector_map", VECTOR, G, scale=0.01)], "who")
    g.op("Add", ["timbre", "who" if pro else g.weight("bias", 1, G)], "ge")
    return g


def condition_graph():
    g = GraphBuilder("condition", 13)
    g.inputs = {"ge": ("float32", [1, G])}
    for name, size in (("latents", A), ("vocoder", B)):
        g.outputs[f"{name}_condition"] = ("float32", [1, size])
        g.op("MatMul", ["ge", g.weight(f"{name}_map", G, size)], f"{name}_condition")
    return g


def own_graph():
    """Audio → how much there is of each of G filters, at the length of sqrt(G)."""
    g = GraphBuilder("reference", 14)
    g.inputs, g.outputs = {"audio": ("float32", [1, "samples"])}, {"ge": ("float32", [1, G])}
    g.op("Unsqueeze", ["audio", g.constant("axis", [1])], "channel")
    g.op("Conv", ["channel", g.weight("filters", G, 1, 64)], "bands", strides=[32])
    g.op("ReduceL2", ["bands"], "power", axes=[2], keepdims=0)
    g.op("LayerNormalization", ["power", g.constant("scale", np.ones(G), np.float32)], "ge", axis=-1)
    return g


def text_features_graph():
    """A row per character, looked up."""
    g = GraphBuilder("text_features", 15)
    g.inputs, g.outputs = {"ids": ("int64", [1, "ids"])}, {"features": ("float32", [1, "characters", F])}
    inner = [g.constant("one", [1]), g.constant("minus_one", [-1]), g.constant("along", [1])]
    g.op("Slice", ["ids", *inner], "inside")
    g.op("Gather", [g.weight("table", 8, F), "inside"], "features", axis=0)
    return g


def enrolling_bundle(folder: Path, kind: str, name="voice") -> Path:
    """`kind`: "own" (an encoder of its own), "classic" or "pro" (as imported from GPT-SoVITS, nobody enrolled yet)."""
    own = kind == "own"
    make_bundle(folder, classic=not own, name=name)
    manifest = read_manifest(folder)
    graphs = [own_graph()] if own else [semantic_graph(), reference_graph(kind == "pro"), condition_graph()]
    manifest["enrollment"] = {graph.name: _place(folder, "enrollment", graph) for graph in graphs}
    if own:
        # As in the default voice, both graphs are told ge itself; the tiny ones want other sizes.
        manifest["enrollment"]["condition"] = _place(folder, "enrollment", condition_graph())
    else:
        for speaker in manifest["speakers"].values():
            (folder / speaker["file"]).unlink()
        (folder / "text").mkdir()
        (folder / "text" / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\n你\n好\n", encoding="utf-8")
        graph = _place(folder, "text", text_features_graph())
        manifest |= {
            "speakers": {}, "default_speaker": None, "languages": ["en", "zh"],
            "text_features": {"zh": {"graph": graph, "vocabulary": "text/vocab.txt"}},
        }  # fmt: skip
    write_manifest(folder, manifest)
    return folder


def _place(folder: Path, where: str, graph: GraphBuilder):
    (folder / where).mkdir(exist_ok=True)
    file = f"{where}/{graph.name}.onnx"
    (folder / file).write_bytes(graph.model())
    tensors = {"inputs": graph.inputs, "outputs": graph.outputs}
    return {"file": file} | {kind: tiny_bundle._listed(specs) for kind, specs in tensors.items()}
