"""A graph for TensorRT with FP32 in place of FP16: the same products and quantizers, other roundings.

How far its outputs lie from those of the graph itself is how far two right engines may lie apart, which sets the bars
that a board's engine must meet (build_engines.tensorrt.record).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, numpy_helper

from edge_tts.engines.api import Array
from edge_tts.engines.golden import Run
from edge_tts.engines.onnx import OnnxEngine

__all__ = ["widen", "widened_run"]


def widened_run(path: Path) -> Run:
    """Runs the widened graph of a file; inputs and outputs keep the graph's own types. Raises EngineError, OSError."""
    model = onnx.load(str(path))
    kinds = {value.name: value.type.tensor_type.elem_type for value in model.graph.output}
    widen(model)
    graph = OnnxEngine().load(f"{path.stem} in FP32", model.SerializeToString())

    def run(inputs: dict[str, Array]) -> dict[str, Array]:
        wide = {name: array.astype(graph.inputs[name].dtype) for name, array in inputs.items()}
        outputs = graph.run(wide)
        return {n: array.astype(onnx.helper.tensor_dtype_to_np_dtype(kinds[n])) for n, array in outputs.items()}

    return run


def widen(model: onnx.ModelProto) -> None:
    """Turns every float16 of a graph without subgraphs into float32, in place."""
    graph = model.graph
    for tensor in graph.initializer:
        _widen(tensor)
    for value in (*graph.input, *graph.output, *graph.value_info):
        if value.type.tensor_type.elem_type == TensorProto.FLOAT16:
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.TENSOR:
                _widen(attribute.t)
            elif node.op_type == "Cast" and attribute.name == "to" and attribute.i == TensorProto.FLOAT16:
                attribute.i = TensorProto.FLOAT


def _widen(tensor: TensorProto) -> None:
    if tensor.data_type == TensorProto.FLOAT16:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
