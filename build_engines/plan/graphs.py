"""A bundle's graphs as the planner reads them: the one that a board would run, its inputs at stated sizes, its cost."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import TensorProto

from build_engines.errors import BuildError
from build_engines.plan.cost import Cost, count
from build_engines.plan.precision import Precision
from build_engines.plan.shapes import Tensor, infer_shapes
from edge_tts.bundle import Bundle
from edge_tts.bundle.spec import DecoderSpec, GraphEntry

__all__ = ["PlannedGraph", "load_graph"]

# Which axis of which input is which size (docs/bundle.md); `noise` differs between the two graphs that take it.
_AXES: Mapping[str, Mapping[int, str]] = {
    "phones": {1: "phones"}, "features": {1: "phones"}, "state": {1: "phones"}, "prompt": {1: "prompt"},
    "codes": {1: "tokens"}, "align": {1: "tokens"}, "z": {2: "frames"},
}  # fmt: skip
_NOISE = {3: {2: "frames"}, 2: {1: "samples"}}


class PlannedGraph:
    """One graph, not its weights. `file` names it, `entry` is the manifest's."""

    def __init__(self, model: onnx.ModelProto, entry: GraphEntry, decoder: DecoderSpec) -> None:
        self._model, self.file, self.entry, self._decoder = model, entry.file, entry, decoder

    def cost(self, sizes: Mapping[str, int], precision: Precision, rank: int) -> Cost:
        """Of one run. `sizes` are a Run's; adapters that have no fixed rank get `rank`. Raises BuildError."""
        known = dict(sizes)
        if "tokens" in known:
            known["frames"] = known["tokens"] * self._decoder.frames_per_token
        if "frames" in known:
            known["samples"] = known["frames"] * self._decoder.samples_per_frame
        try:
            inputs = {item.name: _input(item, known, rank) for item in self._model.graph.input}
            values = {"frames": np.array([known["frames"]], np.int64)} if "frames" in inputs else {}
            tensors = infer_shapes(self._model, inputs, values)
            return count(self._model, tensors, known.get("context", 0), precision)
        except BuildError as error:
            raise BuildError(f"{self.file}: {error}") from None


def load_graph(bundle: Bundle, name: str) -> PlannedGraph:
    """The bundle's graph for TensorRT, or the one that it has. Raises BundleError, BuildError: it is no ONNX model."""
    manifest = bundle.manifest
    made = {} if manifest.tensorrt is None else manifest.tensorrt.graphs
    entry = made.get(name, manifest.graphs[name])
    try:
        model = onnx.load_from_string(bundle.read(entry.file))
    except DecodeError:
        raise BuildError(f"{bundle.path / entry.file} is not an ONNX model") from None
    return PlannedGraph(model, entry, manifest.decoder)


def _input(item: onnx.ValueInfoProto, sizes: Mapping[str, int], rank: int) -> Tensor:
    kind = item.type.tensor_type
    axes = _NOISE.get(len(kind.shape.dim), {}) if item.name == "noise" else _AXES.get(item.name, {})
    if item.name.startswith("past_"):
        axes = {2: "buffer"}
    shape = []
    for axis, dim in enumerate(kind.shape.dim):
        if axis in axes:
            shape.append(sizes[axes[axis]])
        elif dim.HasField("dim_value"):
            shape.append(dim.dim_value)
        elif item.name.startswith("lora_"):
            shape.append(rank)
        else:
            raise BuildError(
                f"the size {dim.dim_param!r} of its input {item.name!r} is none that a voice's graphs have"
            )
    if kind.elem_type == TensorProto.UNDEFINED:
        raise BuildError(f"its input {item.name!r} has no type")
    return Tensor(kind.elem_type, tuple(shape))
