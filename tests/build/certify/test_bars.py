"""Figures against bars, as tables."""

import math

import pytest

from build_engines.certify.bars import BARS, Bar, Figure, judge, worst

LOW = Bar("a", "goodness", "", "", low=3.5, best=4.64, digits=2)
HIGH = Bar("b", "badness", "dB", "", high=4, digits=2)
BOTH = Bar("c", "ratio", "", "", low=0.9, high=1.1, best=1)
NONE = Bar("d", "mistakes", "", "", high=0, digits=0)
ASKED = Bar("e", "extra", "", "", low=1, best=2, optional=True)
LEAST = Bar("f", "sentences", "", "", low=50, best=math.inf, digits=0)


def check(bar, value, **more):
    return judge({bar.key: Figure(value, **more)}, [bar])[0]


@pytest.mark.parametrize(
    ("bar", "value", "passed", "used"),
    [
        (LOW, 4.64, True, 0.0),
        (LOW, 3.5, True, 1.0),
        (LOW, 3.49, False, 1.0088),
        (LOW, 1.0, False, 3.193),
        (HIGH, 0.0, True, 0.0),
        (HIGH, 4.0, True, 1.0),
        (HIGH, 8.0, False, 2.0),
        (HIGH, -1.0, True, 0.0),
        (BOTH, 1.0, True, 0.0),
        (BOTH, 0.95, True, 0.5),
        (BOTH, 1.2, False, 2.0),
        (BOTH, 0.7, False, 3.0),
        (NONE, 0.0, True, 0.0),
        (NONE, 2.0, False, 3.0),
        (LEAST, 50.0, True, 1.0),
        (LEAST, 10.0, False, 1.8),
        (LOW, math.nan, False, None),
    ],
)
def test_a_figure_and_its_bar(bar, value, passed, used):
    found = check(bar, value)
    assert found.passed is passed
    assert found.used == (None if used is None else pytest.approx(used, abs=1e-3))


def test_a_missing_figure_fails_unless_it_is_excused():
    assert judge({}, [LOW])[0].passed is False
    assert check(LOW, None, note="too short").passed is False
    assert check(LOW, None, note="too short", excused=True).passed is None


def test_an_optional_figure_is_judged_only_where_there_is_one():
    assert judge({}, [ASKED]) == ()
    assert check(ASKED, 0.5).passed is False


def test_the_worst_is_the_one_that_exceeds_its_own_bar_most():
    figures = {"a": Figure(3.4), "b": Figure(9.0, "bob"), "c": Figure(1.0)}
    found = worst(judge(figures, [LOW, HIGH, BOTH]))
    assert found is not None
    assert found.bar is HIGH
    assert found.line == "badness 9.00 dB (bar: ≤ 4 dB, speaker bob)"


def test_a_missing_figure_is_worse_than_any_other():
    found = worst(judge({"a": Figure(None, note="no sound"), "b": Figure(99.0)}, [LOW, HIGH]))
    assert found is not None
    assert found.line == "goodness not measured (bar: ≥ 3.5): no sound"


def test_nothing_is_worst_where_nothing_fails():
    assert worst(judge({"a": Figure(4.0), "b": Figure(None, excused=True)}, [LOW, HIGH])) is None


def test_the_bars_that_were_promised():
    bars = {bar.key: bar for bar in BARS}
    assert bars["pesq"].low == 3.5
    assert bars["stoi"].low == 0.85
    assert bars["speaker_cosine"].low == 0.95
    assert bars["sentences"].low == 50
    assert bars["wer_points"].high == 2.0
    assert all(bars[key].high == 0 for key in ("loops", "early_stops", "failed"))
