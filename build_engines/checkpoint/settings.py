"""Reading whole numbers out of a checkpoint's settings, each within what a model could sanely have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from build_engines.checkpoint.errors import CheckpointError, show

__all__ = ["Section"]


class Section:
    """One section of the settings, such as ``model``. Every method raises CheckpointError, naming setting and value."""

    def __init__(self, settings: Mapping[str, object], name: str, *, optional: bool = False) -> None:
        found = settings.get(name, {} if optional else None)
        if not isinstance(found, dict):
            raise CheckpointError(f"its config has no section {name!r}")
        self._name = name
        self._values: dict[str, Any] = found

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        """A whole number within the limits, ``default`` where the setting is absent."""
        value = self._values.get(key, default)
        if type(value) is not int or not low <= value <= high:
            raise self._wrong(key, value, f"a whole number from {low} to {high}")
        return value

    def number(self, key: str, low: float, high: float, default: float) -> float:
        """A number within the limits."""
        value = self._values.get(key, default)
        if type(value) not in (int, float) or not low <= value <= high:
            raise self._wrong(key, value, f"a number from {low:g} to {high:g}")
        return float(value)

    def wholes(self, key: str, low: int, high: int, most: int) -> tuple[int, ...]:
        """A list of 1 to ``most`` whole numbers."""
        value = self._values.get(key)
        wanted = f"a list of at most {most} whole numbers from {low} to {high}"
        return self._row(key, value, low, high, most, wanted)

    def rows(self, key: str, low: int, high: int, length: int, most: int) -> tuple[tuple[int, ...], ...]:
        """A list of lists of ``length`` whole numbers each."""
        value = self._values.get(key)
        wanted = f"a list of at most {most} lists of {length} whole numbers from {low} to {high}"
        if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= most:
            raise self._wrong(key, value, wanted)
        rows = tuple(self._row(key, row, low, high, length, wanted) for row in value)
        if any(len(row) != length for row in rows):
            raise self._wrong(key, value, wanted)
        return rows

    def expect(self, key: str, wanted: object) -> None:
        """Raise where the setting is given but isn't ``wanted``."""
        if key in self._values and self._values[key] != wanted:
            raise self._wrong(key, self._values[key], show(wanted))

    def text(self, key: str) -> str | None:
        """A text, None where there is none."""
        value = self._values.get(key)
        return value if isinstance(value, str) else None

    def _row(self, key: str, value: Any, low: int, high: int, most: int, wanted: str) -> tuple[int, ...]:
        if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= most:
            raise self._wrong(key, value, wanted)
        if any(type(item) is not int or not low <= item <= high for item in value):
            raise self._wrong(key, value, wanted)
        return tuple(value)

    def _wrong(self, key: str, value: object, wanted: str) -> CheckpointError:
        said = "is missing" if value is None else f"is {show(value)}"
        return CheckpointError(f"its config's {self._name}.{key} {said}; expected {wanted}")
