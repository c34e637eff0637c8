"""Watches the tokens of one utterance for what an autoregressive model does when it loses its way.

Pure: tokens and pointers in, at most one fault out. A fault says from which token on the utterance is bad, so that the
rest can be kept. Four faults:

- stall: the pointer stays on one phone longer than any speaker would; a pause may last longer than a sound
- loop: one pattern of tokens is repeated again and again (works without pointers too)
- runaway: more tokens than the phones can fill
- early stop: the end came before the pointer reached the last phone that sounds

Before a stall is certain it is suspected: `trusted` says how many tokens may be made sound meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

__all__ = ["Fault", "FaultKind", "Limits", "inspect", "inspect_end", "limits_for", "trusted"]

# At 25 tokens a second. A stressed vowel at the end of a phrase reaches 0.4 s, a dramatic pause 1.5 s.
SOUND_SECONDS = 1.0
PAUSE_SECONDS = 2.0
LOOP_SECONDS = 1.0
# A phone that lasts longer than this is suspected: few do, and to wait until it ends costs a moment of computing only.
SUSPECT_SOUND_SECONDS = 0.32
SUSPECT_PAUSE_SECONDS = 0.6
# Twice the slowest sensible speech (0.12 s per phone), plus the pauses.
SECONDS_PER_SOUND = 0.24
MARGIN_SECONDS = 1.0
LEAST_REPEATS = 4
LONGEST_PATTERN = 12


class FaultKind(Enum):
    """What went wrong."""

    STALL = "stall"
    LOOP = "loop"
    RUNAWAY = "runaway"
    EARLY_STOP = "early stop"


@dataclass(frozen=True)
class Fault:
    """A fault; the first `good` tokens are sound."""

    kind: FaultKind
    good: int


@dataclass(frozen=True)
class Limits:
    """Bounds for one sentence, in tokens. `pauses` says for each phone whether it is a pause; `last_sound` is the index
    of the last phone that sounds (-1: none)."""

    pauses: tuple[bool, ...]
    last_sound: int
    sound: int
    pause: int
    suspect_sound: int
    suspect_pause: int
    loop: int
    total: int


def limits_for(pauses: Sequence[bool], token_rate_hz: float, offset: int = 0) -> Limits:
    """Bounds from the phones: which of them are pauses (`, . ! ? … -`). `offset` phones of a prompt come first."""
    waits = sum(pauses)
    seconds = MARGIN_SECONDS + SECONDS_PER_SOUND * (len(pauses) - waits) + PAUSE_SECONDS * waits
    sounding = [index for index, is_pause in enumerate(pauses) if not is_pause]
    return Limits(
        pauses=(False,) * offset + tuple(pauses),
        last_sound=offset + sounding[-1] if sounding else -1,
        sound=round(SOUND_SECONDS * token_rate_hz),
        pause=round(PAUSE_SECONDS * token_rate_hz),
        suspect_sound=round(SUSPECT_SOUND_SECONDS * token_rate_hz),
        suspect_pause=round(SUSPECT_PAUSE_SECONDS * token_rate_hz),
        loop=round(LOOP_SECONDS * token_rate_hz),
        total=round(seconds * token_rate_hz),
    )


def inspect(tokens: Sequence[int], pointers: Sequence[int] | None, limits: Limits) -> Fault | None:
    """Looks at the utterance after a token was added. `pointers` is None for a voice without them."""
    if len(tokens) > limits.total:
        return Fault(FaultKind.RUNAWAY, 0)
    return (_stall(pointers, limits) if pointers is not None else None) or _loop(tokens, pointers, limits)


def inspect_end(tokens: Sequence[int], pointers: Sequence[int] | None, limits: Limits) -> Fault | None:
    """Looks at the utterance after EOS. The pauses after the last sound may be left out."""
    if not tokens:
        return Fault(FaultKind.EARLY_STOP, 0)
    if pointers is not None and max(pointers) < limits.last_sound:
        return Fault(FaultKind.EARLY_STOP, _start_of_run(pointers))
    return None


def trusted(tokens: Sequence[int], pointers: Sequence[int] | None, limits: Limits) -> int:
    """How many of the tokens may be made sound now: those that no suspected stall can take back."""
    if not pointers:
        return len(tokens)
    allowed = limits.suspect_pause if limits.pauses[pointers[-1]] else limits.suspect_sound
    return min(len(tokens), _start_of_run(pointers) + allowed)


def _stall(pointers: Sequence[int], limits: Limits) -> Fault | None:
    bound = limits.pause if limits.pauses[pointers[-1]] else limits.sound
    if len(pointers) <= bound or pointers[-bound - 1] != pointers[-1]:
        return None
    start = _start_of_run(pointers)
    return Fault(FaultKind.STALL, start) if len(pointers) - start > bound else None


def _start_of_run(pointers: Sequence[int]) -> int:
    """Index of the first token of the run of equal pointers at the end (0 when there is none)."""
    start = len(pointers)
    while start > 0 and pointers[start - 1] == pointers[-1]:
        start -= 1
    return start


def _loop(tokens: Sequence[int], pointers: Sequence[int] | None, limits: Limits) -> Fault | None:
    # Without pointers nobody knows whether it is in a pause: the longer bound must do.
    in_pause = pointers is None or limits.pauses[pointers[-1]]
    longest = limits.pause if in_pause else limits.loop
    for period in range(1, LONGEST_PATTERN + 1):
        repeats = max(LEAST_REPEATS, -(-longest // period))
        span = repeats * period
        if len(tokens) >= span and tokens[-span:-period] == tokens[-span + period :]:
            return Fault(FaultKind.LOOP, len(tokens) - span + period)
    return None
