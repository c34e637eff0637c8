"""Traces one PyTorch module into one ONNX graph, the way all graphs of a bundle are made."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping, Sequence
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

    ``axes`` names the sizes that vary: tensor → axis → name. ``fold`` computes what depends on weights alone. Without
    ``weights`` every parameter becomes an input under its own name, for `build_engines.weights.fill_in`.
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
        return onnx.load(str(path))
