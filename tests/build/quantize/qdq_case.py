"""Runs float graphs and those made for TensorRT of them, on ONNX Runtime, and says how far apart they are."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime

KINDS = ("MatMul", "Gemm", "Conv", "ConvTranspose")


def session_of(model):
    """A session of a graph in memory."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(model, feeds):
    """All outputs by name. Feeds get the types that the graph takes; adapters that are not fed are zeros."""
    session = session_of(model)
    fed = {}
    for value in (*session.get_inputs(), *session.get_overridable_initializers()):
        dtype = {"tensor(float16)": np.float16, "tensor(float)": np.float32}.get(value.type)
        if value.name in feeds:
            fed[value.name] = feeds[value.name].astype(dtype) if dtype else feeds[value.name]
        elif value.name.startswith("lora_") and dtype is np.float16:
            fed[value.name] = np.zeros(value.shape, dtype)
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, fed), strict=True))


def snr_db(reference, result):
    """Signal to noise of a result, over all elements."""
    reference, result = reference.astype(np.float64), result.astype(np.float64)
    assert reference.shape == result.shape
    return 10 * np.log10((reference**2).sum() / max(((reference - result) ** 2).sum(), 1e-30))


def layers_of(model):
    """Names of the nodes that multiply by constant weights."""
    weights = {t.name for t in model.graph.initializer} - {v.name for v in model.graph.input}
    return [node.name for node in model.graph.node if node.op_type in KINDS and node.input[1] in weights]


def ranges_of(model, feeds, names):
    """The largest absolute value that each of these nodes reads when the graph runs on `feeds`."""
    sources = {node.name: node.input[0] for node in model.graph.node if node.name in set(names)}
    seeing = onnx.ModelProto()
    seeing.CopyFrom(model)
    known = {value.name for value in (*model.graph.input, *model.graph.output)}
    seeing.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(set(sources.values()) - known))
    seen = run(seeing, feeds) | feeds
    return {name: float(np.abs(seen[source]).max()) for name, source in sources.items()}


def nodes_of(model, kind):
    return [node for node in model.graph.node if node.op_type == kind]


def made_by(model, tensor):
    """The node that makes a tensor."""
    return next(node for node in model.graph.node if tensor in node.output)


def weights_of(model):
    return {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
