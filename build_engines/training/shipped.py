"""A bundle's acoustic decoder back in PyTorch: weights read out of the shipped graphs.

The exporter keeps the names of most parameters. Linear layers it transposes and names by number, but their MatMul
nodes carry the module's path. INT8 weights are multiplied by their scales again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor

from build_engines.errors import BuildError
from build_engines.export.weights import values_of
from build_engines.models.decoder import Decoder, DecoderConfig
from build_engines.quantize.restore import restore

__all__ = ["graph_weights", "shipped_decoder"]


def graph_weights(path: Path) -> dict[str, Tensor]:
    """Parameters of the module that a graph was exported from, by their names in it: float32, linears as [out, in]."""
    folder = path.parent
    graph = restore(onnx.load(str(path), load_external_data=False), folder).graph
    constants: dict[str, NDArray[np.float32]] = {t.name: values_of(t, folder) for t in graph.initializer}
    weights = {}
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in constants and node.name.endswith("/MatMul"):
            owner = node.name.removeprefix("/").removesuffix("/MatMul").replace("/", ".")
            weights[f"{owner}.weight"] = constants.pop(node.input[1]).T
    return {
        name: torch.tensor(np.ascontiguousarray(value, np.float32))
        for name, value in (constants | weights).items()
        if not name.startswith("onnx::")
    }


def shipped_decoder(bundle: Path, config: DecoderConfig | None = None) -> Decoder:
    """The decoder of a bundle, frozen. Raises BuildError: the graphs are not those of this decoder."""
    decoder = Decoder(config or DecoderConfig())
    found: dict[str, Tensor] = {}
    for name in ("latents", "vocoder"):
        found |= graph_weights(bundle / "graphs" / f"{name}.onnx")
    wanted = decoder.state_dict()
    bad = [k for k, v in wanted.items() if k not in found or found[k].shape != v.shape]
    if bad:
        raise BuildError(f"{bundle} is not a voice with this repository's own decoder: no fitting {bad[0]!r}")
    decoder.load_state_dict({name: found[name] for name in wanted})
    return decoder.requires_grad_(False).eval()
