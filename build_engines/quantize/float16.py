"""A float32 graph → float16, with islands of float32 where half the bits are not enough.

A node's type follows from what it is. Products and convolutions are float16. Sines, logarithms, roots, sums and
normalizations are float32, and so are numbers made of integers: a position of 1000 times a rate is an angle, of which
float16 would leave one digit. Everything else takes the type of what it is given, the wider one where they differ: a
residual is added in float32 since it comes from a normalization. Casts stand where types meet.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from build_engines.errors import BuildError
from build_engines.quantize.qdq_draft import Array, Draft, attribute, node_title

__all__ = ["to_float16"]

_HALF, _SINGLE = TensorProto.FLOAT16, TensorProto.FLOAT
_SUFFIX: dict[int, str] = {_HALF: "half", _SINGLE: "single"}
_PRODUCTS = frozenset(("MatMul", "Gemm", "Conv", "ConvTranspose", "QuantizeLinear", "DequantizeLinear"))
_WIDE = frozenset(
    """
    Cos CumSum Erf Exp GroupNormalization InstanceNormalization LayerNormalization Log LogSoftmax Pow Range Reciprocal
    ReduceL2 ReduceMean ReduceSum ReduceSumSquare Resize Sin Softmax Softplus Sqrt Tan
""".split()
)
_LARGEST = float(np.finfo(np.float16).max)


def to_float16(draft: Draft, half: Collection[str]) -> None:
    """Convert in place. Inputs and outputs named in `half` become float16, the others keep their type.

    Raises BuildError: the type of a node can't be told.
    """
    _Conversion(draft, half).run()


class _Conversion:
    def __init__(self, draft: Draft, half: Collection[str]) -> None:
        self._draft, self._half = draft, half
        self._declared = {name: tensor.element for name, tensor in draft.types().items()}
        self._floats = {name: array for name, array in draft.weights.items() if array.dtype == np.float32}
        self._now: dict[str, int] = {}  # float tensors: the type that they have by now
        self._casts: set[str] = set()
        self._nodes: list[NodeProto] = []

    def run(self) -> None:
        draft = self._draft
        for name, value in (*draft.inputs.items(), *draft.outputs.items()):
            if name in self._half:
                value.type.tensor_type.elem_type = _HALF
        for name, value in draft.inputs.items():
            if value.type.tensor_type.elem_type in _SUFFIX:
                self._now[name] = value.type.tensor_type.elem_type
        for node in draft.nodes:
            self._convert(node)
        self._finish()
        draft.nodes = self._nodes
        draft.sweep()

    def _convert(self, node: NodeProto) -> None:
        for name in node.output:
            if name and name not in self._declared:
                raise BuildError(f"the types of {node.op_type} {node_title(node)} can't be told")
        wanted = self._wanted(node)
        for i, name in enumerate(node.input):
            if name in self._floats:
                node.input[i] = self._constant(name, wanted)
            elif name in self._now:
                node.input[i] = self._cast(name, wanted)
        if node.op_type == "Cast" and attribute(node, "to") == _SINGLE:
            _set(node, "to", wanted)
        if node.op_type == "ConstantOfShape" and self._declared[node.output[0]] == _SINGLE:
            given = attribute(node, "value")
            value = numpy_helper.to_array(given) if given is not None else np.zeros(1, np.float32)
            _set(node, "value", helper.make_tensor("value", wanted, [1], value))
        for name in node.output:
            if self._declared.get(name) == _SINGLE:
                self._now[name] = wanted
        self._nodes.append(node)

    def _wanted(self, node: NodeProto) -> int:
        if node.op_type in _PRODUCTS:
            return _HALF
        if node.op_type in _WIDE:
            return _SINGLE
        if node.op_type == "Cast" and attribute(node, "to") == _SINGLE:
            source = self._declared.get(node.input[0])
            return _HALF if source == TensorProto.BOOL else self._now.get(node.input[0], _SINGLE)
        given = [self._now[name] for name in node.input if name in self._now]
        return _SINGLE if _SINGLE in given else _HALF

    def _constant(self, name: str, wanted: int) -> str:
        if wanted == _SINGLE:
            return name
        clipped: Array = np.clip(self._floats[name], -_LARGEST, _LARGEST)
        return self._draft.add(f"{name}/half", clipped.astype(np.float16))

    def _cast(self, name: str, wanted: int) -> str:
        if self._now[name] == wanted:
            return name
        made = f"{name}/{_SUFFIX[wanted]}"
        if made not in self._casts:
            self._casts.add(made)
            self._nodes.append(helper.make_node("Cast", [name], [made], f"{made}/Cast", to=wanted))
        return made

    def _finish(self) -> None:
        """Give the outputs the types that they are declared with."""
        made: dict[str, str] = {}
        last: list[NodeProto] = []
        for name, value in self._draft.outputs.items():
            wanted = value.type.tensor_type.elem_type
            if name in self._now and self._now[name] != wanted:
                made[name] = f"{name}/{_SUFFIX[self._now[name]]}"
                last.append(helper.make_node("Cast", [made[name]], [name], f"{name}/Cast", to=wanted))
        for node in self._nodes:
            for fields in (node.input, node.output):
                for i, name in enumerate(fields):
                    fields[i] = made.get(name, name)
        self._nodes += last


def _set(node: NodeProto, name: str, value: object) -> None:
    kept = [item for item in node.attribute if item.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])
