"""Strict reading of a JSON tree: every value is taken by key and type, and a wrong one is named with its path.

Nothing here knows about bundles. Unknown keys are let pass, since later format versions add some.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from edge_tts.errors import BundleError

__all__ = ["Fields", "parse_object"]

_NAMES: dict[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    dict: "an object",
    list: "a list",
}


def parse_object(raw: bytes, what: str) -> Fields:
    """JSON bytes → the root object. Raises BundleError (not UTF-8, not JSON, nested too deep, not an object)."""
    try:
        tree = json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise BundleError(f"{what} is not UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise BundleError(f"{what} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (RecursionError, ValueError):  # nested thousands deep, or an integer of thousands of digits
        raise BundleError(f"{what} is not JSON that a manifest can hold") from None
    if not isinstance(tree, dict):
        raise BundleError(f"{what} must hold a JSON object, not {_describe(tree)}")
    return Fields(tree, what, "")


class Fields:
    """One JSON object, with the path by which messages call it."""

    def __init__(self, tree: dict[str, Any], what: str, path: str) -> None:
        self._tree, self._what, self._path = tree, what, path

    def _name(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def fail(self, key: str, reason: str) -> BundleError:
        """The error to raise about `key`."""
        name = self._name(key)
        shown = name if len(name) <= 120 else name[:117] + "..."
        return BundleError(f"{self._what}: {shown!r} {reason}")

    def _take(self, key: str, kind: type) -> Any:
        if key not in self._tree:
            raise self.fail(key, "is missing")
        value = self._tree[key]
        # bool is an int in Python, and an int is a fine float in JSON; neither rule is JSON's own.
        right = isinstance(value, kind) and not (kind in (int, float) and isinstance(value, bool))
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value, right = float(value), True
        if not right:
            raise self.fail(key, f"must be {_NAMES[kind]}, not {_describe(value)}")
        return value

    def text(self, key: str) -> str:
        """A non-empty string of at most 4,096 characters."""
        value: str = self._take(key, str)
        if not 0 < len(value) <= 4096:
            raise self.fail(key, f"must have 1 to 4096 characters, not {len(value)}")
        return value

    def integer(self, key: str, least: int, most: int) -> int:
        """An integer in [least, most]."""
        value: int = self._take(key, int)
        if not least <= value <= most:
            raise self.fail(key, f"must lie in {least}..{most}, not {_describe(value)}")
        return value

    def optional_integer(self, key: str, least: int, most: int) -> int | None:
        """An integer in [least, most], or None where the key holds null."""
        return None if self._tree.get(key, 0) is None else self.integer(key, least, most)

    def optional_text(self, key: str) -> str | None:
        """A string as `text`, or None where the key holds null."""
        return None if self._tree.get(key, "") is None else self.text(key)

    def number(self, key: str, least: float, most: float) -> float:
        """A finite number in [least, most]."""
        value: float = self._take(key, float)
        if not least <= value <= most:  # NaN fails this too
            raise self.fail(key, f"must lie in {least:g}..{most:g}, not {value:g}")
        return value

    def object(self, key: str) -> Fields:
        """A nested object."""
        return Fields(self._take(key, dict), self._what, self._name(key))

    def flag(self, key: str, default: bool) -> bool:
        """true or false; `default` where the key is absent."""
        return bool(self._take(key, bool)) if key in self else default

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        value: list[Any] = self._take(key, list)
        if not all(isinstance(item, str) for item in value):
            raise self.fail(key, "must be a list of strings")
        return tuple(value)

    def dimensions(self, key: str) -> tuple[int | str, ...]:
        """A tensor's shape: sizes, and names for sizes that vary."""
        value: list[Any] = self._take(key, list)
        if len(value) > 8 or not all(_is_dimension(item) for item in value):
            raise self.fail(key, "must be a list of at most 8 sizes (integers ≥ 0) or names of sizes")
        return tuple(value)

    def bounds(self, key: str, least: int, most: int) -> tuple[int, int, int]:
        """Three integers in [least, most] that do not fall."""
        value: list[Any] = self._take(key, list)
        if len(value) != 3 or not all(_is_size(item) for item in value) or value != sorted(value):
            raise self.fail(key, "must be three sizes that do not fall")
        if not least <= value[0] <= value[2] <= most:
            raise self.fail(key, f"must lie in {least}..{most}")
        return value[0], value[1], value[2]

    def objects(self, key: str, most: int) -> list[Fields]:
        """A list of at most `most` objects."""
        value: list[Any] = self._take(key, list)
        if len(value) > most or not all(isinstance(item, dict) for item in value):
            raise self.fail(key, f"must be a list of at most {most} objects")
        return [Fields(item, self._what, f"{self._name(key)}[{index}]") for index, item in enumerate(value)]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tree)

    def items(self) -> Iterator[tuple[str, Fields]]:
        """Every key with its nested object."""
        for key in self._tree:
            yield key, self.object(key)

    def __contains__(self, key: str) -> bool:
        return key in self._tree

    def __len__(self) -> int:
        return len(self._tree)


def _is_dimension(item: object) -> bool:
    return isinstance(item, str) or _is_size(item)


def _is_size(item: object) -> bool:
    return isinstance(item, int) and not isinstance(item, bool) and item >= 0


def _describe(value: object) -> str:
    """A short description of a JSON value for a message; never the whole of a huge one."""
    if value is None:
        return "null"
    if isinstance(value, (dict, list)):
        return _NAMES[type(value)]
    shown = json.dumps(value) if not isinstance(value, int) or abs(value) < 10**20 else "a huge integer"
    return shown if len(shown) <= 60 else shown[:57] + "..."
