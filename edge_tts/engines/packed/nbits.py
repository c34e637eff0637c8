"""A GPT's INT8 linears in ONNX Runtime's other form: MatMulNBits instead of DynamicQuantizeLinear and MatMulInteger.

The weights are the same integers, so a layer computes the same but for how its input is rounded: in blocks, each with a
scale of its own, instead of the whole tensor with one. Which form is faster depends on the processor and on what its
maker has given to ONNX Runtime; edge_tts.engines.packed.kernels measures it.

The operator (com.microsoft, version 1) takes W as uint8 [N, K / block, block] around 128 and scales [N · K / block];
accuracy_level 4 multiplies bytes, without it floats are multiplied, which is ten times slower.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge_tts.bundle.wire import Message
from edge_tts.engines.api import Array
from edge_tts.errors import EngineError

__all__ = ["with_nbits"]

# Field numbers of onnx.proto.
_MODEL_GRAPH, _MODEL_OPSETS = 7, 8
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_TYPE, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 3, 4, 5, 7
_TENSOR_DIMS, _TENSOR_TYPE, _TENSOR_NAME, _TENSOR_RAW, _TENSOR_EXTERNAL, _TENSOR_LOCATION = 1, 2, 8, 9, 13, 14
_FLOAT, _UINT8, _INT8 = 1, 2, 3
_DTYPES = {_FLOAT: "<f4", _INT8: "i1"}
_INT_ATTRIBUTE = 2
_ACCURACY_INT8 = 4


@dataclass(frozen=True)
class _Linear:
    """One linear as it was exported: x is rounded, multiplied with `weight` [K, N], scaled by `scale` [N] → `product`.
    `nodes` are the numbers of the nodes that are needed for this alone."""

    x: str
    weight: str
    scale: str
    product: str
    nodes: tuple[int, ...]


def with_nbits(model: bytes | Path, block: int) -> bytes | None:
    """The graph with its INT8 linears as MatMulNBits and all weights inside; None where it has none that can be.

    Raises EngineError: a weight can't be read; BundleError: it is no model; OSError.
    """
    raw, folder = (model, None) if isinstance(model, bytes) else (model.read_bytes(), model.parent)
    whole = Message(raw)
    graph = Message(whole.all(_MODEL_GRAPH)[0])
    tensors = {tensor.text(_TENSOR_NAME): tensor for tensor in map(Message, graph.all(_GRAPH_INITIALIZER))}
    for tensor in tensors.values():
        _take_inside(tensor, folder)
    nodes = [Message(node) for node in graph.all(_GRAPH_NODE)]
    overridable = {value.text(1) for value in map(Message, graph.all(_GRAPH_INPUT))}
    found = [one for one in _linears(nodes) if not {one.weight, one.scale} & overridable]
    found = [one for one in found if _fits(tensors, one, block)]
    if not found:
        return None
    made = dict[int, Message]()
    for number, one in enumerate(found):
        weight, scale = f"nbits_{number}_weight", f"nbits_{number}_scale"
        k, n = _dims(tensors[one.weight])
        integers = _array(tensors[one.weight]).reshape(k, n)
        blocks = (integers.T.astype(np.int16) + 128).astype(np.uint8).reshape(n, k // block, block)
        scales = np.repeat(_array(tensors[one.scale]).reshape(n, 1), k // block, axis=1).reshape(-1)
        tensors[weight], tensors[scale] = _tensor(weight, blocks, _UINT8), _tensor(scale, scales, _FLOAT)
        made[one.nodes[-1]] = _node(one, weight, scale, {"K": k, "N": n, "bits": 8, "block_size": block})
    gone = {index for one in found for index in one.nodes}
    kept = [made.get(index, node) for index, node in enumerate(nodes) if index not in gone or index in made]
    outputs = {value.text(1) for value in map(Message, graph.all(_GRAPH_OUTPUT))}
    kept = _without_dead(kept, outputs)
    used = {name.decode() for node in kept for name in node.all(_NODE_INPUT)} | outputs | overridable
    graph.replace(_GRAPH_NODE, [node.to_bytes() for node in kept])
    graph.replace(_GRAPH_INITIALIZER, [tensor.to_bytes() for name, tensor in tensors.items() if name in used])
    whole.replace(_MODEL_GRAPH, [graph.to_bytes()])
    if "com.microsoft" not in [opset.text(1) for opset in map(Message, whole.all(_MODEL_OPSETS))]:
        opset = Message()
        opset.replace(1, [b"com.microsoft"])
        opset.replace(2, [1])
        whole.replace(_MODEL_OPSETS, [*whole.all(_MODEL_OPSETS), opset.to_bytes()])
    return whole.to_bytes()


def _linears(nodes: Sequence[Message]) -> list[_Linear]:
    """DynamicQuantizeLinear → MatMulInteger → Cast → Mul with (its scale · the weight's scale), in this order."""
    made_by = {name.decode(): i for i, node in enumerate(nodes) for name in node.all(_NODE_OUTPUT)}
    users: dict[str, list[int]] = {}
    for i, node in enumerate(nodes):
        for name in node.all(_NODE_INPUT):
            users.setdefault(name.decode(), []).append(i)

    def only_user(name: str, kind: str) -> int | None:
        found = users.get(name, [])
        return found[0] if len(found) == 1 and nodes[found[0]].text(_NODE_TYPE) == kind else None

    linears = []
    for i, node in enumerate(nodes):
        inputs = [name.decode() for name in node.all(_NODE_INPUT)]
        if node.text(_NODE_TYPE) != "MatMulInteger" or len(inputs) != 3:
            continue
        rounding = nodes[made_by[inputs[0]]] if inputs[0] in made_by else None
        if rounding is None or rounding.text(_NODE_TYPE) != "DynamicQuantizeLinear":
            continue
        quantized, scale, zero = (name.decode() for name in rounding.all(_NODE_OUTPUT))
        cast = only_user(node.text(_NODE_OUTPUT), "Cast")
        product = only_user(nodes[cast].text(_NODE_OUTPUT), "Mul") if cast is not None else None
        if (quantized, zero) != (inputs[0], inputs[2]) or cast is None or product is None:
            continue
        factor = _other(nodes[product], nodes[cast].text(_NODE_OUTPUT))
        both = made_by.get(factor)
        if both is None or nodes[both].text(_NODE_TYPE) != "Mul" or len(users.get(factor, [])) != 1:
            continue
        if scale not in [name.decode() for name in nodes[both].all(_NODE_INPUT)]:
            continue
        weight_scale = _other(nodes[both], scale)
        x = rounding.all(_NODE_INPUT)[0].decode()
        linears.append(_Linear(x, inputs[1], weight_scale, nodes[product].text(_NODE_OUTPUT), (i, cast, both, product)))
    return linears


def _other(node: Message, name: str) -> str:
    """The input of a node of two that is not `name`."""
    return next((found.decode() for found in node.all(_NODE_INPUT) if found.decode() != name), "")


def _fits(tensors: Mapping[str, Message], one: _Linear, block: int) -> bool:
    if one.weight not in tensors or one.scale not in tensors:
        return False
    weight, scale = tensors[one.weight], tensors[one.scale]
    dims = _dims(weight)
    types = weight.integers(_TENSOR_TYPE)[0], scale.integers(_TENSOR_TYPE)[0]
    return (
        types == (_INT8, _FLOAT)
        and len(dims) == 2
        and dims[0] % block == 0
        and int(np.prod(_dims(scale), dtype=np.int64)) in (1, dims[1])
        and dims[1] == max(1, int(np.prod(_dims(scale), dtype=np.int64)))
    )


def _without_dead(nodes: list[Message], outputs: set[str]) -> list[Message]:
    """The nodes whose outputs somebody takes."""
    wanted, kept = set(outputs), list[Message]()
    for node in reversed(nodes):
        if any(name.decode() in wanted for name in node.all(_NODE_OUTPUT)):
            kept.append(node)
            wanted |= {name.decode() for name in node.all(_NODE_INPUT)}
    return kept[::-1]


def _take_inside(tensor: Message, folder: Path | None) -> None:
    """Reads an external weight into the tensor. Raises EngineError, OSError."""
    entries = {pair.text(1): pair.text(2) for pair in map(Message, tensor.all(_TENSOR_EXTERNAL))}
    if not entries:
        return
    if folder is None:
        raise EngineError("a graph without a folder has external weights")
    length = int(entries["length"])
    with (folder / entries["location"]).open("rb") as file:
        file.seek(int(entries.get("offset", "0")))
        raw = file.read(length)
    if len(raw) != length:
        raise EngineError(f"{entries['location']} is cut off")
    tensor.replace(_TENSOR_EXTERNAL, [])
    tensor.replace(_TENSOR_LOCATION, [])
    tensor.replace(_TENSOR_RAW, [raw])


def _dims(tensor: Message) -> list[int]:
    return tensor.integers(_TENSOR_DIMS)


def _array(tensor: Message) -> Array:
    """The values of a tensor that `_fits`. Raises EngineError: they are not written as raw bytes."""
    found = tensor.all(_TENSOR_RAW)
    if not found:
        raise EngineError(f"weight {tensor.text(_TENSOR_NAME)[:60]!r} is not written as bytes")
    values: Array = np.frombuffer(found[-1], np.dtype(_DTYPES[tensor.integers(_TENSOR_TYPE)[0]]))
    return values


def _tensor(name: str, values: Array, kind: int) -> Message:
    tensor = Message()
    tensor.replace(_TENSOR_DIMS, list(values.shape))
    tensor.replace(_TENSOR_TYPE, [kind])
    tensor.replace(_TENSOR_NAME, [name.encode()])
    tensor.replace(_TENSOR_RAW, [np.ascontiguousarray(values).tobytes()])
    return tensor


def _node(one: _Linear, weight: str, scale: str, integers: Mapping[str, int]) -> Message:
    attributes = []
    for name, value in {**integers, "accuracy_level": _ACCURACY_INT8}.items():
        attribute = Message()
        attribute.replace(1, [name.encode()])
        attribute.replace(3, [value])
        attribute.replace(20, [_INT_ATTRIBUTE])
        attributes.append(attribute.to_bytes())
    node = Message()
    node.replace(_NODE_INPUT, [one.x.encode(), weight.encode(), scale.encode()])
    node.replace(_NODE_OUTPUT, [one.product.encode()])
    node.replace(_NODE_NAME, [f"{one.product}/nbits".encode()])
    node.replace(_NODE_TYPE, [b"MatMulNBits"])
    node.replace(_NODE_ATTRIBUTE, attributes)
    node.replace(_NODE_DOMAIN, [b"com.microsoft"])
    return node
