"""Phases that nest become one bar; a build is stopped from outside."""

import threading

import pytest

from build_engines.tensorrt.progress import Phases, cancellable, make_monitor
from tests.fakes.tensorrt import FakeTensorRT


def test_phases_within_phases_are_one_fraction_that_never_falls():
    phases = Phases()
    assert phases.fraction == 0
    phases.start("build", None, 4)
    phases.step("build", 0)
    assert phases.fraction == 0.25
    phases.start("tactics", "build", 10)
    phases.step("tactics", 4)
    assert phases.fraction == 0.375
    assert phases.name == "tactics"
    phases.start("kernel", "tactics", 2)
    phases.step("kernel", 0)
    assert phases.fraction == pytest.approx(0.3875)
    phases.finish("kernel")
    phases.finish("tactics")
    assert phases.fraction == pytest.approx(0.3875)
    phases.step("build", 1)
    assert phases.fraction == 0.5
    phases.finish("build")
    assert phases.fraction == 1
    assert phases.name == ""


@pytest.mark.parametrize(
    "report",
    [
        lambda phases: phases.start("a", "unknown", 3),
        lambda phases: phases.start("a", "a", 3),
        lambda phases: phases.start("a", None, 0),
        lambda phases: phases.step("never begun", 7),
        lambda phases: phases.finish("never begun"),
        lambda phases: (phases.start("a", None, 2), phases.step("a", 99)),
    ],
)
def test_odd_reports_do_no_harm(report):
    phases = Phases()
    report(phases)
    assert 0 <= phases.fraction <= 1


def test_the_monitor_reports_and_stops():
    phases, stop = Phases(), threading.Event()
    monitor = make_monitor(FakeTensorRT(), phases, stop)
    monitor.phase_start("build", "", 2)
    assert monitor.step_complete("build", 0) is True
    assert phases.fraction == 0.5
    stop.set()
    assert monitor.step_complete("build", 1) is False
    monitor.phase_finish("build")
    assert phases.fraction == 1


def test_work_gives_its_value_and_its_errors():
    ticked = threading.Event()
    assert cancellable(lambda: ticked.wait(20) and 7, threading.Event(), ticked.set) == 7

    def fails():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cancellable(fails, threading.Event(), lambda: None)


def test_an_interrupt_stops_the_work_and_waits_for_it():
    stop, ended = threading.Event(), []

    def work():
        assert stop.wait(20)
        ended.append(1)

    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cancellable(work, stop, interrupt)
    assert ended == [1]
