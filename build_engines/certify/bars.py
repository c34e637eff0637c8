"""What an INT8 voice must reach, and whether it does. Pure: figures in, verdicts out.

Why these bars: docs/certify.md. A figure that could not be measured fails, unless the float voice itself can't be
judged that way (noise from random weights is not speech, to any judge of speech); then it is excused and says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

__all__ = ["BARS", "Bar", "Check", "Figure", "judge", "worst"]


@dataclass(frozen=True)
class Bar:
    """A figure's limits, both included. `optional`: it is judged only where somebody asked for it."""

    key: str
    title: str
    unit: str
    low: float | None = None
    high: float | None = None
    digits: int = 3
    optional: bool = False

    @property
    def shown(self) -> str:
        """The limits for people."""
        unit = f" {self.unit}" if self.unit else ""
        if self.low is None:
            return f"≤ {self.high:g}{unit}"
        if self.high is None:
            return f"≥ {self.low:g}{unit}"
        return f"{self.low:g} … {self.high:g}{unit}"


@dataclass(frozen=True)
class Figure:
    """What was measured. `value` None: it could not be, and `note` says why; `excused` where that is no fault of INT8.

    `where` names the speaker whose figure it is: the worst one's.
    """

    value: float | None
    where: str = ""
    note: str = ""
    excused: bool = False


@dataclass(frozen=True)
class Check:
    """A figure against its bar. `passed` is None where it was excused."""

    bar: Bar
    figure: Figure
    passed: bool | None

    @property
    def shown(self) -> str:
        """The figure for people."""
        if self.figure.value is None:
            return "not measured"
        unit = f" {self.bar.unit}" if self.bar.unit else ""
        return f"{self.figure.value:.{self.bar.digits}f}{unit}"

    @property
    def line(self) -> str:
        """What is wrong, in one line."""
        where = f", speaker {self.figure.where}" if self.figure.where else ""
        note = f": {self.figure.note}" if self.figure.note else ""
        return f"{self.bar.title} {self.shown} (bar: {self.bar.shown}{where}){note}"


BARS = (
    Bar("token_agreement", "token agreement", "", low=0.9),
    Bar("kl_nats", "KL divergence of the logits", "nats", high=0.05, digits=4),
    Bar("lsd_db", "log-spectral distance", "dB", high=4.0, digits=2),
    Bar("pesq", "PESQ", "", low=3.5, digits=2),
    Bar("stoi", "STOI", "", low=0.85),
    Bar("speaker_cosine", "speaker embedding's cosine", "", low=0.95),
    Bar("resemblyzer_cosine", "resemblyzer's cosine", "", low=0.95, optional=True),
    Bar("loudness_lu", "loudness, difference", "LU", high=1.0, digits=2),
    Bar("duration_ratio", "duration of the same tokens", "", low=0.99, high=1.01),
    Bar("sentences", "sentences spoken freely", "", low=50, digits=0),
    Bar("length_ratio", "length ratio, median", "", low=0.95, high=1.05),
    Bar("strayed", "sentences of another length", "", high=0, digits=0),
    Bar("loops", "sentences that loop", "", high=0, digits=0),
    Bar("early_stops", "sentences that stop early", "", high=0, digits=0),
    Bar("failed", "sentences that fail", "", high=0, digits=0),
    Bar("wer_points", "word error rate, rise", "points", high=2.0, digits=2, optional=True),
)


def judge(figures: Mapping[str, Figure], bars: Sequence[Bar] = BARS) -> tuple[Check, ...]:
    """Every bar with its figure, in the order of the bars; optional ones only where there is a figure."""
    checks = []
    for bar in bars:
        figure = figures.get(bar.key)
        if figure is None:
            if bar.optional:
                continue
            figure = Figure(None, note="it was not measured")
        checks.append(Check(bar, figure, _passes(bar, figure)))
    return tuple(checks)


def worst(checks: Sequence[Check]) -> Check | None:
    """The check that fails by most, measured in its own bar; one without a figure before all; None where none fails."""
    failing = [check for check in checks if check.passed is False]
    return max(failing, key=_excess) if failing else None


def _passes(bar: Bar, figure: Figure) -> bool | None:
    value = figure.value
    if value is None:
        return None if figure.excused else False
    return (bar.low is None or value >= bar.low) and (bar.high is None or value <= bar.high)


def _excess(check: Check) -> float:
    bar, value = check.bar, check.figure.value
    if value is None or math.isnan(value):
        return math.inf
    low = 0.0 if bar.low is None else (bar.low - value) / max(abs(bar.low), 1e-9)
    high = 0.0 if bar.high is None else (value - bar.high) / max(abs(bar.high), 1.0)
    return max(low, high)
