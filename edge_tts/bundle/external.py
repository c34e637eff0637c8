"""Which external data files does an ONNX model name? Read straight from the protobuf wire format.

A graph may keep its weights in files beside it; those names come from inside the model, so they are listed before an
engine opens any of them. Only the fields on the way are entered, everything else is stepped over by its length, so a
20 MB model takes a few milliseconds. Field numbers are those of onnx.proto (IR version 3 and later).
"""

from __future__ import annotations

from collections.abc import Iterator

from edge_tts.bundle.wire import fields
from edge_tts.errors import BundleError

__all__ = ["CHILDREN", "external_files"]

# Where a message of each kind holds further messages that lead to tensors, or the tensor's external_data entries.
CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function", 20: "training"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_MAX_DEPTH = 64


def external_files(model: bytes) -> set[str]:
    """Names of the external data files, relative to the model's folder. Raises BundleError: not a protobuf."""
    return set(_locations(memoryview(model), "model", 0))


def _locations(message: memoryview, kind: str, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise BundleError("the graph is nested too deep")
    children = CHILDREN[kind]
    for number, _, payload in fields(message):
        child = children.get(number)
        if child is None or isinstance(payload, int):
            continue
        if child == "entry":
            pair = {n: bytes(p) for n, _, p in fields(payload) if not isinstance(p, int)}
            if pair.get(1) == b"location":
                yield pair.get(2, b"").decode("utf-8", "replace")
        else:
            yield from _locations(payload, child, depth + 1)
