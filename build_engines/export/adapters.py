"""Room for LoRA: gives every linear layer of a GPT graph two more inputs, x @ W + b + (x @ A) @ B.

The inputs ``lora_A.<target>`` [in, rank] and ``lora_B.<target>`` [rank, out] are initializers that a caller may
override (ONNX IR 4). Their default has rank 0, so a graph that is fed none computes what it did before, to the bit.
Scaling is part of B. A target is the path of the linear layer's module, which the name of its weight tells.

Adapters are added to float graphs. Where a layer becomes INT8 afterwards (`build_engines.quantize`), its delta stays
float: it goes on reading the activation before its quantizer, and is added after the product's scaling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import onnx
from onnx import NodeProto, TensorProto, helper

from build_engines.errors import BuildError

__all__ = ["MAX_RANK", "add_adapters"]

MAX_RANK = 64
"""The greatest rank that a bundle's manifest promises to take."""

_DEFAULT_RANK = 0


@dataclass(frozen=True)
class _Linear:
    """One use of a linear layer: the float activation that it reads, the node whose first output is its result."""

    target: str
    size: tuple[int, int]
    source: str
    last: NodeProto


def add_adapters(model: onnx.ModelProto) -> list[str]:
    """Adds the inputs to all linear layers, in place; returns their targets in the order of the graph.

    Raises BuildError: a layer's weight is not named after its parameter, or the graph has adapters already.
    """
    graph = model.graph
    if any(value.name.startswith("lora_") for value in graph.input):
        raise BuildError(f"graph {graph.name!r} has adapters already")
    linears = _linears(graph)
    targets = {linear.target: linear.size for linear in linears}
    for target, (rows, columns) in targets.items():
        rank = f"rank.{target}"  # each its own: an engine may reuse memory among sizes of the same name
        _add_input(graph, f"lora_A.{target}", (rows, _DEFAULT_RANK), (rows, rank))
        _add_input(graph, f"lora_B.{target}", (_DEFAULT_RANK, columns), (rank, columns))
    by_output = {linear.last.output[0]: linear for linear in linears}
    nodes: list[NodeProto] = []
    for node in graph.node:
        linear = by_output.get(node.output[0])
        nodes += [node] if linear is None else _with_delta(linear, node)
    del graph.node[:]
    graph.node.extend(nodes)
    return list(targets)


def _with_delta(linear: _Linear, last: NodeProto) -> list[NodeProto]:
    """The layer's last node with the delta added to its result, which keeps its name."""
    result = last.output[0]
    base, low, delta = (f"{result}/{part}" for part in ("base", "low_rank", "delta"))
    last.output[0] = base
    return [
        last,
        helper.make_node("MatMul", [linear.source, f"lora_A.{linear.target}"], [low], f"{low}/MatMul"),
        helper.make_node("MatMul", [low, f"lora_B.{linear.target}"], [delta], f"{delta}/MatMul"),
        helper.make_node("Add", [base, delta], [result], f"{delta}/Add"),
    ]


def _linears(graph: onnx.GraphProto) -> list[_Linear]:
    weights = {tensor.name: tensor for tensor in graph.initializer}
    readers: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    found = []
    for node in graph.node:
        if node.op_type != "MatMul" or node.input[1] not in weights:
            continue
        weight = weights[node.input[1]]
        rows, columns = weight.dims
        last = _bias(node, readers, weights) or node
        found.append(_Linear(_target(weight.name, graph.name), (rows, columns), node.input[0], last))
    return found


def _bias(
    node: NodeProto, readers: Mapping[str, list[NodeProto]], weights: Mapping[str, TensorProto]
) -> NodeProto | None:
    """The Add of the layer's bias: behind it, an engine still finds product and bias side by side and fuses them."""
    following = readers.get(node.output[0], [])
    if len(following) == 1 and following[0].op_type == "Add" and any(name in weights for name in following[0].input):
        return following[0]
    return None


def _target(weight: str, graph: str) -> str:
    """Module path of a parameter: ``a.weight`` belongs to ``a``, ``a.in_proj_weight`` to ``a.in_proj``."""
    for suffix in (".weight", "_weight"):
        if weight.endswith(suffix) and "::" not in weight:
            return weight.removesuffix(suffix)
    raise BuildError(f"graph {graph!r} has a linear layer whose weight {weight!r} is not named after its parameter")


def _add_input(graph: onnx.GraphProto, name: str, default: tuple[int, int], shape: tuple[int | str, int | str]) -> None:
    graph.initializer.append(helper.make_tensor(name, TensorProto.FLOAT, default, []))
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
