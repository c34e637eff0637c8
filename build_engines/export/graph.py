"""Traces one PyTorch module into one ONNX graph, the way all graphs of a bundle are made."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

__all__ = ["trace"]

_OPSET = 17


def trace(
    module: nn.Module, example: tuple[Tensor, ...], inputs: Sequence[str], outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]], fold: bool = True, weights: bool = True,
) -> onnx.ModelProto:  # fmt: skip
    """The graph that ``module`` computes on ``example``.

    ``axes`` names the sizes that vary: tensor → axis → name. ``fold`` computes what depends on weights alone. With
    ``weights`` they are initializers, which the nodes read directly. Without, every parameter becomes an input under
    its own name, for `build_engines.export.weights.fill_in`.
    """
    module.eval()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "graph.onnx"
        torch.onnx.export(
            module, example, str(path), input_names=list(inputs), output_names=list(outputs),
            dynamic_axes={k: dict(v) for k, v in axes.items()}, opset_version=_OPSET, dynamo=False,
            do_constant_folding=fold and weights, export_params=weights,
        )  # fmt: skip
        model = onnx.load(str(path))
    _state_batch(model, {name for sizes in axes.values() for name in sizes.values()})
    if weights:
        _read_directly(model.graph)
    return model


def _state_batch(model: onnx.ModelProto, known: Collection[str]) -> None:
    """Where the exporter has lost sight of an output's first size and made up a name, it is the batch: 1."""
    for output in model.graph.output:
        first = output.type.tensor_type.shape.dim[0]
        if first.dim_param and first.dim_param not in known:
            first.dim_value = 1


def _read_directly(graph: onnx.GraphProto) -> None:
    """The exporter keeps equal tensors once and reaches the others through Identity: whoever looks for weights (a
    quantizer) would not see those."""
    constants = {tensor.name for tensor in graph.initializer}
    outputs = {value.name for value in graph.output}
    names: dict[str, str] = {}
    kept = []
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        if node.op_type == "Identity" and node.input[0] in constants and node.output[0] not in outputs:
            names[node.output[0]] = node.input[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
