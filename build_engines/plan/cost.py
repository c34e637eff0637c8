"""Products and bytes of one run of a graph, node by node.

A product is a multiplication with its addition; two operations. Only matrix products, convolutions and attention are
counted, as FLOP counters do: what is done element by element costs far less and is fused into them.

Bytes are those that no implementation can avoid, each once per run: weights, rows of the KV cache, the graph's inputs
and outputs. `activations` are what is added when every product reads its input from memory and writes its output
there; how much of that stays in caches is the engine's and the chip's affair, so it is kept apart.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx
from onnx import TensorProto

from build_engines.errors import BuildError
from build_engines.plan.precision import Precision
from build_engines.plan.shapes import Tensor

__all__ = ["Cost", "ProductKind", "count", "products_of"]

# Operators that multiply, and where their two factors stand among the inputs.
_FACTORS = {
    "MatMul": (0, 1), "Gemm": (0, 1), "Conv": (0, 1), "ConvTranspose": (0, 1), "MatMulInteger": (0, 1),
    "ConvInteger": (0, 1), "QLinearMatMul": (0, 3), "QLinearConv": (0, 3), "MatMulNBits": (0, 1),
    "GroupQueryAttention": (0, 1),
}  # fmt: skip
_INTEGER = frozenset({"MatMulInteger", "ConvInteger", "QLinearMatMul", "QLinearConv"})
# They multiply too, in ways that aren't counted here: refused rather than taken for nothing.
_UNCOUNTED = frozenset({"Einsum", "LSTM", "GRU", "RNN", "Attention", "DFT", "STFT", "DeformConv"})
_MOVES = frozenset(
    {"Cast", "Concat", "DequantizeLinear", "Expand", "Flatten", "Identity", "QuantizeLinear", "Reshape", "Slice",
     "Squeeze", "Transpose", "Unsqueeze"}
)  # fmt: skip
_VIEWS = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
_GATHERS = frozenset({"Gather", "GatherElements", "GatherND"})


@dataclass(frozen=True)
class ProductKind:
    """What multiplies: the operator and the type of its factors ("int8", "float16", "float32")."""

    operator: str
    type: str


@dataclass(frozen=True)
class Cost:
    """One run. `products` by kind; all else in bytes: `weights` read (of tables only the rows), `adapters` read,
    `cache` rows read and written, `external` inputs and outputs, `activations` between products, `stored` weights,
    `peak` of the tensors that are alive at once, without reuse in place."""

    products: Mapping[ProductKind, int]
    weights: float
    adapters: float
    cache: float
    external: float
    activations: float
    stored: float
    peak: float

    @property
    def operations(self) -> dict[str, int]:
        """Operations by type: two for each product."""
        total: Counter[str] = Counter()
        for kind, number in self.products.items():
            total[kind.type] += 2 * number
        return dict(total)

    @property
    def floor_bytes(self) -> float:
        """Bytes that must cross the memory bus whatever the engine does."""
        return self.weights + self.adapters + self.cache + self.external


def products_of(node: onnx.NodeProto, shapes: Sequence[Tensor | None], output: Tensor, context: int) -> int:
    """Products of one node, 0 where it is none of those that multiply.

    `shapes` are those of its inputs; `context` counts the rows that attention over a KV cache looks at.
    """
    if node.op_type in _UNCOUNTED:
        raise BuildError(f"{node.op_type} {node.name or node.output[0]!r}: its products aren't counted yet")
    if node.op_type not in _FACTORS:
        return 0
    first, second = (shapes[at] if at < len(shapes) else None for at in _FACTORS[node.op_type])
    if node.op_type == "GroupQueryAttention":
        return 2 * output.elements * context  # queries by keys, weights by values
    if first is None or second is None:
        return 0
    if node.op_type == "ConvTranspose":  # weights [in, out / groups, kernel]: each input is spread
        return first.elements * math.prod(second.shape[1:])
    if "Conv" in node.op_type:  # weights [out, in / groups, kernel]
        return output.elements * math.prod(second.shape[1:])
    if node.op_type == "Gemm":
        transposed = any(a.name == "transA" and a.i for a in node.attribute)
        return output.elements * first.shape[0 if transposed else 1]
    return output.elements * first.shape[-1]


def count(model: onnx.ModelProto, tensors: Mapping[str, Tensor], context: int, precision: Precision) -> Cost:
    """The cost of one run; `tensors` as `infer_shapes` gives them. Raises BuildError: a product that isn't counted."""
    return _Count(model, tensors, context, precision).cost()


class _Count:
    def __init__(
        self, model: onnx.ModelProto, tensors: Mapping[str, Tensor], context: int, precision: Precision
    ) -> None:
        self._graph, self._tensors, self._context, self._precision = model.graph, tensors, context, precision
        self._inputs = {item.name for item in self._graph.input}
        self._adapters = [name for name in self._inputs if name.startswith("lora_")]
        self._weights = {item.name for item in self._graph.initializer} - self._inputs
        self._constant = set(self._weights)  # and what is made of weights alone
        self._cached = {name for name in self._inputs if name.startswith("past_")}
        self._maker = {name: node for node in self._graph.node for name in node.output if name}
        self._multiplied = self._find_multiplied()
        self._products: Counter[ProductKind] = Counter()
        self._read: dict[str, float] = {}  # of each weight
        self._constants_bytes = 0.0
        self._activations = 0.0

    def cost(self) -> Cost:
        for node in self._graph.node:
            self._visit(node)
        stored = sum(self._bytes(name) for name in self._weights) + self._constants_bytes
        outputs = [item.name for item in self._graph.output if not _is_cache(item.name)]
        inputs = self._inputs - self._cached - set(self._adapters)
        return Cost(
            dict(self._products),
            sum(self._read.values()) + self._constants_bytes,
            sum(self._bytes(name) for name in self._adapters),
            self._cache_bytes(),
            sum(self._bytes(name) for name in [*inputs, *outputs]),
            self._activations,
            stored,
            self._peak(),
        )

    def _visit(self, node: onnx.NodeProto) -> None:
        names = [name for name in node.input if name]
        if node.op_type == "Constant":
            self._constants_bytes += self._bytes(node.output[0])
        if all(name in self._constant for name in names):
            self._constant.update(node.output)
        if names and names[0] in self._cached and node.op_type in _MOVES:
            self._cached.update(node.output)
        for at, name in enumerate(names):
            if name in self._weights:
                rows = at == 0 and node.op_type in _GATHERS
                read = self._bytes(node.output[0]) if rows else self._bytes(name)
                self._read[name] = min(max(self._read.get(name, 0.0), read), self._bytes(name))
        output = self._tensors[node.output[0]]
        shapes = [self._tensors[name] if name else None for name in node.input]
        number = products_of(node, shapes, output, self._context)
        if number:
            self._products[ProductKind(node.op_type, self._type(node))] += number
            self._activations += self._moved(node)

    def _find_multiplied(self) -> set[str]:
        """Weights that are a product's factor: those become INT8 in a quantized graph."""
        found = set()
        for node in self._graph.node:
            if node.op_type in ("MatMul", "Gemm", "Conv", "ConvTranspose") and node.input[1] in self._weights:
                found.add(node.input[1])
        return found

    def _type(self, node: onnx.NodeProto) -> str:
        """The type that the factors have when they meet."""
        if node.op_type in _INTEGER:
            return "int8"
        if node.op_type == "MatMulNBits":
            levels = {a.name: a.i for a in node.attribute}
            return "int8" if levels.get("accuracy_level") == 4 else self._float(node.input[0])
        if node.op_type in ("MatMul", "Gemm", "Conv", "ConvTranspose"):
            makers = [self._source(name) for name in node.input[:2]]
            if all(maker is not None and maker.op_type == "DequantizeLinear" for maker in makers):
                return "int8"
            if self._precision is Precision.INT8 and node.input[1] in self._multiplied:
                return "int8"
        return self._float(node.input[0])

    def _source(self, name: str) -> onnx.NodeProto | None:
        """The node that made the numbers, past what only moves them."""
        maker = self._maker.get(name)
        while maker is not None and maker.op_type in ("Transpose", *_VIEWS):
            maker = self._maker.get(maker.input[0])
        return maker

    def _float(self, name: str) -> str:
        stored = self._tensors[name].dtype == TensorProto.FLOAT
        return "float32" if stored and self._precision is Precision.STORED else "float16"

    def _moved(self, node: onnx.NodeProto) -> float:
        """Bytes of a product's inputs and output, without weights and cache."""
        quantized = self._type(node) == "int8"
        moved = self._bytes(node.output[0])
        for name in node.input:
            if not name or name in self._constant or name in self._cached or name.startswith("lora_"):
                continue
            maker = self._source(name)
            if maker is not None and maker.op_type == "DequantizeLinear":
                moved += self._bytes(maker.input[0])
            else:
                what_if = quantized and self._precision is Precision.INT8
                moved += self._tensors[name].elements if what_if else self._bytes(name)
        return moved

    def _bytes(self, name: str) -> float:
        tensor = self._tensors[name]
        if tensor.dtype == TensorProto.FLOAT:
            return tensor.elements * self._precision.float_bytes(name in self._multiplied)
        return tensor.size_bytes

    def _cache_bytes(self) -> float:
        """Rows of the KV cache that one run reads and writes."""
        attention = [node for node in self._graph.node if node.op_type == "GroupQueryAttention"]
        in_place = {name for node in attention for name in (*node.input, *node.output)}
        total = 0.0
        for item in (*self._graph.input, *self._graph.output):
            if not _is_cache(item.name):
                continue
            size = self._bytes(item.name)
            if item.name in in_place:  # a shared buffer: its rows so far are read, one is written
                rows = self._context if item.name.startswith("past_") else 1
                size *= rows / max(1, self._tensors[item.name].shape[-2])
            total += size
        return total

    def _peak(self) -> float:
        """Most bytes alive at once when the nodes run in their order; a view lives as long as what it shows."""
        nodes = self._graph.node
        shows: dict[str, str] = {}
        for node in nodes:
            if node.op_type in _VIEWS:
                shows[node.output[0]] = shows.get(node.input[0], node.input[0])
        last: dict[str, int] = {}
        for at, node in enumerate(nodes):
            last.update({shows.get(name, name): at for name in node.input if name})
        last.update({shows.get(item.name, item.name): len(nodes) for item in self._graph.output})
        dying: dict[int, list[str]] = {}
        for name, at in last.items():
            dying.setdefault(at, []).append(name)
        apart = self._constant | self._cached | set(shows) | set(self._adapters)
        alive = {name: self._bytes(name) for name in self._inputs - apart}
        peak = now = sum(alive.values())
        for at, node in enumerate(nodes):
            for name in node.output:
                if name and name not in apart and not _is_cache(name):
                    alive[name] = self._bytes(name)
                    now += alive[name]
            peak = max(peak, now)
            now -= sum(alive.pop(name, 0.0) for name in dying.get(at, ()))
        return peak


def _is_cache(name: str) -> bool:
    return name.startswith(("past_", "present_")) or name in ("keys", "values")
