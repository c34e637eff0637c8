"""edge_tts.stopping: when speaking ends before the text."""

import threading

import pytest

from edge_tts.errors import DeadlineError, EdgeTTSError, ParameterError
from edge_tts.stopping import MAX_SECONDS, StopSign


def test_without_anything_it_never_stops():
    assert StopSign()() is False


def test_cancelled():
    cancel = threading.Event()
    stopped = StopSign(cancel)
    assert not stopped()
    cancel.set()
    assert stopped()


def test_the_deadline_counts_from_when_it_was_made():
    now = [100.0]
    stopped = StopSign(None, 2.5, lambda: now[0])
    for now[0] in (100.0, 101.0, 102.49):
        assert not stopped()
    for now[0] in (102.5, 1e9):
        with pytest.raises(
            DeadlineError, match=r"within 2\.5 s: allow more time \(max_seconds\) or shorten it"
        ) as caught:
            stopped()
        assert isinstance(caught.value, EdgeTTSError) and "\n" not in str(caught.value)


def test_who_cancels_after_the_deadline_hears_no_complaint():
    cancel, now = threading.Event(), [0.0]
    stopped = StopSign(cancel, 1, lambda: now[0])
    now[0] = 2.0
    cancel.set()
    assert stopped()


@pytest.mark.parametrize("seconds", [0, -1, 0.0, MAX_SECONDS + 1, 10**400, float("nan"), float("inf"), "1", True, [1]])
def test_wrong_deadlines(seconds):
    with pytest.raises(ParameterError, match="max_seconds must be above 0 and at most 1000000, not ") as caught:
        StopSign(None, seconds)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("seconds", [1e-9, 1, 2.5, MAX_SECONDS])
def test_right_deadlines(seconds):
    StopSign(None, seconds, lambda: 0.0)
