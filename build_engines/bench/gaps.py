"""Why a graph is not at its floor: products of each type against what they need at the least, and the rest. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from build_engines.bench.floors import Floors, operations_ms, transfer_ms

__all__ = ["FLOAT_PRODUCTS", "INTEGER_PRODUCTS", "Gap", "gaps_of"]

INTEGER_PRODUCTS = frozenset({
    "ConvInteger", "DynamicQuantizeMatMul", "MatMulInteger", "MatMulIntegerToFloat", "MatMulNBits", "QGemm",
    "QLinearConv", "QLinearMatMul",
})  # fmt: skip
FLOAT_PRODUCTS = frozenset({
    "Conv", "ConvTranspose", "FusedConv", "FusedGemm", "FusedMatMul", "Gemm", "GroupQueryAttention", "MatMul",
    "MultiHeadAttention",
})  # fmt: skip


@dataclass(frozen=True)
class Gap:
    """`ms` of a kind of operators in one run and `floor_ms` that they need at the least; `operations` and bytes (`mb`)
    are what the floor is made of."""

    kind: str
    ms: float
    floor_ms: float
    operations: float
    mb: float


def gaps_of(entry: Mapping[str, Any], floors: Floors) -> list[Gap]:
    """INT8 products, float32 products (attention over the cache among them), and what is no product.

    `entry` is a graph's profile (build_engines.bench.run): operators, operations, weights_mb, floor_bytes.
    """
    ms = {"int8": 0.0, "float32": 0.0, "other": 0.0}
    for item in entry["operators"]:
        name = item["operator"]
        kind = "int8" if name in INTEGER_PRODUCTS else "float32" if name in FLOAT_PRODUCTS else "other"
        ms[kind] += item["ms"]
    weights = entry["weights_mb"]["int8"]
    sizes = {"int8": weights, "float32": max(0.0, entry["floor_bytes"] / 1e6 - weights)}
    gaps = []
    for kind, name in (("int8", "INT8 products"), ("float32", "float32 products")):
        operations = entry["operations"].get(kind, 0)
        floor = max(transfer_ms(1e6 * sizes[kind], floors), operations_ms({kind: operations}, floors))
        gaps.append(Gap(name, ms[kind], floor, operations, sizes[kind]))
    return [*gaps, Gap("no products", ms["other"], 0.0, 0.0, 0.0)]
