"""Reads `quantization.json`: what the quantizer found of every layer, for pictures. Unknown keys are let pass."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edge_tts.bundle import Bundle

__all__ = ["FILE", "Account", "Layer", "read_accounts"]

FILE = "quantization.json"
_DEPTH = 4


@dataclass(frozen=True)
class Layer:
    """A layer's fate: the SNR of the graph's output with this one alone in INT8 (None: not tried), the share of the
    graph's time that it saves, what it is kept in, and why; `rows` of an average call, where that is told."""

    name: str
    kind: str
    snr_db: float | None
    gain_share: float
    kept: str
    reason: str
    rows: float | None = None

    @property
    def is_int8(self) -> bool:
        """Whether it was quantized."""
        return self.kept == "int8"


@dataclass(frozen=True)
class Account:
    """A graph's layers, the SNR of all chosen ones together, the search's steps, and what each calibration gave."""

    target: str
    graph: str
    snr_db: float | None
    layers: tuple[Layer, ...]
    search: tuple[Mapping[str, Any], ...]
    methods: Mapping[str, float]
    method: str

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.target} {self.graph}".strip()


def read_accounts(bundle: Bundle) -> tuple[Account, ...]:
    """All graphs of all targets; none where the bundle has no such file. Raises BundleError."""
    if FILE not in bundle.manifest.files:
        return ()
    try:
        tree = json.loads(bundle.read(FILE))
    except ValueError:
        return ()
    return tuple(_accounts(tree, (), _calibration(tree)))


def _accounts(tree: Any, path: tuple[str, ...], calibration: Mapping[str, Any]) -> Iterator[Account]:
    """Whatever has `layers` is a graph's account; the keys that lead there are its title."""
    if not isinstance(tree, Mapping) or len(path) > _DEPTH:
        return
    if isinstance(tree.get("layers"), list):
        if not tree["layers"]:
            return
        methods = tree.get("methods") or calibration.get("methods") or {}
        names = [name for name in path if name not in ("graphs", "targets")]
        yield Account(
            " ".join(names[:-1]),
            names[-1] if names else "",
            _number(tree.get("snr_db")),
            tuple(_layer(layer) for layer in _objects(tree["layers"])),
            tuple(_objects(tree.get("search"))),
            {name: value for name, db in methods.items() if (value := _number(db)) is not None},
            str(tree.get("method") or calibration.get("chosen") or ""),
        )
        return
    for key, value in tree.items():
        yield from _accounts(value, (*path, str(key)), calibration)


def _layer(tree: Mapping[str, Any]) -> Layer:
    words = {key: str(tree.get(key, "")) for key in ("name", "kind", "kept", "reason")}
    snr_db, gain, rows = (_number(tree.get(key)) for key in ("snr_db", "gain_share", "rows"))
    return Layer(snr_db=snr_db, gain_share=gain or 0.0, rows=rows, **words)


def _calibration(tree: Any) -> Mapping[str, Any]:
    found = tree.get("calibration") if isinstance(tree, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _objects(values: Any) -> Sequence[Mapping[str, Any]]:
    return [value for value in values if isinstance(value, Mapping)] if isinstance(values, list) else []


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
