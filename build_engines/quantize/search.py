"""Which layers become INT8: pure decisions over what was measured.

Every layer alone costs some noise and gains some time. Noise of independent roundings adds up in power, so the layer to
give up first is the one with the most noise for the least gain. Layers are ranked by that, and the fewest are kept in
float with which the whole graph, measured, is above its bar.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Cost", "Step", "rank", "search"]


@dataclass(frozen=True)
class Cost:
    """One layer: SNR of the graph's output with this layer alone in INT8, and the share of time it gains."""

    name: str
    snr_db: float
    gain: float

    @property
    def noise(self) -> float:
        """Noise power relative to the signal."""
        return float(10 ** (-self.snr_db / 10))


@dataclass(frozen=True)
class Step:
    """One measurement of the search: how many layers stayed in float, and the whole graph's SNR then."""

    kept_float: int
    snr_db: float


def rank(costs: Sequence[Cost]) -> list[Cost]:
    """The layers that gain something, the worst bargain first."""
    gaining = [cost for cost in costs if cost.gain > 0]
    return sorted(gaining, key=lambda cost: (-cost.noise / cost.gain, cost.name))


def search(
    ranked: Sequence[Cost], bar_db: float, measure: Callable[[Sequence[str]], float]
) -> tuple[list[str], list[Step]]:
    """The layers to make INT8, and the measurements that led there.

    `measure` gives the graph's SNR with the named layers in INT8. Bisects the number of layers to leave in float;
    no layer is left where even the last one is below the bar.
    """
    steps: list[Step] = []

    def good(kept: int) -> bool:
        names = [cost.name for cost in ranked[kept:]]
        if not names:
            return True
        steps.append(Step(kept, measure(names)))
        return steps[-1].snr_db >= bar_db

    low, high = 0, len(ranked)
    if ranked and not good(0):
        while high - low > 1:
            middle = (low + high) // 2
            if good(middle):
                high = middle
            else:
                low = middle
        low = high
    return [cost.name for cost in ranked[low:]], steps
