"""Calibration on disk: what was measured of each graph, as one npz file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from build_engines.quantize.calibrate import Example, Measured
from build_engines.quantize.histogram import Histogram
from edge_tts.engines.api import Array

__all__ = ["load_measured", "store_measured"]


def store_measured(path: Path, measured: Mapping[str, Measured]) -> None:
    """Writes the file; it gets its name when it is whole."""
    arrays: dict[str, Array] = {}
    for graph, seen in measured.items():
        arrays[f"{graph}|calls"] = np.array(seen.calls)
        for name, histogram in seen.tensors.items():
            arrays[f"{graph}|counts|{name}"] = histogram.counts
            arrays[f"{graph}|bounds|{name}"] = np.array([histogram.top, histogram.low, histogram.high])
        for name, largest in seen.channels.items():
            arrays[f"{graph}|channels|{name}"] = largest
        for index, example in enumerate(seen.examples):
            for kind, values in (("inputs", example.inputs), ("outputs", example.outputs)):
                arrays |= {f"{graph}|{kind}|{index}|{name}": array for name, array in values.items()}
    part = path.with_suffix(".part.npz")
    with part.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
    part.replace(path)


def load_measured(path: Path) -> dict[str, Measured]:
    """Reads the file."""
    found: dict[str, Measured] = {}
    examples: dict[tuple[str, int], tuple[dict[str, Array], dict[str, Array]]] = {}
    with np.load(path, allow_pickle=False) as data:
        for key in data.files:
            graph, kind, *names = key.split("|", 2)
            rest = "".join(names)  # a tensor's name may hold anything
            seen = found.setdefault(graph, Measured())
            if kind == "calls":
                seen.calls = int(data[key])
            elif kind in ("counts", "bounds"):
                histogram = seen.tensors.setdefault(rest, Histogram())
                if kind == "counts":
                    histogram.counts = data[key]
                else:
                    histogram.top, histogram.low, histogram.high = map(float, data[key])
            elif kind == "channels":
                seen.channels[rest] = data[key]
            else:
                number, name = rest.split("|", 1)
                pair = examples.setdefault((graph, int(number)), ({}, {}))
                pair[kind == "outputs"][name] = data[key]
    for (graph, _), (inputs, outputs) in sorted(examples.items(), key=lambda item: item[0]):
        found[graph].examples.append(Example(inputs, outputs))
    return found
