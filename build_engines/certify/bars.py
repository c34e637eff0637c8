"""What an INT8 voice must reach, and whether it does. Pure: figures in, verdicts out.

Why these bars: docs/certify.md. A figure that could not be measured fails, unless the float voice itself can't be
judged that way (noise from random weights is not speech, to any judge of speech); then it is excused and says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

__all__ = ["BARS", "TENSORRT", "TENSORRT_BARS", "Bar", "Check", "Figure", "judge", "worst"]


@dataclass(frozen=True)
class Bar:
    """A figure's limits, both included. `optional`: it is judged only where somebody asked for it.

    best: the value of two equal voices; about: what the figure tells, for people.
    """

    key: str
    title: str
    unit: str
    about: str
    low: float | None = None
    high: float | None = None
    best: float = 0.0
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
    def is_count(self) -> bool:
        """Whether nothing between the best value and the bar exists."""
        return math.isinf(self.bar.best) or self.bar.high == self.bar.best

    @property
    def used(self) -> float | None:
        """Which share of what the bar allows is used up: 0 is equal to the float voice, more than 1 fails."""
        bar, value = self.bar, self.figure.value
        if value is None or math.isnan(value):
            return None
        sides = [limit for limit in (bar.low, bar.high) if limit is not None]
        limit = min(sides, key=lambda side: abs(side - value))
        if math.isinf(bar.best):
            return limit / max(value, 1e-9) if self.passed else 1 + (limit - value) / limit
        if limit == bar.best:  # nothing is allowed
            return 0.0 if self.passed else 1.0 + abs(value - limit)
        return max(0.0, (value - bar.best) / (limit - bar.best))

    @property
    def line(self) -> str:
        """What is wrong, in one line."""
        where = f", speaker {self.figure.where}" if self.figure.where else ""
        note = f": {self.figure.note}" if self.figure.note else ""
        return f"{self.bar.title} {self.shown} (bar: {self.bar.shown}{where}){note}"


BARS = (
    Bar("token_agreement", "token agreement", "", "share of tokens where both expect the same most", low=0.9, best=1),
    Bar("kl_nats", "KL divergence", "nats", "how far apart the expected tokens are", high=0.03, digits=4),
    Bar("lsd_db", "log-spectral distance", "dB", "of the spectra while speaking, up to 8 kHz", high=4, digits=2),
    Bar("pesq", "PESQ", "", "a listener's opinion, 1 … 4.64 (ITU-T P.862.2)", low=3.5, best=4.64, digits=2),
    Bar("stoi", "STOI", "", "intelligibility beside the float voice, 0 … 1", low=0.85, best=1),
    Bar("speaker_cosine", "speaker cosine", "", "the same person? by the voice's own encoder", low=0.95, best=1),
    Bar("resemblyzer_cosine", "speaker cosine, stranger", "", "by resemblyzer", low=0.95, best=1, optional=True),
    Bar("loudness_lu", "loudness difference", "LU", "by ITU-R BS.1770, upwards or downwards", high=1, digits=2),
    Bar("duration_ratio", "duration ratio", "", "of the same tokens, INT8 over float", low=0.99, high=1.01, best=1),
    Bar("sentences", "sentences spoken freely", "", "by all speakers together", low=50, best=math.inf, digits=0),
    Bar("length_ratio", "length ratio, median", "", "free speech, INT8 over float", low=0.95, high=1.05, best=1),
    Bar("strayed", "sentences of another length", "", "beyond 0.7 … 1.4 and by more than 0.5 s", high=0, digits=0),
    Bar("loops", "sentences that loop", "", "or stall, or run away, and the float voice doesn't", high=0, digits=0),
    Bar("early_stops", "sentences that stop early", "", "and the float voice doesn't", high=0, digits=0),
    Bar("failed", "sentences that fail", "", "four attempts in vain, and the float voice manages", high=0, digits=0),
    Bar("wer_points", "rise of word errors", "points", "by pocketsphinx, free speech", high=2, digits=2, optional=True),
)  # fmt: skip

TENSORRT = "tensorrt_"
"""How the keys of figures begin that are of the graphs for TensorRT, as ONNX Runtime computes them."""

# What is heard on the same tokens. How the voice speaks freely hangs on the same graphs and is judged once.
TENSORRT_BARS = tuple(
    replace(bar, key=f"{TENSORRT}{bar.key}", title=f"TensorRT: {bar.title}")
    for bar in BARS[: next(i for i, bar in enumerate(BARS) if bar.key == "sentences")]
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
    """The check that fails by most, in shares of what its bar allows; None where none fails.

    A figure that is missing is worse than any other.
    """
    failing = [check for check in checks if check.passed is False]
    return max(failing, key=lambda check: math.inf if check.used is None else check.used) if failing else None


def _passes(bar: Bar, figure: Figure) -> bool | None:
    value = figure.value
    if value is None:
        return None if figure.excused else False
    return (bar.low is None or value >= bar.low) and (bar.high is None or value <= bar.high)
