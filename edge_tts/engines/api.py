"""The interface of an inference engine: load a graph, bind buffers once, run.

`Graph.run` suits graphs whose shapes change with every call. `Graph.bind` suits one that runs again and again on the
same buffers, like a decode step: the caller keeps the arrays, writes the small inputs in place, calls `Binding.run`,
and reads the outputs in place. An engine with memory of its own keeps the states there, and uploads an input array at
each run, or once if the array is read-only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Binding", "Engine", "Graph", "TensorInfo"]

Array = NDArray[Any]


@dataclass(frozen=True)
class TensorInfo:
    """Type of a graph's input or output as the engine sees it; None stands for a size that varies."""

    dtype: np.dtype[Any]
    shape: tuple[int | None, ...]


class Binding(Protocol):
    """Buffers bound to a graph."""

    def run(self) -> None:
        """Runs the graph once: reads the bound inputs, overwrites the bound outputs. Raises EngineError."""

    def rebind(self, states: Mapping[str, tuple[str, Array]]) -> None:
        """Goes on with other arrays for all states, and with what they hold. Raises EngineError: the engine keeps the
        states in memory of its own.
        """


class Graph(Protocol):
    """A loaded graph."""

    @property
    def inputs(self) -> Mapping[str, TensorInfo]:
        """Every input by name."""

    @property
    def outputs(self) -> Mapping[str, TensorInfo]:
        """Every output by name."""

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Runs the graph on fresh arrays and returns all outputs. Raises EngineError."""

    def bind(
        self, inputs: Mapping[str, Array], outputs: Mapping[str, Array], states: Mapping[str, tuple[str, Array]]
    ) -> Binding:
        """Binds arrays for many runs; all must be C-contiguous and stay alive as long as the binding.

        `states` maps an output's name to (input's name, array): the output is written over the input, in place. Its
        first contents are taken from the array when it is bound. Raises EngineError.
        """


class Engine(Protocol):
    """Loads graphs."""

    def load(self, name: str, model: bytes | Path) -> Graph:
        """Makes a graph of a model's bytes, or of its path when it has external data. Raises EngineError."""
