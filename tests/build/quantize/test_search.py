"""The search for INT8 layers: pure decisions over a table of noise and gain."""

import itertools
import math

import pytest

from build_engines.quantize.search import Cost, Step, rank, search


def snr(noise):
    return -10 * math.log10(noise) if noise else 200.0


class Table:
    """Independent noises that add up in power; keeps what was asked."""

    def __init__(self, costs):
        self.noises, self.asked = {cost.name: cost.noise for cost in costs}, []

    def __call__(self, names):
        self.asked.append(list(names))
        return snr(sum(self.noises[name] for name in names))


def layers(count=20):
    """From 20 dB (1e-2) to 58 dB, every other one with twice the gain."""
    return [Cost(f"layer{i:02}", 20.0 + 2 * i, 0.01 * (1 + i % 2)) for i in range(count)]


def test_ranked_by_noise_per_gain():
    costs = [
        Cost("quiet and useful", 60.0, 0.5),
        Cost("loud and useful", 20.0, 0.5),
        Cost("loud and useless", 20.0, 0.001),
        Cost("quiet and useless", 60.0, 0.001),
    ]
    names = [cost.name for cost in rank(costs)]
    assert names == ["loud and useless", "loud and useful", "quiet and useless", "quiet and useful"]
    assert rank(costs[::-1]) == rank(costs)


def test_what_gains_nothing_is_no_candidate():
    assert [cost.name for cost in rank([Cost("a", 50.0, 0.0), Cost("b", 50.0, 0.1), Cost("c", 90.0, -1.0)])] == ["b"]


def test_equal_bargains_go_by_name():
    costs = [Cost(name, 40.0, 0.1) for name in "cab"]
    assert [cost.name for cost in rank(costs)] == ["a", "b", "c"]


def test_nothing_stays_in_float_when_the_bar_is_met():
    costs, table = layers(), Table(layers())
    chosen, steps = search(rank(costs), 10.0, table)
    assert sorted(chosen) == [cost.name for cost in costs]
    assert steps == [Step(0, table(chosen))]


@pytest.mark.parametrize("bar", [20.0, 25.0, 30.0, 40.0, 50.0, 55.0])
def test_the_fewest_are_kept_in_float(bar):
    ranked, table = rank(layers()), Table(layers())
    chosen, steps = search(ranked, bar, table)
    kept = len(ranked) - len(chosen)
    assert chosen == [cost.name for cost in ranked[kept:]]
    assert table(chosen) >= bar
    assert kept == 0 or table([cost.name for cost in ranked[kept - 1 :]]) < bar
    assert len(steps) <= 2 + math.ceil(math.log2(len(ranked)))
    for step in steps:
        assert step.snr_db == table([cost.name for cost in ranked[step.kept_float :]])


def test_a_higher_bar_keeps_more_in_float():
    ranked = rank(layers())
    sets = [set(search(ranked, bar, Table(layers()))[0]) for bar in range(10, 70, 4)]
    assert all(more >= fewer for more, fewer in itertools.pairwise(sets))
    assert len(sets[0]) == 20
    assert len(sets[-1]) == 0


def test_a_bar_out_of_reach_leaves_everything_in_float():
    table = Table(layers())
    chosen, steps = search(rank(layers()), 500.0, table)
    assert chosen == []
    assert steps
    assert all(step.snr_db < 500.0 for step in steps)
    assert all(table.asked), "the float graph need not be measured"


def test_one_layer():
    only = [Cost("only", 30.0, 0.1)]
    assert search(only, 29.0, Table(only))[0] == ["only"]
    assert search(only, 31.0, Table(only)) == ([], [Step(0, pytest.approx(30.0))])


def test_no_candidates():
    assert search([], 30.0, Table([])) == ([], [])
