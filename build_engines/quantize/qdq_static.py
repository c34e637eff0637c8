"""What is known before a graph runs: sizes that don't vary, and all that is computed of them.

A traced graph asks for sizes at run time and branches on them; TensorRT would build both branches. Here such questions
are answered, and branches, copies and everything that nothing depends on go.
"""

from __future__ import annotations

import warnings

import numpy as np
from onnx import NodeProto
from onnx.reference import ReferenceEvaluator

from build_engines.quantize.qdq_draft import Array, Draft, TensorType, attribute

__all__ = ["simplify"]

# Larger results are weights: they stay computed, so that a file doesn't grow.
_MOST_ELEMENTS = 4096


def simplify(draft: Draft) -> None:
    """Fold, in place, until nothing more is known."""
    while _fold(draft):
        draft.sweep()
    draft.sweep()


def _fold(draft: Draft) -> bool:
    types = draft.types()
    nodes, draft.nodes = draft.nodes, []
    aliases: dict[str, str] = {}
    sizes: dict[str, tuple[int | str | None, ...]] = {}
    changed = False
    for node in nodes:
        for i, name in enumerate(node.input):
            node.input[i] = aliases.get(name, name)
        if node.op_type == "Identity" and node.output[0] not in draft.outputs:
            aliases[node.output[0]] = node.input[0]
            changed = True
        elif node.op_type == "If" and node.input[0] in draft.weights:
            _take_branch(draft, node, aliases)
            changed = True
        elif (values := _known(draft, node, types, sizes)) is not None:
            draft.weights.update(zip(node.output, values, strict=True))
            changed = True
        else:
            draft.nodes.append(node)
    return changed


def _take_branch(draft: Draft, node: NodeProto, aliases: dict[str, str]) -> None:
    branch = attribute(node, "then_branch" if draft.weights[node.input[0]].all() else "else_branch")
    start = len(draft.nodes)
    draft.extend(branch.node)
    names = aliases | dict(zip((value.name for value in branch.output), node.output, strict=True))
    for inner in draft.nodes[start:]:
        for fields in (inner.input, inner.output):
            for i, name in enumerate(fields):
                fields[i] = names.get(name, name)


def _known(
    draft: Draft, node: NodeProto, types: dict[str, TensorType], sizes: dict[str, tuple[int | str | None, ...]]
) -> list[Array] | None:
    """The node's results, if they don't depend on inputs."""
    if any(name in draft.outputs for name in node.output) or node.domain or not node.input:
        return None
    if node.op_type == "Shape" and not node.attribute:
        shape = types[node.input[0]].shape if node.input[0] in types else None
        if shape is None:
            return None
        sizes[node.output[0]] = shape
        return [np.array(shape, np.int64)] if all(isinstance(size, int) for size in shape) else None
    if node.op_type == "Gather" and node.input[0] in sizes and node.input[1] in draft.weights:
        index = draft.weights[node.input[1]]
        size = sizes[node.input[0]][int(index)] if index.ndim == 0 else None
        return [np.array(size, np.int64)] if isinstance(size, int) else None
    if not all(name in draft.weights for name in node.input if name):
        return None
    feeds = {name: draft.weights[name] for name in node.input if name}
    if sum(array.size for array in feeds.values()) > _MOST_ELEMENTS or _is_nested(node):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = ReferenceEvaluator(node, {"": draft.opset})
        results = [np.asarray(result) for result in evaluator.run(None, feeds)]
    return results if all(result.size <= _MOST_ELEMENTS for result in results) else None


def _is_nested(node: NodeProto) -> bool:
    return any(item.HasField("g") for item in node.attribute)
