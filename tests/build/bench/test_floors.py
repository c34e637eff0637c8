"""The arithmetic of floors and gaps; nothing here depends on how fast this machine is."""

import itertools

import pytest

from build_engines.bench.floors import Best, Floors, Machine, Samples, operations_ms, transfer_ms
from build_engines.bench.gaps import gaps_of

FLOORS = Floors(Best(10e9, 12e9, "a"), Best(100e9, 110e9, "b"), Best(400e9, 420e9, "c"))


def test_the_best_way_has_the_greatest_median():
    """Each way is timed twice per round: the clock says how long its calls take."""
    lengths = itertools.cycle([2.0, 4.0])  # the first way takes 2 s, the second 4 s
    now = [0.0]
    started = [False]

    def clock():
        if started[0]:
            now[0] += next(lengths)
        started[0] = not started[0]
        return now[0]

    calls = []
    samples = Samples(
        {"slow": (100.0, lambda: calls.append("slow")), "fast": (300.0, lambda: calls.append("fast"))}, clock
    )
    assert calls == ["slow", "fast"]  # warmed up
    samples.take(3)
    assert samples.best == Best(75.0, 75.0, "fast")
    assert calls == ["slow", "fast"] * 4


def test_one_lucky_rate_is_no_floor():
    ends = iter([1.0, 1.0, 0.1])
    state = {"now": 0.0, "running": False}

    def clock():
        if state["running"]:
            state["now"] += next(ends)
        state["running"] = not state["running"]
        return state["now"]

    samples = Samples({"only": (10.0, lambda: None)}, clock)
    samples.take(3)
    best = samples.best
    assert best.rate == pytest.approx(10.0)
    assert best.most == pytest.approx(100.0)


def test_milliseconds():
    assert transfer_ms(93e6, FLOORS) == pytest.approx(9.3)
    assert operations_ms({"int8": 40e9, "float32": 10e9}, FLOORS) == pytest.approx(200.0)


def test_every_floor_is_measured():
    machine = Machine(stream_bytes=1 << 20, size=64)
    machine.streams(1)
    machine.all(2)
    floors = machine.floors
    assert all(0 < best.rate <= best.most for best in (floors.bandwidth, floors.float32, floors.int8))


def test_gaps():
    """10 ms of INT8 products that have to read 50 MB (5 ms) and to compute 0.4 GOP (1 ms)."""
    entry = {
        "operators": [
            {"operator": "DynamicQuantizeMatMul", "ms": 10.0}, {"operator": "GroupQueryAttention", "ms": 3.0},
            {"operator": "Gemm", "ms": 1.0}, {"operator": "Softmax", "ms": 2.0},
        ],
        "operations": {"int8": 0.4e9, "float32": 0.1e9}, "weights_mb": {"int8": 50.0, "float32": 1.0},
        "floor_bytes": 60e6,
    }  # fmt: skip
    integer, plain, other = gaps_of(entry, FLOORS)
    assert (integer.ms, integer.floor_ms, integer.mb) == (10.0, pytest.approx(5.0), 50.0)
    assert (plain.ms, plain.floor_ms, plain.mb) == (4.0, pytest.approx(1.0), pytest.approx(10.0))
    assert (other.kind, other.ms, other.floor_ms) == ("no products", 2.0, 0.0)
