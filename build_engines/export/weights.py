"""Weights of exported graphs: put in place, turned the way ONNX multiplies, and shared between graphs through one file.

`build_engines.export.graph.trace` leaves a graph's parameters as inputs, so that a large model is never copied into a
protobuf message. `fill_in` makes initializers of them, inside the graph or in a `WeightFile` beside it, which knows
what it holds by content: what two graphs have in common is stored once.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import Tensor

__all__ = ["WeightFile", "fill_in", "move_out", "values_of"]

# Processors read whole cache lines, and engines may map the file into memory.
_ALIGNMENT_BYTES = 64
# What is smaller stays in the graph: shapes and indices that an engine wants to see when it loads.
_SMALL_BYTES = 1024
# A Gemm that is nothing but x @ W.T + b; the exporter leaves out what has its default.
_PLAIN_GEMM = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}


class WeightFile:
    """External data of the graphs in the same folder; a context manager that writes the file from its beginning."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._places: dict[bytes, tuple[int, int]] = {}

    def __enter__(self) -> WeightFile:
        self._file = self._path.open("wb")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def initializer(self, name: str, array: NDArray[Any]) -> TensorProto:
        """An initializer that refers to the array's bytes in the file, where they are written unless they are there."""
        offset, length = self._store(array.tobytes())
        tensor = TensorProto(name=name, dims=array.shape, data_type=helper.np_dtype_to_tensor_dtype(array.dtype))
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", self._path.name), ("offset", offset), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        return tensor

    def _store(self, raw: bytes) -> tuple[int, int]:
        digest = hashlib.sha256(raw).digest()
        if digest not in self._places:
            self._file.write(bytes(-self._file.tell() % _ALIGNMENT_BYTES))
            self._places[digest] = self._file.tell(), len(raw)
            self._file.write(raw)
        return self._places[digest]


def fill_in(model: onnx.ModelProto, weights: Mapping[str, Tensor], prefix: str, file: WeightFile | None = None) -> None:
    """Makes initializers of the inputs that are named ``prefix`` and like ``weights``; values go into ``file``, if any.

    The initializers' names are those of ``weights``, also where the exporter has merged equal ones. A weight that is
    only used turned over, as the exporter writes a linear layer, is stored turned over and its Transpose goes.
    """
    graph = model.graph
    _rename(graph, {f"{prefix}{name}": name for name in weights})
    _drop(graph, set(weights))  # an Identity gives a weight's name to one that is equal to it
    _split_products(graph)
    turned = _drop_transposes(graph, weights)
    used = {name for node in graph.node for name in node.input}
    inputs = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    for name, weight in weights.items():
        if name in used:
            array = weight.detach().numpy()
            array = array.T if name in turned else array
            make = file.initializer if file else _inside
            graph.initializer.append(make(name, array))


def values_of(tensor: TensorProto, folder: Path) -> NDArray[Any]:
    """An initializer's values; of one that lies in a file of ``folder`` they are read there.

    onnx's own reader refuses a file with several hard links, which is how copies of a bundle share their weights.
    """
    if tensor.data_location != TensorProto.EXTERNAL:
        return np.asarray(numpy_helper.to_array(tensor))
    place = {entry.key: entry.value for entry in tensor.external_data}
    dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    count = math.prod(tensor.dims)
    offset = int(place.get("offset", 0))
    values = np.fromfile(folder / place["location"], dtype, count, offset=offset)
    return values.reshape(tuple(tensor.dims))


def move_out(model: onnx.ModelProto, file: WeightFile, folder: Path) -> None:
    """Moves the weights of a graph, inside it or in files of ``folder``, into ``file``; small ones into the graph."""
    for i, tensor in enumerate(model.graph.initializer):
        array = values_of(tensor, folder)
        if array.nbytes >= _SMALL_BYTES:
            model.graph.initializer[i].CopyFrom(file.initializer(tensor.name, array))
        elif tensor.data_location == TensorProto.EXTERNAL:
            model.graph.initializer[i].CopyFrom(_inside(tensor.name, array))


def _inside(name: str, array: NDArray[Any]) -> TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(array), name)


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    for value in graph.input:
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        for fields in (node.input, node.output):
            for i, name in enumerate(fields):
                fields[i] = names.get(name, name)


def _drop(graph: onnx.GraphProto, outputs: set[str]) -> None:
    """Removes the nodes that make these."""
    kept = [node for node in graph.node if node.output[0] not in outputs]
    del graph.node[:]
    graph.node.extend(kept)


def _split_products(graph: onnx.GraphProto) -> None:
    """Writes a linear layer of a matrix, which the exporter makes a Gemm, as it writes those of more dimensions.

    So a weight has one orientation in all graphs. Engines put it together again.
    """
    nodes: list[NodeProto] = []
    for node in graph.node:
        given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
        plain = node.op_type == "Gemm" and {**_PLAIN_GEMM, "transB": 0, **given} == _PLAIN_GEMM
        if not plain or len(node.input) != 3:
            nodes.append(node)
            continue
        (x, weight, bias), (y,) = node.input, node.output
        turned, product = f"{y}/turned", f"{y}/product"
        nodes.append(helper.make_node("Transpose", [weight], [turned], f"{node.name}/Transpose", perm=[1, 0]))
        nodes.append(helper.make_node("MatMul", [x, turned], [product], f"{node.name}/MatMul"))
        nodes.append(helper.make_node("Add", [product, bias], [y], f"{node.name}/Add"))
    del graph.node[:]
    graph.node.extend(nodes)


def _drop_transposes(graph: onnx.GraphProto, weights: Mapping[str, Tensor]) -> set[str]:
    """Removes the Transpose nodes of matrices that nothing reads but those; returns the matrices' names."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            if name in weights and weights[name].ndim == 2:
                readers.setdefault(name, []).append(node)
    turned = {name for name, nodes in readers.items() if all(node.op_type == "Transpose" for node in nodes)}
    sources = {node.output[0]: name for name in turned for node in readers[name]}
    _drop(graph, set(sources))
    _rename(graph, sources)
    return turned
