"""Makes INT8 graphs of float ones in a few lines, and runs both the way a voice does."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from build_engines.quantize.cpu import cpu_graph
from build_engines.quantize.layers import FloatGraph
from edge_tts.engines.onnx import OnnxEngine


def run(path, feeds):
    """All outputs by name."""
    return OnnxEngine().load(path.stem, path).run(feeds)


def ranges_of(path, feeds):
    """Least and greatest value of every tensor that a layer reads or gives."""
    graph = FloatGraph(path)
    seeing = graph.model()
    known = {value.name for value in seeing.graph.output}
    names = sorted({name for layer in graph.layers for name in (layer.source, layer.result)})
    seeing.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in known)
    seen = OnnxEngine().load("seeing", seeing.SerializeToString()).run(feeds) | feeds
    return {name: (float(seen[name].min()), float(seen[name].max())) for name in names}


def quantized(source, target, chosen=None, ranges=None):
    """Writes the graph with its layers, or the chosen ones, in INT8; returns it."""
    graph = FloatGraph(source)
    model = cpu_graph(graph, {layer.name for layer in graph.layers} if chosen is None else chosen, ranges)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))
    return model


def nodes_of(model, kind):
    return [node for node in model.graph.node if node.op_type == kind]


def snr_db(wanted, made):
    return 10 * np.log10((wanted**2).sum() / max(((wanted - made) ** 2).sum(), 1e-30))


def write_graph(path, nodes, inputs, outputs, weights):
    """A graph of nodes; inputs and outputs are float32 of a shape, weights arrays by name."""
    values = [
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in each.items()]
        for each in (inputs, outputs)
    ]
    tensors = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, path.stem, *values, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
