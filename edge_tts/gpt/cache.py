"""The keys and values of one sentence, in buffers that grow with it.

A head's rows lie behind those of the head before. Rows that nobody uses yet are a gap that the processor's prefetcher
stumbles over: with 300 of them a full-size step takes a sixth longer than with 8. So there is room for a few rows more
than are in use, and when they are full everything moves to the other one of two buffers, a little further apart. The
room grows in proportion, so that all moves of a sentence together cost no more per row the longer it gets.
"""

from __future__ import annotations

import numpy as np

from edge_tts.engines.api import Array

__all__ = ["KVCache"]

GROWTH_ROWS = 16  # at the least
_GROWTH_SHARE = 16  # of the rows in use


class KVCache:
    """`most_rows` is what it may grow to. Without `grows` it has room for all of them from the start."""

    def __init__(self, keys: Array, values: Array, most_rows: int, *, grows: bool = True) -> None:
        """`keys` and `values` are what the prefill gave, [L, 1, H, rows, D]."""
        layers, _, heads, rows, width = keys.shape
        self.most_rows = most_rows
        self._grows = grows
        self._layers, self._heads, self._width = layers, heads, width
        elements = 2 * layers * heads * most_rows * width
        # Zeros, not empty: rows beyond the last are masked, but what is multiplied by 0 must be finite. Pages that are
        # never written take no memory.
        self._buffer, self._other = np.zeros(elements, keys.dtype), np.zeros(elements if grows else 0, keys.dtype)
        self._arrays = self._shaped(self._room_for(rows))
        self._arrays[0, :, :, :, :rows], self._arrays[1, :, :, :, :rows] = keys, values

    @property
    def room(self) -> int:
        """Rows that there is room for now."""
        return int(self._arrays.shape[4])

    def reserve(self, rows: int) -> bool:
        """Makes room for `rows` rows, if it may grow so far; whether the arrays are others now."""
        if rows <= self.room or self.room == self.most_rows:
            return False
        before, room = self._arrays, self._room_for(rows)
        self._buffer, self._other = self._other, self._buffer
        self._arrays = self._shaped(room)
        self._arrays[..., : before.shape[4], :] = before
        return True

    def states(self) -> dict[str, tuple[str, Array]]:
        """Present name → (past name, buffer [1, H, room, D]), as `Graph.bind` takes them."""
        return {
            f"present_{kind}_{layer}": (f"past_{kind}_{layer}", self._arrays[part, layer])
            for part, kind in enumerate(("key", "value"))
            for layer in range(self._layers)
        }

    def _room_for(self, rows: int) -> int:
        spare = max(GROWTH_ROWS, rows // _GROWTH_SHARE) if self._grows else self.most_rows
        return min(rows + spare, self.most_rows)

    def _shaped(self, room: int) -> Array:
        shape = (2, self._layers, 1, self._heads, room, self._width)
        arrays: Array = self._buffer[: int(np.prod(shape))].reshape(shape)
        return arrays
