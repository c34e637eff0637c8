"""GroupQueryAttention, which TensorRT doesn't have, written out in operators that it has.

ONNX Runtime's operator writes the new row into the cache and attends to all rows so far. Here the cache is only read:
the query meets its rows below ``seqlens_k``, and the new row beside them, which goes out alone; whoever runs the graph
writes it into the cache. Rows that are not held count for nothing, whatever finite numbers they hold.
"""

from __future__ import annotations

import math

import numpy as np
from onnx import NodeProto, TensorProto, helper

from build_engines.errors import BuildError
from build_engines.quantize.qdq_draft import Draft, attribute, node_title

__all__ = ["expand_attention"]

_KIND = "GroupQueryAttention"
# As the model's own mask has it: far below every score, and within what float16 can hold.
_MASKED = -1e4
_INPUTS = 7  # query (or all three side by side), key, value, past key, past value, seqlens_k, total_length
_KNOWN = {"num_heads", "kv_num_heads", "scale", "do_rotary", "local_window_size", "softcap", "smooth_softmax"}


def expand_attention(draft: Draft) -> None:
    """Replace every GroupQueryAttention of one row, in place. Raises BuildError: one has settings of another kind."""
    held = ""
    nodes, draft.nodes = draft.nodes, []
    for node in nodes:
        if node.op_type != _KIND:
            draft.nodes.append(node)
            continue
        heads, size = _dimensions(draft, node)
        if not held:
            held = _held(draft, node.input[3], node.input[5])
        draft.nodes += _attention(draft, node, heads, size, held)
        for name in node.output[1:3]:
            element = draft.inputs[node.input[3]].type.tensor_type.elem_type
            draft.outputs[name] = helper.make_tensor_value_info(name, element, (1, heads, 1, size))
    if held:
        draft.inputs.pop("total_length", None)


def _dimensions(draft: Draft, node: NodeProto) -> tuple[int, int]:
    """Heads and their size."""
    heads, past = attribute(node, "num_heads"), node.input[3] if len(node.input) > 3 else ""
    plain = len(node.input) == _INPUTS and bool(node.input[1]) == bool(node.input[2]) and past in draft.inputs
    usual = attribute(node, "kv_num_heads") == heads and {item.name for item in node.attribute} <= _KNOWN
    unset = not any(attribute(node, name, 0) for name in ("do_rotary", "softcap", "smooth_softmax"))
    if not (plain and usual and unset and attribute(node, "local_window_size", -1) == -1):
        raise BuildError(f"{_KIND} {node_title(node)} has settings or inputs that are not provided for on TensorRT")
    shape = draft.inputs[past].type.tensor_type.shape.dim
    return heads, shape[3].dim_value


def _held(draft: Draft, past: str, rows: str) -> str:
    """bool [1, 1, 1, N]: which rows of the buffers are held."""
    zero = draft.add("cache/zero", np.array(0, np.int64))
    one = draft.add("cache/one", np.array(1, np.int64))
    axis = draft.add("cache/axis", np.array(2, np.int64))
    draft.nodes += [
        helper.make_node("Shape", [past], ["cache/shape"], "cache/Shape"),
        helper.make_node("Gather", ["cache/shape", axis], ["cache/size"], "cache/Gather"),
        helper.make_node("Range", [zero, "cache/size", one], ["cache/index"], "cache/Range"),
        helper.make_node("Cast", [rows], ["cache/rows"], "cache/Cast", to=TensorProto.INT64),
        helper.make_node("Less", ["cache/index", "cache/rows"], ["cache/below"], "cache/Less"),
        helper.make_node(
            "Reshape", ["cache/below", draft.add("cache/square", np.array([1, 1, 1, -1]))], ["cache/held"],
            "cache/Reshape",
        ),
    ]  # fmt: skip
    return "cache/held"


def _attention(draft: Draft, node: NodeProto, heads: int, size: int, held: str) -> list[NodeProto]:
    past_key, past_value = node.input[3], node.input[4]
    out, key, value = node.output[:3]
    scale = attribute(node, "scale", 0.0) or 1 / math.sqrt(size)
    merged = draft.add(f"cache/merged_{heads}_{size}", np.array([1, 1, heads * size]))
    factor = draft.add(f"cache/scale_{size}", np.array(scale, np.float32))
    masked = draft.add("cache/masked", np.array(_MASKED, np.float32))
    first, last, end, rows = (draft.add(f"cache/{n}", np.array([v])) for n, v in (
        ("first", 0), ("last", -1), ("end", np.iinfo(np.int64).max), ("rows_axis", 3)
    ))  # fmt: skip

    def op(kind: str, inputs: list[str], *parts: str, **attributes: object) -> NodeProto:
        outputs = [part if part in node.output else f"{out}/{part}" for part in parts]
        return helper.make_node(kind, inputs, outputs, f"{node.name}/{parts[0]}/{kind}", None, None, None, **attributes)

    def made(part: str) -> str:
        return f"{out}/{part}"

    if node.input[1]:
        by_head = draft.add(f"cache/heads_{heads}_{size}", np.array([1, heads, 1, size]))
        split = [
            op("Reshape", [part, by_head], name)
            for part, name in zip(node.input[:3], ("query", key, value), strict=True)
        ]
    else:
        by_head = draft.add(f"cache/packed_{heads}_{size}", np.array([1, 3 * heads, 1, size]))
        parts = draft.add(f"cache/parts_{heads}", np.array([heads] * 3))
        split = [
            op("Reshape", [node.input[0], by_head], "packed"),
            op("Split", [made("packed"), parts], "query", key, value, axis=1),
        ]
    turned = {"perm": [0, 1, 3, 2]}
    return [
        *split,
        op("Mul", [made("query"), factor], "scaled"),
        op("Transpose", [past_key], "past_turned", **turned),
        op("MatMul", [made("scaled"), made("past_turned")], "past_scores"),
        op("Where", [held, made("past_scores"), masked], "held_scores"),
        op("Transpose", [key], "turned", **turned),
        op("MatMul", [made("scaled"), made("turned")], "own_score"),
        op("Concat", [made("held_scores"), made("own_score")], "scores", axis=3),
        op("Softmax", [made("scores")], "weights", axis=-1),
        op("Slice", [made("weights"), first, last, rows], "past_weights"),
        op("Slice", [made("weights"), last, end, rows], "own_weight"),
        op("MatMul", [made("past_weights"), past_value], "past_sum"),
        op("Mul", [made("own_weight"), value], "own_value"),
        op("Add", [made("past_sum"), made("own_value")], "sum"),
        op("Reshape", [made("sum"), merged], out),
    ]
