"""What follows from a fault in the tokens: a pure decision.

Sound leaves while tokens are still being drawn, so an utterance can't always start over. Tokens that the acoustic
decoder has already turned into sound are *committed*. Before that, a faulty attempt is thrown away and drawn again from
the first token; after it, the committed tokens and the sound ones that follow stay, and drawing resumes behind them,
a little further back with each attempt. The decoder lags the GPT by its receptive field (about half a second) and does
not commit a suspected stall (`guard.trusted`), so a fault is seldom heard. Four attempts are made; then the one that
spoke the most phones of those that ended by themselves is taken, or the sentence fails.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_tts.gpt.guard import Fault, FaultKind

__all__ = ["MAX_ATTEMPTS", "Candidate", "Finish", "GiveUp", "Retry", "best_candidate", "recover"]

MAX_ATTEMPTS = 4
# After the last sound a little of the pause is kept when it never ends by itself.
TAIL_TOKENS = 5
# The token that led astray may lie before the fault that came of it.
BACK_TOKENS = 4


@dataclass(frozen=True)
class Retry:
    """Keep the first `keep` tokens and draw on with other noise; no end before `min_tokens`."""

    keep: int
    min_tokens: int


@dataclass(frozen=True)
class Finish:
    """Everything has been said: end with the first `keep` tokens."""

    keep: int


@dataclass(frozen=True)
class GiveUp:
    """No attempts are left."""


@dataclass(frozen=True)
class Candidate:
    """An attempt that ended by itself, though too early."""

    tokens: list[int]
    pointers: list[int] | None


def recover(
    fault: Fault, attempt: int, committed: int, count: int, pointer: int | None, last_sound: int
) -> Retry | Finish | GiveUp:
    """Decides about a fault in attempt number `attempt` (0-based).

    `count` tokens are drawn, `committed` of them are already sound; `pointer` is the last token's phone (None without
    pointers) and `last_sound` the last phone that sounds.
    """
    if fault.kind is not FaultKind.EARLY_STOP and pointer is not None and pointer > last_sound >= 0:
        # It only hangs in the closing pause.
        good = min(count, fault.good + TAIL_TOKENS) if fault.good else count
        return Finish(max(committed, good))
    if attempt + 1 >= MAX_ATTEMPTS:
        return GiveUp()
    keep = max(committed, fault.good - BACK_TOKENS * attempt) if committed else 0
    # The end that came too early may come from the logits' maximum, which no other noise would change.
    return Retry(keep, count + 1 if fault.kind is FaultKind.EARLY_STOP else 0)


def best_candidate(candidates: list[Candidate], committed: list[int]) -> Candidate | None:
    """The candidate that spoke the most phones, of those that begin with the committed tokens."""
    fitting = [c for c in candidates if len(c.tokens) >= len(committed) and c.tokens[: len(committed)] == committed]
    return max(fitting, key=lambda c: (max(c.pointers) if c.pointers else 0, len(c.tokens)), default=None)
