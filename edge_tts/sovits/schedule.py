"""How many tokens each window adds: few at first, so that sound starts early, then more, so that less is computed
twice. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["WINDOW_TOKENS", "next_window"]

# At 25 Hz the first window is 0.16 s of sound; each gives time to make the next, which is at most twice as long.
WINDOW_TOKENS = (4, 8, 16, 32, 48)


def next_window(
    index: int, done: int, available: int, context: int, final: bool, sizes: Sequence[int] = WINDOW_TOKENS
) -> int:
    """Tokens that window number `index` can add now; 0 means: wait for more tokens (or nothing is left).

    `done` tokens are decoded, `available` are drawn. Before the end a token needs `context` tokens after it. After the
    end (`final`) the rest is taken, with a short remainder joined to the last window.
    """
    size = sizes[min(index, len(sizes) - 1)]
    if not final:
        return size if available - context - done >= size else 0
    left = available - done
    return left if left <= size + size // 2 else size
