"""Float graphs → INT8 graphs for ONNX Runtime on a CPU: symmetric, per channel, linears only.

Two kinds. *Dynamic*: activations too become INT8, with a scale taken from each call's whole input; fastest, right for
the GPT. *Weights only*: activations stay float, so a row's result doesn't depend on the rows beside it; this is what
the latents need, or a window of the stream would differ from the whole utterance.

Dynamic INT8 stores its symmetric weights shifted into unsigned bytes (zero point 128). The numbers are the same, but
x86 processors without VNNI add pairs of products of unsigned and signed bytes in 16 bits, which overflow: there, signed
weights cost the default voice's logits all but 23 dB (measured with AVX2; unsigned ones are exact there).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]

__all__ = ["linear_names", "quantize_linears", "quantize_weights", "shift_to_unsigned"]


def linear_names(graph: Path) -> list[str]:
    """Names of the MatMul and Gemm nodes that multiply by constant weights."""
    return _linears(_without_identities(onnx.load(str(graph))))


def _linears(model_proto: onnx.ModelProto) -> list[str]:
    model = model_proto.graph
    constants = {t.name for t in model.initializer}
    return [n.name for n in model.node if n.op_type in ("MatMul", "Gemm") and n.input[1] in constants]


def _without_identities(model: onnx.ModelProto) -> onnx.ModelProto:
    """Read initializers directly: the exporter reaches equal tensors through Identity, which hides weights."""
    constants = {t.name for t in model.graph.initializer}
    outputs = {value.name for value in model.graph.output}
    names: dict[str, str] = {}
    for node in model.graph.node:
        source = names.get(node.input[0], node.input[0]) if node.op_type == "Identity" else ""
        if source in constants and node.output[0] not in outputs:
            names[node.output[0]] = source
    kept = [node for node in model.graph.node if not (node.op_type == "Identity" and node.output[0] in names)]
    for node in kept:
        for i, name in enumerate(node.input):
            node.input[i] = names.get(name, name)
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """The quantizer advises, on the root logger, a preprocessing that our graphs don't need."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)


def quantize_linears(source: Path, target: Path, keep_float: Collection[str] = ()) -> None:
    """Quantize every linear layer's weights to INT8, except the nodes named in ``keep_float``."""
    model = _without_identities(onnx.load(str(source)))
    chosen = [name for name in _linears(model) if name not in keep_float]
    if not chosen:  # the quantizer takes an empty list for all nodes
        onnx.save(model, str(target))
        return
    with _quiet():
        quantize_dynamic(
            model,
            str(target),
            op_types_to_quantize=["MatMul", "Gemm"],
            nodes_to_quantize=chosen,
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT, "MatMulConstBOnly": True},
        )
    quantized = onnx.load(str(target))
    shift_to_unsigned(quantized)
    onnx.save(quantized, str(target))


def shift_to_unsigned(model: onnx.ModelProto) -> None:
    """Turn the int8 weights and zero points of every MatMulInteger into uint8, 128 higher: the same products."""
    products = [node for node in model.graph.node if node.op_type == "MatMulInteger"]
    names = {name for node in products for name in (node.input[1], node.input[3])}
    for tensor in model.graph.initializer:
        if tensor.name in names and tensor.data_type == onnx.TensorProto.INT8:
            shifted = (numpy_helper.to_array(tensor).astype(np.int16) + 128).astype(np.uint8)
            tensor.CopyFrom(numpy_helper.from_array(shifted, tensor.name))


def quantize_weights(source: Path, target: Path) -> None:
    """Store every linear layer's weights as INT8 with a scale per output; the arithmetic stays float."""
    model = _without_identities(onnx.load(str(source)))
    graph = model.graph
    weights = {t.name: t for t in graph.initializer}
    chosen = {n.input[1] for n in graph.node if n.op_type == "MatMul" and n.input[1] in weights}
    decoders = []
    for name in sorted(chosen):
        weight = numpy_helper.to_array(weights[name])
        scale = np.maximum(np.abs(weight).max(axis=0), 1e-12).astype(np.float32) / 127
        packed = np.clip(np.round(weight / scale), -127, 127).astype(np.int8)
        graph.initializer.remove(weights[name])
        graph.initializer.append(numpy_helper.from_array(packed, f"{name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
        decoders.append(helper.make_node("DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [name], axis=1))
    nodes = [*decoders, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))
