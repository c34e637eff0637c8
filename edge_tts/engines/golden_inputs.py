"""Inputs that any machine can make again to the last bit, for golden vectors too large to be stored.

Philox's raw words (a stream that numpy guarantees) are summed and scaled: integer arithmetic and one rounding, no
logarithm or cosine whose last bit differs between processors.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tts.bundle.spec import TensorSpec
from edge_tts.engines.api import Array

__all__ = ["Bell", "Below", "Filled", "Rule", "SizeOf", "digest", "make", "nudged", "rule_from_json", "rule_to_json"]


@dataclass(frozen=True)
class Bell:
    """Bell-shaped values with this standard deviation, at most 3.5 of them from 0; for floating-point inputs."""

    scale: float = 1.0


@dataclass(frozen=True)
class Below:
    """Integers in 0..limit - 1, evenly spread; `limit` is a number or the name of a size."""

    limit: int | str


@dataclass(frozen=True)
class Filled:
    """One integer below `limit` that says how full something is: 0 at the least shapes, limit - 1 at the greatest."""

    limit: int | str


@dataclass(frozen=True)
class SizeOf:
    """The size of that name, as a value."""

    size: str


Rule = Bell | Below | Filled | SizeOf
_KINDS: dict[str, type[Bell] | type[Below] | type[Filled] | type[SizeOf]] = {
    "bell": Bell,
    "below": Below,
    "filled": Filled,
    "size": SizeOf,
}
_VALUES = {"bell": "scale", "below": "limit", "filled": "limit", "size": "size"}
# The sum of four words of 16 bits: its mean, and its standard deviation √(4/12) · 2¹⁶.
_MEAN, _DEVIATION = 2 * 0xFFFF, 37837.2


def make(rule: Rule, name: str, spec: TensorSpec, sizes: Mapping[str, int], *, seed: int, fill: float) -> Array:
    """The input `name` at these sizes. `fill` in 0..1 is for `Filled`. Raises ValueError: rule and type don't fit."""
    shape = tuple(sizes[size] if isinstance(size, str) else size for size in spec.shape)
    dtype = np.dtype(spec.dtype)
    if isinstance(rule, Bell) != (dtype.kind == "f"):
        raise ValueError(f"input {name!r} of type {spec.dtype} can't be made by {rule}")
    count = int(np.prod(shape, dtype=np.int64))
    if isinstance(rule, Bell):
        return _bell(_words(seed, name, count), rule.scale).astype(dtype).reshape(shape)
    if isinstance(rule, SizeOf):
        return np.full(shape, sizes[rule.size], dtype)
    limit = max(1, sizes[rule.limit] if isinstance(rule.limit, str) else rule.limit)
    if isinstance(rule, Filled):
        return np.full(shape, int((limit - 1) * fill), dtype)
    drawn: Array = (_words(seed, name, count) % np.uint64(limit)).astype(dtype).reshape(shape)
    return drawn


def nudged(array: Array, name: str, seed: int) -> Array:
    """The array with every value moved by one part in 2,048 up or down: what rounding to FP16 may do. Integers stay."""
    if array.dtype.kind != "f":
        return array
    up = (_words(seed, name, array.size) & np.uint64(1)).astype(np.float32).reshape(array.shape) * 2 - 1
    moved: Array = (array.astype(np.float32) * (1 + up * np.float32(2.0**-11))).astype(array.dtype)
    return moved


def digest(inputs: Mapping[str, Array]) -> str:
    """SHA-256 of all inputs, to be sure that they were made again as they were."""
    total = hashlib.sha256()
    for name in sorted(inputs):
        total.update(f"{name} {inputs[name].dtype.str} {inputs[name].shape}\n".encode())
        total.update(np.ascontiguousarray(inputs[name]).data)
    return total.hexdigest()


def rule_to_json(rule: Rule) -> list[Any]:
    """A rule as [kind, value]."""
    kind = next(kind for kind, made in _KINDS.items() if isinstance(rule, made))
    return [kind, getattr(rule, _VALUES[kind])]


def rule_from_json(value: Any) -> Rule:
    """The other way. Raises ValueError."""
    kind, argument = value
    wanted: Any = {"bell": float, "size": str}.get(kind, int | str)
    if kind not in _KINDS or not isinstance(argument, wanted):
        raise ValueError(f"no rule: {str(value)[:60]}")
    made: Callable[[Any], Rule] = _KINDS[kind]
    return made(argument)


def _words(seed: int, name: str, count: int) -> NDArray[np.uint64]:
    """Raw words uint64 [count], a stream for every seed and name."""
    key = np.array([seed, zlib.crc32(name.encode())], dtype=np.uint64)
    return np.asarray(np.random.Philox(key=key).random_raw(count), dtype=np.uint64)


def _bell(words: NDArray[np.uint64], scale: float) -> NDArray[np.float32]:
    quarters = [((words >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.int32) for shift in (0, 16, 32, 48)]
    centred = (sum(quarters[1:], quarters[0]) - _MEAN).astype(np.float32)
    values: NDArray[np.float32] = centred * np.float32(scale / _DEVIATION)
    return values
