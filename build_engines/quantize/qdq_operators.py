"""What TensorRT can read: its operators, and graphs written for ONNX's opset 19."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import NodeProto, TensorProto, helper

from build_engines.errors import BuildError
from build_engines.quantize.qdq_draft import Draft, attribute, node_title

__all__ = ["OPSET", "check_operators", "check_types", "to_opset"]

OPSET = 19
"""The first in which quantizers take float16; TensorRT 10 reads up to 20."""

_OLDEST, _NEWEST = 13, 19

# Of docs/operators.md in https://github.com/onnx/onnx-tensorrt at 10.1: 10.3 and later read these and more. Left out
# are those that make random numbers, sequences or loops, and those of other domains.
_SUPPORTED = frozenset(
    """
    Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization Cast Ceil Celu Clip Concat
    ConstantOfShape Conv ConvTranspose Cos Cosh CumSum DepthToSpace DequantizeLinear Div Einsum Elu Equal Erf Exp Expand
    EyeLike Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalMaxPool Greater
    GreaterOrEqual GridSample GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization IsInf IsNaN
    LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max MaxPool Mean Min Mish Mod Mul Neg Not
    OneHot Or Pad Pow PRelu QuantizeLinear Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax
    ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round ScatterElements ScatterND Selu
    Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan
    Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where Xor
""".split()
)

_NO_TYPES: dict[int, str] = {
    TensorProto.DOUBLE: "float64",
    TensorProto.STRING: "strings",
    TensorProto.COMPLEX64: "complex numbers",
    TensorProto.COMPLEX128: "complex numbers",
}
_INTEGERS = (TensorProto.INT64, TensorProto.INT32)
# Reductions that took their axes as an attribute before opset 18.
_REDUCTIONS = frozenset(
    f"Reduce{kind}" for kind in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare")
)


def check_operators(draft: Draft, branches: bool = False) -> None:
    """Raises BuildError: TensorRT lacks an operator; the message says which node of which module it is.

    `branches`: If may stand for what is known before the graph runs (build_engines.quantize.qdq_static).
    """
    for node in draft.nodes:
        known = node.op_type in _SUPPORTED or (branches and node.op_type == "If")
        if node.domain not in ("", "ai.onnx") or not known:
            kind = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            raise BuildError(f"graph {draft.name!r}: TensorRT has no operator {kind}, of node {node_title(node)}")


def check_types(draft: Draft) -> None:
    """Raises BuildError: TensorRT lacks a tensor's type, or would take a narrower one without a word."""
    types = draft.types()
    for node in draft.nodes:
        for name in (*node.input, *node.output):
            element = types[name].element if name in types else TensorProto.UNDEFINED
            if element in _NO_TYPES:
                raise BuildError(
                    f"graph {draft.name!r}: TensorRT has no {_NO_TYPES[element]}, at {node.op_type} {node_title(node)}"
                )


def _bounded(node: NodeProto) -> list[NodeProto]:
    """Clip as Max and Min: up to 10.1 at least, TensorRT's parser documents Clip for floats only."""
    bounds = [(kind, bound) for kind, bound in zip(("Max", "Min"), node.input[1:], strict=False) if bound]
    made, value = [], node.input[0]
    for number, (kind, bound) in enumerate(bounds, 1):
        result = node.output[0] if number == len(bounds) else f"{node.output[0]}/{kind}"
        made.append(helper.make_node(kind, [value, bound], [result], f"{node.name}/{kind}"))
        value = result
    return made or [helper.make_node("Identity", [value], node.output, node.name)]


def to_opset(draft: Draft) -> None:
    """Rewrite the nodes for `OPSET`, in place. Raises BuildError: the graph is written for an opset out of reach."""
    if not _OLDEST <= draft.opset <= _NEWEST:
        raise BuildError(f"graph {draft.name!r} is written for ONNX's opset {draft.opset}: 13 to 19 can be converted")

    types = draft.types()

    def change(node: NodeProto) -> Iterator[NodeProto]:
        if node.op_type == "Clip" and types[node.input[0]].element in _INTEGERS:
            yield from _bounded(node)
            return
        if node.op_type in _REDUCTIONS and draft.opset < 18 and (axes := attribute(node, "axes")) is not None:
            rest = {item.name: helper.get_attribute_value(item) for item in node.attribute if item.name != "axes"}
            listed = draft.add(f"{node.output[0]}/axes", np.array(axes, np.int64))
            yield helper.make_node(node.op_type, [node.input[0], listed], node.output, node.name, **rest)
            return
        if node.op_type == "Split" and draft.opset < 18 and (len(node.input) < 2 or not node.input[1]):
            node.attribute.append(helper.make_attribute("num_outputs", len(node.output)))
        yield node

    draft.rewrite(change)
    draft.opset = OPSET
