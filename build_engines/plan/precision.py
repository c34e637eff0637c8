"""In which types a graph is planned: as it is stored, or as it would be in half precision or INT8."""

from __future__ import annotations

from enum import Enum

__all__ = ["Precision"]


class Precision(Enum):
    """`STORED` takes the graph's own types. `FLOAT16` makes every float32 a float16; `INT8` besides makes the weights
    of all matrix products and convolutions INT8, each product of a weight an INT8 one (attention's two stay FP16)."""

    STORED = "stored"
    FLOAT16 = "float16"
    INT8 = "int8"

    def float_bytes(self, multiplied: bool) -> int:
        """Bytes of a float32 element; `multiplied`: it belongs to a weight that is a factor of a product."""
        if self is Precision.STORED:
            return 4
        return 1 if self is Precision.INT8 and multiplied else 2
