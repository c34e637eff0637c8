"""Who speaks next, as a table of events and the effects that they must have."""

from device.commands import Rejection, Stop
from device.offer import Utterance
from device.queue import (
    Announce,
    Arrived,
    Cancel,
    Ended,
    FirstAudio,
    Limits,
    Refused,
    Report,
    ShutDown,
    Start,
    State,
    StopAsked,
    decide,
)


def utterance(id_, **options):
    return Utterance(id_, f"text of {id_}", "amy", 1.0, 1.0, **options)


def arrive(id_, now_s=0.0, **options):
    return Arrived(utterance(id_, **options), now_s)


def run(*events, state=None):
    """The effects of each event, one list per event, in short form."""
    state = state or State()
    history = []
    for event in events:
        state, effects = decide(state, event)
        history.append([short(effect) for effect in effects])
    return state, history


def short(effect):
    match effect:
        case Report(id_, event, _, _):
            return f"{id_} {event}"
        case Announce(phase):
            return f"= {phase}"
        case Start(speech):
            return f"> {speech.id}"
        case Cancel(id_):
            return f"x {id_}"


def test_one_utterance_from_end_to_end():
    state, history = run(arrive("a"), FirstAudio("a"), Ended("a", "finished", 1.0))
    assert history == [
        ["a accepted", "a started", "= synthesizing", "> a"],
        ["a first_audio", "= speaking"],
        ["a finished", "= idle"],
    ]
    assert state.current is None


def test_first_in_first_out():
    state, history = run(arrive("a"), arrive("b"), arrive("c"), Ended("a", "finished", 1), Ended("b", "finished", 2))
    assert history[1:] == [
        ["b accepted"],
        ["c accepted"],
        ["a finished", "b started", "> b"],
        ["b finished", "c started", "> c"],
    ]
    assert state.phase == "synthesizing"


def test_accepted_tells_how_many_are_ahead():
    state, _ = decide(State(), arrive("a"))
    for place, id_ in enumerate("bcd", start=1):
        state, effects = decide(state, arrive(id_))
        assert effects[0].details == {"ahead": place}


def test_priority_orders_what_waits_and_cuts_nothing_short():
    state, _ = run(
        arrive("a"),
        arrive("low", priority="low"),
        arrive("n1"),
        arrive("alert1", priority="alert"),
        arrive("n2"),
        arrive("alert2", priority="alert"),
    )
    assert state.current.id == "a"
    assert [speech.id for speech in state.waiting] == ["alert1", "alert2", "n1", "n2", "low"]


def test_the_phase_is_announced_only_when_it_changes():
    _, history = run(arrive("a"), FirstAudio("a"), FirstAudio("a"), arrive("b"), Ended("a", "finished", 1))
    assert history[3] == ["b accepted"]
    assert history[4] == ["a finished", "b started", "= synthesizing", "> b"]


def test_duplicates_within_the_window():
    limits = Limits(remembered_s=100, remembered_ids=2)
    state, history = run(
        arrive("a", 0),
        arrive("a", 1),
        Ended("a", "finished", 2),
        arrive("a", 99),
        arrive("a", 100),
        state=State(limits=limits),
    )
    assert history[1] == ["a duplicate"]
    assert history[3] == ["a duplicate"]
    assert history[4][0] == "a accepted"
    # Only so many ids are remembered: the oldest goes first.
    _, history = run(arrive("b", 101), arrive("c", 102), arrive("a", 103), state=state)
    assert history[2] == ["a accepted"]


def test_a_full_queue_rejects_and_forgets():
    state = State(limits=Limits(waiting=2))
    state, history = run(arrive("a"), arrive("b"), arrive("c"), arrive("d"), state=state)
    assert history[3] == ["d rejected"]
    _, effects = decide(state, arrive("d"))
    assert effects[0].reason == "the queue is full: 2 are waiting"
    # A rejected id may be tried again.
    _, history = run(Ended("a", "finished", 1), arrive("d"), state=state)
    assert history[1] == ["d accepted"]


def test_expired_on_arrival_and_while_waiting():
    _, history = run(
        arrive("late", 10.0, expires_at=10.0),
        arrive("a", 10.0, expires_at=11.0),
        arrive("b", 10.0, expires_at=12.0),
        arrive("c", 10.0),
        Ended("a", "finished", 13.0),
    )
    assert history[0] == ["late expired"]
    assert history[4] == ["a finished", "b expired", "c started", "> c"]


def test_stop_all():
    state, history = run(arrive("a"), arrive("b"), StopAsked(Stop(), "s"), StopAsked(Stop(), "s"), FirstAudio("a"))
    assert history[2] == ["b interrupted", "x a"]
    assert history[3] == []  # told once
    assert history[4] == []  # audio that comes out while it is being stopped is no news
    state, history = run(Ended("a", "interrupted", 1), arrive("c"), state=state)
    assert history == [["a interrupted", "= idle"], ["c accepted", "c started", "= synthesizing", "> c"]]


def test_stop_one():
    state, history = run(arrive("a"), arrive("b"), arrive("c"), StopAsked(Stop("b"), "s"), StopAsked(Stop("a"), "s"))
    assert history[3:] == [["b interrupted"], ["x a"]]
    _, history = run(Ended("a", "interrupted", 1), state=state)
    assert history == [["a interrupted", "c started", "> c"]]


def test_stop_with_nothing_to_stop():
    assert run(StopAsked(Stop(), "s"))[1] == [[]]
    state, effects = decide(State(), StopAsked(Stop("ghost"), "s"))
    assert effects == (Report("s", "rejected", "nothing to stop: 'ghost' neither waits nor speaks"),)
    assert state == State()


def test_a_failure_does_not_stop_the_queue():
    state, history = run(
        arrive("a"), arrive("b"), Ended("a", "failed", 1, reason="no"), Ended("b", "failed", 2, fault=True)
    )
    assert history[2] == ["a failed", "b started", "> b"]
    assert history[3] == ["b failed", "= error"]
    _, history = run(arrive("c"), Ended("c", "failed", 3, reason="only the text"), state=state)
    assert history == [["c accepted", "c started", "= synthesizing", "> c"], ["c failed", "= idle"]]


def test_refused_commands_are_reported():
    _, effects = decide(State(), Refused(Rejection("r", "because")))
    assert effects == (Report("r", "rejected", "because"),)


def test_shut_down():
    state, history = run(arrive("a"), arrive("b"), ShutDown(), arrive("c"))
    assert history[2:] == [["b interrupted", "x a"], ["c rejected"]]
    _, history = run(Ended("a", "interrupted", 1), state=state)
    assert history == [["a interrupted", "= idle"]]


def test_news_of_another_utterance_changes_nothing():
    state, history = run(arrive("a"), FirstAudio("ghost"), Ended("ghost", "finished", 1))
    assert history[1:] == [[], []]
    assert state.current.id == "a"
