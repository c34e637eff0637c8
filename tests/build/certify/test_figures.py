"""From rows to figures: the worst speaker counts, and only what the float voice does not do itself."""

import numpy as np
import pytest

from build_engines.certify.figures import forced_figures, free_figures, is_strayed
from build_engines.certify.rows import ForcedRow, FreeRow, Spoken

KL = np.zeros(3)


def forced(speaker, unjudged=None, **figures):
    return ForcedRow(speaker, "Hello.", 3, figures, unjudged or {}, KL)


def free(before=1.0, after=1.0, fault=None, own_fault=None, **more):
    return FreeRow(
        "ada", "Hello.", 1, Spoken(before, own_fault, 0, False), Spoken(after, fault, 0, **{"failed": False, **more})
    )


def test_the_worst_speakers_mean_is_the_figure():
    rows = [
        forced("ada", pesq=4.0, lsd_db=1.0),
        forced("ada", pesq=2.0, lsd_db=1.0),
        forced("bob", pesq=3.5, lsd_db=2.0),
    ]
    found = forced_figures(rows)
    assert (found["pesq"].value, found["pesq"].where) == (3.0, "ada")
    assert (found["lsd_db"].value, found["lsd_db"].where) == (2.0, "bob")


def test_the_duration_farthest_from_equal_is_the_worst():
    rows = [forced("ada", duration_ratio=1.02), forced("bob", duration_ratio=0.9)]
    assert forced_figures(rows)["duration_ratio"].value == 0.9


def test_a_single_speaker_is_not_named():
    assert forced_figures([forced("ada", pesq=4.0)])["pesq"].where == ""


def test_sentences_that_can_not_be_judged_are_counted_and_all_of_them_are_an_excuse():
    some = forced_figures([forced("ada", pesq=4.0), forced("ada", {"pesq": "too short"})])["pesq"]
    assert (some.value, some.note) == (4.0, "1 of 2 sentences could not be judged")
    none = forced_figures([forced("ada", {"pesq": "too short"}), forced("ada", {"pesq": "too short"})])["pesq"]
    assert (none.value, none.note, none.excused) == (None, "too short", True)


@pytest.mark.parametrize(
    ("before", "after", "strayed"),
    [
        (4.0, 4.0, False),
        (4.0, 5.6, False),
        (4.0, 5.7, True),
        (4.0, 2.7, True),
        (0.4, 0.8, False),  # twice as long, but by less than half a second
        (0.4, 0.95, True),
        (0.0, 0.3, False),
        (0.0, 3.0, True),
    ],
)
def test_which_lengths_are_another(before, after, strayed):
    assert is_strayed(before, after) is strayed


@pytest.mark.parametrize(
    ("row", "key"),
    [
        (free(fault="loop"), "loops"),
        (free(fault="stall"), "loops"),
        (free(fault="runaway"), "loops"),
        (free(fault="early stop"), "early_stops"),
        (free(failed=True), "failed"),
        (free(after=2.0), "strayed"),
    ],
)
def test_what_goes_wrong_is_counted_and_told(row, key):
    found = free_figures([free(), row])
    counts = {name: found[name].value for name in ("loops", "early_stops", "failed", "strayed")}
    assert counts == {**dict.fromkeys(counts, 0.0), key: 1.0}
    assert "Hello." in found[key].note


def test_a_fault_that_the_float_voice_has_too_is_not_held_against_int8():
    assert free_figures([free(fault="loop", own_fault="stall")])["loops"].value == 0


def test_the_median_of_the_lengths():
    assert free_figures([free(2.0, 1.0), free(2.0, 2.0), free(2.0, 2.2)])["length_ratio"].value == 1.0


def test_word_errors_rise_in_points():
    rows = [
        FreeRow("ada", "x", 1, Spoken(1, None, 0, False, errors), Spoken(1, None, 0, False, later), 10)
        for errors, later in ((1, 1), (0, 1))
    ]
    found = free_figures(rows)["wer_points"]
    assert found.value == pytest.approx(5.0)
    assert found.note == "5.0 % before, 10.0 % after, of 20 words"
    assert "wer_points" not in free_figures([free()])
