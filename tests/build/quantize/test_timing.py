"""Stopwatch figures, of which nothing is asked but that they are there."""

import numpy as np

from build_engines.quantize import timing
from build_engines.quantize.layers import FloatGraph


def test_every_layer_of_every_kind_is_timed(genuine_voice, monkeypatch):
    """Linear layers, plain and transposed convolutions; layers alike are timed once."""
    timed = []
    real = timing._time
    monkeypatch.setattr(timing, "_time", lambda layer, *rest: timed.append(layer.name) or real(layer, *rest))
    graph = FloatGraph(genuine_voice / "graphs" / "latents.onnx")
    layers = list({layer.name: layer for layer in graph.layers}.values())
    assert {layer.kind for layer in layers} == {"MatMul", "Conv", "ConvTranspose"}
    found = timing.time_layers(graph, layers, {layer.name: 7.0 for layer in layers}, static=True)
    assert set(found) == {layer.name for layer in layers}
    assert all(np.isfinite(pair).all() and min(pair) > 0 for pair in found.values())
    assert found["conv_1"] == found["conv_2"]  # equal shapes
    assert len(timed) == len(layers) - 1


def test_dynamic_linear_layers(genuine_voice):
    graph = FloatGraph(genuine_voice / "graphs" / "gpt_step.onnx")
    found = timing.time_layers(graph, graph.layers[:2], {layer.name: 1.0 for layer in graph.layers}, static=False)
    assert len(found) == 2
    assert all(min(pair) > 0 for pair in found.values())
