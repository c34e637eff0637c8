"""Traced graphs say where their weights are."""

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from build_engines.export.graph import trace
from build_engines.quantize.layers import FloatGraph
from edge_tts.engines.onnx import OnnxEngine


class Twins(nn.Module):
    """Three layers with equal weights, which the exporter stores once, and a weight given as it is."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
        for layer in self.layers[1:]:
            layer.load_state_dict(self.layers[0].state_dict())

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x, self.layers[2].bias


@pytest.mark.parametrize("fold", [True, False])
def test_equal_weights_are_read_directly(tmp_path, fold):
    module, x = Twins(), torch.randn(1, 5, 8)
    model = trace(module, (x,), ("x",), ("y", "bias"), {"x": {1: "rows"}, "y": {1: "rows"}}, fold=fold)
    onnx.checker.check_model(model)
    constants = {tensor.name for tensor in model.graph.initializer}
    outputs = {value.name for value in model.graph.output}
    aliases = [n for n in model.graph.node if n.op_type == "Identity" and n.input[0] in constants]
    assert {node.output[0] for node in aliases} <= outputs
    onnx.save(model, str(tmp_path / "twins.onnx"))
    if fold:
        assert len(FloatGraph(tmp_path / "twins.onnx").layers) == 3
    made = OnnxEngine().load("twins", tmp_path / "twins.onnx").run({"x": x.numpy()})
    with torch.no_grad():
        for name, wanted in zip(("y", "bias"), module(x), strict=True):
            np.testing.assert_allclose(made[name], wanted.numpy(), atol=1e-6)
