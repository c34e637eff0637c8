"""edge_tts.gpt.guard and recovery: tables."""

import pytest

from edge_tts.gpt.guard import Fault, FaultKind, inspect, inspect_end, limits_for, trusted
from edge_tts.gpt.recovery import MAX_ATTEMPTS, Candidate, Finish, GiveUp, Retry, best_candidate, recover

# Four sounds, a comma, three sounds, a full stop; 25 tokens a second.
PAUSES = (False, False, False, False, True, False, False, False, True)
LIMITS = limits_for(PAUSES, 25)
COMMA, LAST_SOUND, FULL_STOP = 4, 7, 8


def fresh(count, start=0):
    """Tokens that never repeat."""
    return [start + i for i in range(count)]


def first_fault(tokens, pointers, limits=LIMITS):
    """The fault that the guard sees when the tokens arrive one by one, and after how many."""
    for count in range(1, len(tokens) + 1):
        fault = inspect(tokens[:count], None if pointers is None else pointers[:count], limits)
        if fault is not None:
            return count, fault
    return None


def test_bounds_grow_with_the_phones():
    assert (LIMITS.sound, LIMITS.pause, LIMITS.last_sound) == (25, 50, LAST_SOUND)
    assert LIMITS.total == round((1.0 + 7 * 0.24 + 2 * 2.0) * 25)
    assert limits_for(PAUSES * 3, 25).total > 2 * LIMITS.total
    assert limits_for((True,), 25).last_sound == -1


@pytest.mark.parametrize(
    ("pointers", "expected"),
    [
        ([i // 5 for i in range(45)], None),
        ([0, 1] + [2] * 25 + [3], None),
        ([0, 1] + [2] * 26, (28, Fault(FaultKind.STALL, 2))),
        ([0, 1, 2, 3] + [COMMA] * 50 + [5], None),
        ([0, 1, 2, 3] + [COMMA] * 51, (55, Fault(FaultKind.STALL, 4))),
        ([0] * 26, (26, Fault(FaultKind.STALL, 0))),
    ],
)
def test_a_pointer_may_rest_but_not_for_good(pointers, expected):
    assert first_fault(fresh(len(pointers)), pointers) == expected


@pytest.mark.parametrize("period", [1, 2, 3, 5, 7, 12])
def test_repeating_patterns_are_loops_without_pointers(period):
    tokens = fresh(6, 100) + fresh(period) * 60
    count, fault = first_fault(tokens, None, limits_for(PAUSES * 9, 25))
    assert fault == Fault(FaultKind.LOOP, 6 + period)
    assert count - 6 == period * max(4, -(-50 // period))


def test_a_voice_may_hold_one_token_through_a_pause():
    pointers = [0, 1, 2, 3] + [COMMA] * 49 + [5]
    assert first_fault(fresh(4, 100) + [7] * 49 + [8], pointers) is None


def test_a_loop_counts_though_the_pointer_walks_on():
    pointers = [i // 4 for i in range(30)]
    count, fault = first_fault([7] * 30, pointers)
    assert (count, fault.kind) == (25, FaultKind.LOOP)


def test_almost_a_loop_is_none():
    tokens = ([1, 2, 3] * 8 + [9]) * 5
    assert first_fault(tokens, None, limits_for(PAUSES * 9, 25)) is None


def test_runaway():
    count, fault = first_fault(fresh(500), None)
    assert (count, fault.kind) == (LIMITS.total + 1, FaultKind.RUNAWAY)


@pytest.mark.parametrize(
    ("pointers", "expected"),
    [
        ([0, 3, 5, LAST_SOUND], None),
        ([0, 3, 5, FULL_STOP], None),
        ([0, 3, 5, 6, 6], Fault(FaultKind.EARLY_STOP, 3)),
        ([0], Fault(FaultKind.EARLY_STOP, 0)),
        ([], Fault(FaultKind.EARLY_STOP, 0)),
    ],
)
def test_the_end_must_come_after_the_last_sound(pointers, expected):
    assert inspect_end(fresh(len(pointers)), pointers, LIMITS) == expected


def test_without_pointers_only_silence_is_an_early_stop():
    assert inspect_end([5], None, LIMITS) is None
    assert inspect_end([], None, LIMITS) == Fault(FaultKind.EARLY_STOP, 0)


def test_a_prompt_shifts_the_pointer():
    limits = limits_for(PAUSES, 25, offset=10)
    assert limits.last_sound == 10 + LAST_SOUND
    assert inspect_end([1], [10 + 6], limits) is not None
    assert first_fault(fresh(51), [10 + COMMA] * 51, limits)[0] == 51


@pytest.mark.parametrize(
    ("pointers", "expected"),
    [
        ([], 0),
        ([0, 0, 1], 3),
        ([0] + [1] * 8, 9),
        ([0] + [1] * 20, 9),
        ([0, 1, 2, 3] + [COMMA] * 15, 19),
        ([0, 1, 2, 3] + [COMMA] * 16, 19),
        ([0] + [1] * 20 + [2], 22),
    ],
)
def test_a_long_phone_is_suspected_until_it_ends(pointers, expected):
    assert trusted(fresh(len(pointers)), pointers, LIMITS) == expected


def test_without_pointers_all_tokens_are_trusted():
    assert trusted(fresh(30), None, LIMITS) == 30


STALL, EARLY = Fault(FaultKind.STALL, 20), Fault(FaultKind.EARLY_STOP, 30)


@pytest.mark.parametrize(
    ("fault", "attempt", "committed", "count", "pointer", "expected"),
    [
        # Nothing has been heard: start over.
        (STALL, 0, 0, 46, 3, Retry(0, 0)),
        # Something has: keep what is sound, and at least what has been heard.
        (STALL, 0, 12, 46, 3, Retry(20, 0)),
        (STALL, 0, 28, 46, 3, Retry(28, 0)),
        # Each attempt goes back a little further, but not behind what has been heard.
        (STALL, 2, 10, 46, 3, Retry(12, 0)),
        (STALL, 2, 15, 46, 3, Retry(15, 0)),
        # A retry must not end as early as the attempt that it replaces.
        (EARLY, 0, 28, 33, 5, Retry(30, 34)),
        (EARLY, 0, 0, 33, 5, Retry(0, 34)),
        # All has been said: leave the closing pause.
        (Fault(FaultKind.STALL, 40), 0, 30, 91, FULL_STOP, Finish(45)),
        (Fault(FaultKind.STALL, 40), 0, 60, 91, FULL_STOP, Finish(60)),
        (Fault(FaultKind.RUNAWAY, 0), 0, 60, 200, FULL_STOP, Finish(200)),
        # The last attempt.
        (STALL, MAX_ATTEMPTS - 1, 0, 46, 3, GiveUp()),
        (STALL, MAX_ATTEMPTS - 1, 0, 46, None, GiveUp()),
    ],
)
def test_recovery(fault, attempt, committed, count, pointer, expected):
    assert recover(fault, attempt, committed, count, pointer, LAST_SOUND) == expected


def test_the_best_attempt_spoke_the_most_phones_and_begins_with_what_was_heard():
    short, long, other = Candidate([1, 2], [0, 3]), Candidate([1, 2, 3], [0, 3, 4]), Candidate([9, 9, 9, 9], [5] * 4)
    assert best_candidate([short, long, other], []) is other
    assert best_candidate([short, long, other], [1]) is long
    assert best_candidate([short], [1, 2, 3]) is None
    assert best_candidate([], []) is None
