"""Bars and their verdicts, the straight line, the tables."""

import pytest

from build_engines.bench.bars import Bar, linearity, verdict
from build_engines.bench.report import table


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.3, "aim"), (0.4, "aim"), (0.41, "met"), (0.6, "met"), (0.61, "MISSED"), (None, "not measured")],
)
def test_verdicts_of_what_must_stay_below(value, expected):
    assert verdict(Bar("x", "s", 0.6, 0.4, value)) == expected


@pytest.mark.parametrize(("value", "expected"), [(1.7, "met"), (1.69, "MISSED"), (2.0, "met")])
def test_verdicts_of_what_must_be_reached(value, expected):
    assert verdict(Bar("x", "×", 1.7, None, value, least=True)) == expected


def test_ratio_to_the_bar():
    assert Bar("x", "", 0.5, None, 0.25).ratio == 0.5
    assert Bar("x", "", 0.5, None, None).ratio is None


def test_an_aim_of_nothing():
    assert verdict(Bar("growth", "MB", 5, 0, 0.0)) == "aim"
    assert verdict(Bar("growth", "MB", 5, 0, 0.1)) == "met"


def test_a_straight_line():
    line = linearity([{"audio_s": s, "cpu_ratio": (0.2 * s + 0.5) / s} for s in (4, 8, 16)])
    assert line == {"slope": pytest.approx(0.2), "begin_s": pytest.approx(0.5), "deviation": pytest.approx(0, abs=1e-9)}


def test_what_is_not_straight():
    line = linearity([{"audio_s": s, "cpu_ratio": s / 10} for s in (4, 8, 16)])  # quadratic
    assert line["deviation"] > 0.05


def test_table():
    assert table(["a", "b"], [["1 | 2", 3]]) == "| a | b |\n| --- | --- |\n| 1 \\| 2 | 3 |"
