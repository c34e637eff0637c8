"""Phones that the pointer passes over."""

from build_engines.evaluate.coverage import coverage, skipped
from build_engines.training.texts import Text

PAUSES = [False, False, False, False, True]


def test_one_phone_between_two_tokens_is_spoken_within_them():
    assert skipped([0, 1, 2, 3, 4], PAUSES) == 0
    assert skipped([0, 2, 3, 4], PAUSES) == 0


def test_two_in_a_row_are_lost_and_pauses_never():
    assert skipped([0, 3, 4], PAUSES) == 2
    assert skipped([0, 1, 2, 3], PAUSES) == 0
    assert skipped([0, 0], PAUSES) == 3


def test_the_default_voice_skips_nothing_and_ends():
    found = coverage("default", "clara", [Text("a", "The next train leaves in seven minutes.")], [1])
    assert found == {"utterances": 1.0, "ended_at_first_attempt": 1.0, "skipped_over_5_percent": 0.0}
