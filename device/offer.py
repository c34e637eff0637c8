"""What the loaded voice offers, and whether a command fits it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING, Protocol

from device.commands import Rejection, Say
from device.names import clip, unknown_name

if TYPE_CHECKING:
    from edge_tts import AudioChunk

__all__ = ["Offer", "SpeakerLike", "Utterance", "VoiceLike", "fit"]


class SpeakerLike(Protocol):
    """What the daemon reads of a speaker."""

    @property
    def language(self) -> str: ...


class VoiceLike(Protocol):
    """The part of `edge_tts.Voice` that the daemon uses."""

    @property
    def name(self) -> str: ...
    @property
    def sample_rate(self) -> int: ...
    @property
    def speakers(self) -> Mapping[str, SpeakerLike]: ...
    @property
    def default_speaker(self) -> str: ...

    def synthesize(
        self,
        text: str,
        *,
        speaker: str | None = None,
        speed: float = 1.0,
        seed: int | None = None,
        cancel: Event | None = None,
        max_seconds: float | None = None,
    ) -> Iterator[AudioChunk]: ...


@dataclass(frozen=True)
class Offer:
    """The voice, its speakers with their languages, and what is used when a command doesn't say."""

    voice: str
    speakers: Mapping[str, str]
    default_speaker: str
    volume: float = 1.0
    speed: float = 1.0
    max_seconds: float = 0.0


@dataclass(frozen=True)
class Utterance:
    """A `say` with everything decided: what the worker speaks. `max_seconds` 0: as long as it takes."""

    id: str
    text: str
    speaker: str
    volume: float
    speed: float
    priority: str = "normal"
    expires_at: float | None = None
    max_seconds: float = 0.0


def fit(say: Say, offer: Offer) -> Utterance | Rejection:
    """Choose the speaker for `say.voice`: a speaker's name, the voice's name, or `voice/speaker`."""
    speaker = _speaker(say.voice, offer)
    if speaker is None:
        known = (*offer.speakers, offer.voice)
        return Rejection(say.id, unknown_name("voice", say.voice or "", known))
    language = offer.speakers[speaker]
    if say.lang is not None and _primary(say.lang) != _primary(language):
        return Rejection(say.id, f"lang is {clip(say.lang)}, but '{speaker}' speaks '{language}'")
    return Utterance(
        id=say.id,
        text=say.text,
        speaker=speaker,
        volume=offer.volume if say.volume is None else say.volume,
        speed=offer.speed if say.speed is None else say.speed,
        priority=say.priority,
        expires_at=say.expires_at,
        max_seconds=offer.max_seconds if say.max_seconds is None else say.max_seconds,
    )


def _speaker(asked: str | None, offer: Offer) -> str | None:
    if asked in (None, "", offer.voice):
        return offer.default_speaker
    name = str(asked).removeprefix(f"{offer.voice}/")
    return name if name in offer.speakers else None


def _primary(language: str) -> str:
    """The primary subtag: en of en-US or en_US (RFC 5646 §2.1)."""
    return language.replace("_", "-").split("-")[0].lower()
