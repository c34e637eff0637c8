"""Who speaks next: a pure state machine, `decide(state, event) -> state, effects`.

First in, first out within a priority; alert goes before normal, normal before low, and what is being spoken is never
cut for what comes later. Time comes in with the events (unix seconds); nothing here does I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from device.commands import PRIORITIES, Rejection, Stop
from device.offer import Utterance

__all__ = [
    "Announce",
    "Arrived",
    "Cancel",
    "Effect",
    "Ended",
    "Event",
    "FirstAudio",
    "Limits",
    "Refused",
    "Report",
    "ShutDown",
    "Start",
    "State",
    "StopAsked",
    "decide",
]


@dataclass(frozen=True)
class Limits:
    """How many utterances may wait, and how many ids are remembered for how long to recognise a duplicate."""

    waiting: int = 64
    remembered_ids: int = 1024
    remembered_s: float = 600.0


@dataclass(frozen=True)
class State:
    """`phase` is what `<root>/state` says: idle, synthesizing, speaking or error."""

    limits: Limits = Limits()
    waiting: tuple[Utterance, ...] = ()
    current: Utterance | None = None
    stopping: bool = False
    closing: bool = False
    phase: str = "idle"
    seen: tuple[tuple[str, float], ...] = ()


# What happens.
@dataclass(frozen=True)
class Arrived:
    utterance: Utterance
    now_s: float


@dataclass(frozen=True)
class Refused:
    rejection: Rejection


@dataclass(frozen=True)
class StopAsked:
    """`answer_id` names the answer where there is nothing to stop."""

    stop: Stop
    answer_id: str


@dataclass(frozen=True)
class FirstAudio:
    id: str


@dataclass(frozen=True)
class Ended:
    """An utterance is finished, interrupted or failed. `fault`: the device's, not the text's."""

    id: str
    outcome: str
    now_s: float
    reason: str | None = None
    fault: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ShutDown:
    pass


Event = Arrived | Refused | StopAsked | FirstAudio | Ended | ShutDown


# What is to be done about it.
@dataclass(frozen=True)
class Report:
    """Publish on `<root>/event`."""

    id: str
    event: str
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Announce:
    """Publish on `<root>/state`, retained."""

    phase: str


@dataclass(frozen=True)
class Start:
    """Hand to the worker, which has nothing else to do."""

    utterance: Utterance


@dataclass(frozen=True)
class Cancel:
    """Tell the worker to stop; it answers with `Ended`."""

    id: str


Effect = Report | Announce | Start | Cancel
Decision = tuple[State, tuple[Effect, ...]]


def decide(state: State, event: Event) -> Decision:
    """The whole of the queue's behaviour."""
    match event:
        case Arrived(utterance, now_s):
            return _arrived(state, utterance, now_s)
        case Refused(rejection):
            return state, (Report(rejection.id, "rejected", rejection.reason),)
        case StopAsked(stop, answer_id):
            return _stop(state, stop, answer_id)
        case FirstAudio(id_):
            return _first_audio(state, id_)
        case Ended():
            return _ended(state, event)
        case ShutDown():
            return _drop_all(replace(state, closing=True), "the device is shutting down")


def _arrived(state: State, utterance: Utterance, now_s: float) -> Decision:
    limits = state.limits
    seen = tuple((id_, at) for id_, at in state.seen if now_s - at < limits.remembered_s)
    state = replace(state, seen=seen)
    if state.closing:
        return state, (Report(utterance.id, "rejected", "the device is shutting down"),)
    if any(id_ == utterance.id for id_, _ in seen):
        return state, (Report(utterance.id, "duplicate", "a say with this id came before"),)
    if _is_expired(utterance, now_s):
        return state, (Report(utterance.id, "expired", "expires_at had passed when it came"),)
    if len(state.waiting) >= limits.waiting:
        return state, (Report(utterance.id, "rejected", f"the queue is full: {limits.waiting} are waiting"),)
    urgency = PRIORITIES.index(utterance.priority)
    place = sum(PRIORITIES.index(other.priority) >= urgency for other in state.waiting)
    ahead = place + (state.current is not None)
    state = replace(
        state,
        waiting=(*state.waiting[:place], utterance, *state.waiting[place:]),
        seen=(*seen, (utterance.id, now_s))[-limits.remembered_ids :],
    )
    accepted = Report(utterance.id, "accepted", details={"ahead": ahead})
    state, effects = _next(state, now_s, "idle")
    return state, (accepted, *effects)


def _next(state: State, now_s: float, rest: str) -> Decision:
    """Begin the next utterance that hasn't expired; with none left the phase is `rest`."""
    if state.current is not None:
        return state, ()
    effects: list[Effect] = []
    while state.waiting:
        utterance, waiting = state.waiting[0], state.waiting[1:]
        state = replace(state, waiting=waiting)
        if _is_expired(utterance, now_s):
            effects.append(Report(utterance.id, "expired", "expires_at passed while it waited"))
            continue
        state, announced = _enter(replace(state, current=utterance), "synthesizing")
        return state, (*effects, Report(utterance.id, "started"), *announced, Start(utterance))
    state, announced = _enter(state, rest)
    return state, (*effects, *announced)


def _enter(state: State, phase: str) -> Decision:
    return replace(state, phase=phase), (() if state.phase == phase else (Announce(phase),))


def _first_audio(state: State, id_: str) -> Decision:
    if state.current is None or state.current.id != id_ or state.stopping:
        return state, ()
    state, announced = _enter(state, "speaking")
    return state, (Report(id_, "first_audio"), *announced)


def _ended(state: State, event: Ended) -> Decision:
    if state.current is None or state.current.id != event.id:
        return state, ()
    report = Report(event.id, event.outcome, event.reason, event.details)
    rest = "error" if event.fault else "idle"
    state, effects = _next(replace(state, current=None, stopping=False), event.now_s, rest)
    return state, (report, *effects)


def _stop(state: State, stop: Stop, answer_id: str) -> Decision:
    if stop.id is None:
        return _drop_all(state, "stopped before it began")
    if state.current is not None and state.current.id == stop.id:
        return _cancel_current(state)
    waiting = tuple(utterance for utterance in state.waiting if utterance.id != stop.id)
    if len(waiting) < len(state.waiting):
        return replace(state, waiting=waiting), (Report(stop.id, "interrupted", "stopped before it began"),)
    # The answer bears an id of its own: under the utterance's it would look like that utterance's fate.
    return state, (Report(answer_id, "rejected", f"nothing to stop: '{stop.id}' neither waits nor speaks"),)


def _drop_all(state: State, reason: str) -> Decision:
    reports = tuple(Report(utterance.id, "interrupted", reason) for utterance in state.waiting)
    state, effects = _cancel_current(replace(state, waiting=()))
    return state, (*reports, *effects)


def _cancel_current(state: State) -> Decision:
    if state.current is None or state.stopping:
        return state, ()
    return replace(state, stopping=True), (Cancel(state.current.id),)


def _is_expired(utterance: Utterance, now_s: float) -> bool:
    return utterance.expires_at is not None and utterance.expires_at <= now_s
