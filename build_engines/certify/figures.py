"""From rows to the figures that the bars judge. Pure.

Of what is measured per sentence, the figure is the mean over a speaker's sentences, and the worst speaker's counts: a
voice is no better than the speaker who fares worst.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from build_engines.certify.bars import Figure
from build_engines.certify.rows import ForcedRow, FreeRow, Spoken

__all__ = ["forced_figures", "free_figures", "is_strayed", "length_ratio"]

LENGTH_RATIOS = (0.7, 1.4)
SLACK_SECONDS = 0.5
_LOOPS = ("stall", "loop", "runaway")
_EARLY = ("early stop",)
_SMALLEST_IS_WORST = {
    "token_agreement", "pesq", "stoi", "speaker_cosine", "resemblyzer_cosine", "latents_snr_db", "logits_snr_db",
}  # fmt: skip


def forced_figures(rows: Sequence[ForcedRow]) -> dict[str, Figure]:
    """Every figure that some row has, or lacks for a reason: the worst speaker's mean."""
    keys = dict.fromkeys(key for row in rows for key in (*row.figures, *row.unjudged))
    return {key: _worst_speaker(rows, key) for key in keys}


def free_figures(rows: Sequence[FreeRow]) -> dict[str, Figure]:
    """Lengths, and faults that the float voice does not have in the same sentence with the same noise."""
    ratios = [length_ratio(row.before.seconds, row.after.seconds) for row in rows if row.before.seconds > 0]
    found = {
        "sentences": Figure(float(len(rows))),
        "length_ratio": Figure(float(np.median(ratios))) if ratios else Figure(None, note="nothing was said"),
        "strayed": _count(rows, (row for row in rows if is_strayed(row.before.seconds, row.after.seconds))),
        "loops": _count(rows, (row for row in rows if _new(row, _LOOPS))),
        "early_stops": _count(rows, (row for row in rows if _new(row, _EARLY))),
        "failed": _count(rows, (row for row in rows if row.after.failed and not row.before.failed)),
    }
    words = sum(row.words for row in rows)
    if words:
        before, after = (sum(_errors(spoken) for spoken in side) for side in _sides(rows))
        note = f"{100 * before / words:.1f} % before, {100 * after / words:.1f} % after, of {words} words"
        found["wer_points"] = Figure(100 * (after - before) / words, note=note)
    return found


def length_ratio(before: float, after: float) -> float:
    """INT8 over float."""
    return after / max(before, 1e-9)


def is_strayed(before: float, after: float) -> bool:
    """Whether a sentence's length, in seconds, is another one: beyond 0.7 … 1.4 and by more than half a second.

    Of a sentence of one word a slightly longer breath is already a large ratio.
    """
    low, high = LENGTH_RATIOS
    return not low <= length_ratio(before, after) <= high and abs(after - before) > SLACK_SECONDS


def _worst_speaker(rows: Sequence[ForcedRow], key: str) -> Figure:
    means = {}
    for speaker in dict.fromkeys(row.speaker for row in rows):
        values = [row.figures[key] for row in rows if row.speaker == speaker and key in row.figures]
        if values:
            means[speaker] = float(np.mean(values))
    if not means:
        reasons = dict.fromkeys(row.unjudged[key] for row in rows if key in row.unjudged)
        return Figure(None, note="; ".join(reasons), excused=True)
    if key == "duration_ratio":
        where = max(means, key=lambda speaker: abs(means[speaker] - 1))
    else:
        where = (min if key in _SMALLEST_IS_WORST else max)(means, key=lambda speaker: means[speaker])
    missing = sum(key in row.unjudged for row in rows)
    note = f"{missing} of {len(rows)} sentences could not be judged" if missing else ""
    return Figure(means[where], where if len(means) > 1 else "", note)


def _count(rows: Sequence[FreeRow], chosen: Iterable[FreeRow]) -> Figure:
    """How many, and the first of them."""
    found = list(chosen)
    if not found:
        return Figure(0.0)
    first = found[0]
    several = len({row.speaker for row in rows}) > 1
    return Figure(
        float(len(found)), first.speaker if several else "", f"among them {first.text[:60]!r} (seed {first.seed})"
    )


def _new(row: FreeRow, kinds: Sequence[str]) -> bool:
    return row.after.fault in kinds and row.before.fault not in kinds


def _sides(rows: Sequence[FreeRow]) -> tuple[list[Spoken], list[Spoken]]:
    return [row.before for row in rows], [row.after for row in rows]


def _errors(spoken: Spoken) -> int:
    return spoken.errors or 0
