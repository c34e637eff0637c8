"""The names of TensorRT's Python API, per version, and the strictness that they give `tests.fakes.tensorrt`.

tests/tensorrt-api/VERSION.json lists every public name of that version's module: a class with its members, or null for
a function or a value (layers left out). A name that the version lacks raises AttributeError, as the real one does; one
that it has and the fake has not raises NotImplementedError, which no `hasattr` swallows.
"""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["VERSIONS", "Dims", "Strict", "enum", "is_enum", "names", "shape_of", "text_of", "whole"]

VERSIONS = ("10.3", "10.16", "11.4")
FOLDER = Path(__file__).resolve().parent.parent / "tensorrt-api"

# Values that matter: the flag is a bit's number. Others are numbered in the list's order.
_VALUES = {
    "NetworkDefinitionCreationFlag": {"EXPLICIT_BATCH": 0, "STRONGLY_TYPED": 1},
    "DataType": dict(
        zip(("FLOAT", "HALF", "INT8", "INT32", "BOOL", "UINT8", "FP8", "BF16", "INT64", "INT4"), range(10), strict=True)
    ),
}


@functools.cache
def names(version: str) -> dict[str, list[str] | None]:
    """Every public name of the version's module, a class with its members."""
    listed: dict[str, list[str] | None] = json.loads((FOLDER / f"{version}.json").read_text(encoding="utf-8"))
    return listed


def is_enum(members: Sequence[str] | None) -> bool:
    """Whether a listed class is an enumeration."""
    return members is not None and {"name", "value"} <= set(members) and any(member.isupper() for member in members)


class EnumValue:
    """A value of an enumeration as pybind11 makes it: int() works, arithmetic does not."""

    def __init__(self, name: str, value: int) -> None:
        self.name, self.value = name, value

    def __int__(self) -> int:
        return self.value

    __index__ = __int__

    def __repr__(self) -> str:
        return f"<{type(self).__name__}.{self.name}: {self.value}>"


def enum(name: str, members: Sequence[str]) -> type[EnumValue]:
    """A class with one attribute per member."""
    kind = type(name, (EnumValue,), {"__doc__": f"tensorrt.{name}"})
    values = _VALUES.get(name, {})
    plain = [member for member in members if member not in ("name", "value", "itemsize")]
    for index, member in enumerate(plain):
        setattr(kind, member, kind(member, values.get(member, 100 + index)))
    kind.__members__ = {member: getattr(kind, member) for member in plain}  # type: ignore[attr-defined]
    return kind


class Strict:
    """A class of the module. `_fake` (the module) and `_kind` (the listed name) are set when a module is made."""

    _fake: Any
    _kind: str
    _open = False  # a class that users derive from has names of its own

    def __getattribute__(self, name: str) -> Any:
        kind = object.__getattribute__(self, "__class__")
        if not name.startswith("_") and not kind._open and name not in (names(kind._fake.version)[kind._kind] or ()):
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    def __getattr__(self, name: str) -> Any:
        """Python comes here when `__getattribute__` found nothing."""
        if name.startswith("_") or self._open:
            raise AttributeError(name)
        if name not in (names(self._fake.version)[self._kind] or ()):
            raise AttributeError(f"TensorRT {self._fake.version}: {self._kind} has no {name!r}")
        raise NotImplementedError(f"the fake of TensorRT lacks {self._kind}.{name}, which the real one has: add it")

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not self._open:
            kind = type(self)
            if name not in (names(kind._fake.version)[kind._kind] or ()):
                raise AttributeError(f"TensorRT {kind._fake.version}: {kind._kind} has no {name!r} to set")
            if not isinstance(getattr(kind, name, None), property):
                raise NotImplementedError(f"the fake of TensorRT can't set {kind._kind}.{name}: add it")
        object.__setattr__(self, name, value)


class Dims:
    """A shape: a sequence of sizes, no tuple."""

    MAX_DIMS = 8

    def __init__(self, sizes: Sequence[int] = ()) -> None:
        self._sizes = tuple(whole(size) for size in sizes)

    def __len__(self) -> int:
        return len(self._sizes)

    def __getitem__(self, index: int) -> int:
        return self._sizes[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence | Dims) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self._sizes)

    def __repr__(self) -> str:
        return str(self._sizes)


def whole(value: Any) -> int:
    """What pybind11 takes for an integer. Raises TypeError for floats, strings and None."""
    return operator.index(value)


def text_of(value: Any) -> str:
    """What pybind11 takes for a string. Raises TypeError for anything else, a Path among them."""
    if not isinstance(value, str):
        raise TypeError(f"incompatible function arguments: a string is wanted, not {type(value).__name__}")
    return value


def shape_of(value: Any) -> tuple[int, ...]:
    """What pybind11 takes for Dims: Dims, a tuple or a list of integers. Raises TypeError."""
    if not isinstance(value, tuple | list | Dims):
        raise TypeError(f"incompatible function arguments: a shape is wanted, not {type(value).__name__}")
    return tuple(whole(size) for size in value)
