"""How the states of a step lie on the GPU: side by side, as do the new rows that the engine gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_tts.engines.api import Array
from edge_tts.engines.tensorrt.memory import aligned
from edge_tts.engines.tensorrt.tensors import Bounds, EngineTensors, Shape, agrees, nbytes
from edge_tts.errors import EngineError

__all__ = ["ROW_AXIS", "ROW_INPUT", "StateLayout", "check_states"]

ROW_AXIS = 2
"""States are [1, heads, rows, width]."""

ROW_INPUT = "seqlens_k"
"""The input that says how many rows are held, which is where the new one goes."""


def check_states(graph: str, tensors: EngineTensors, states: Mapping[str, tuple[str, Array]]) -> int:
    """The rows that the bound arrays have room for. Raises EngineError: the engine does not step on such states."""
    shapes = {array.shape for _, array in states.values()}
    for output, (source, array) in states.items():
        if output not in tensors.outputs or source not in tensors.inputs:
            raise EngineError(f"graph {graph!r} has no state {source[:80]!r} with {output[:80]!r}")
        given, taken = tensors.outputs[output], tensors.inputs[source]
        before, after = array.shape[:ROW_AXIS], array.shape[ROW_AXIS + 1 :]
        fits = agrees((*before, -1, *after), (*taken.shape[:ROW_AXIS], None, *taken.shape[ROW_AXIS + 1 :]))
        if array.ndim != 4 or not fits or not agrees((*before, 1, *after), given.shape) or given.dtype != taken.dtype:
            raise EngineError(f"graph {graph!r} can't step on {source!r} with an array of shape {list(array.shape)}")
    if len(shapes) != 1 or len({tensors.outputs[name].dtype for name in states}) != 1:
        raise EngineError(f"graph {graph!r}: the states must be of one type and one shape")
    room: int = next(iter(shapes))[ROW_AXIS]
    return room


@dataclass(frozen=True)
class StateLayout:
    """Places of all states [1, heads, bucket, width] and of their new rows [1, heads, 1, width]."""

    names: tuple[tuple[str, str], ...]
    """(input, output) of each state, in the order in which they lie."""
    shape: Shape
    dtype: np.dtype[np.generic]

    @classmethod
    def of(
        cls, tensors: EngineTensors, bounds: Mapping[str, Bounds], states: Mapping[str, tuple[str, Array]]
    ) -> StateLayout:
        """The layout for one profile, whose greatest number of rows is the bucket."""
        names = tuple((source, output) for output, (source, _) in states.items())
        first = names[0][0]
        return cls(names, bounds[first].most, tensors.inputs[first].dtype)

    @property
    def cache_bytes(self) -> int:
        """Bytes of all states."""
        return len(self.names) * self._cache_stride

    @property
    def row_bytes(self) -> int:
        """Bytes of all new rows."""
        return len(self.names) * self._row_stride

    def addresses(self, caches: int, rows: int) -> dict[str, int]:
        """Where each input and output lies, when the states begin at `caches` and the new rows at `rows`."""
        found = {}
        for index, (source, output) in enumerate(self.names):
            found[source] = caches + index * self._cache_stride
            found[output] = rows + index * self._row_stride
        return found

    @property
    def row_shape(self) -> Shape:
        """The shape of one new row."""
        return (*self.shape[:ROW_AXIS], 1, *self.shape[ROW_AXIS + 1 :])

    def contents(self, arrays: Mapping[str, Array]) -> NDArray[np.uint8]:
        """The bytes of all states: the arrays by input name, cast, with zeros behind their last row."""
        whole = np.zeros(self.cache_bytes, np.uint8)
        size, room = nbytes(self.dtype, self.shape), next(iter(arrays.values())).shape[ROW_AXIS]
        with np.errstate(over="ignore"):  # an infinity is found in what the engine makes of it
            for index, (source, _) in enumerate(self.names):
                start = index * self._cache_stride
                place = whole[start : start + size].view(self.dtype).reshape(self.shape)
                place[:, :, :room] = arrays[source]
        return whole

    def copies(self, caches: int, rows: int, row: int) -> list[tuple[int, int, int, int, int, int]]:
        """The arguments of Device.copy_rows that write all new rows at `row`: one copy where no padding is between
        the states, which is so for every voice of a usual size, else one per state."""
        _, heads, bucket, width = self.shape
        row_bytes = width * self.dtype.itemsize
        dense = self._row_stride == heads * row_bytes and self._cache_stride == heads * bucket * row_bytes
        groups = 1 if dense else len(self.names)
        count = heads * len(self.names) // groups
        return [
            (
                caches + index * self._cache_stride + row * row_bytes,
                bucket * row_bytes,
                rows + index * self._row_stride,
                row_bytes,
                row_bytes,
                count,
            )
            for index in range(groups)
        ]

    @property
    def _cache_stride(self) -> int:
        return aligned(nbytes(self.dtype, self.shape))

    @property
    def _row_stride(self) -> int:
        return aligned(nbytes(self.dtype, self.row_shape))
