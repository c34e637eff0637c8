"""Payloads of `<root>/say` and `<root>/stop` → typed commands, or a rejection that says why.

Pure: bytes in, a value out, nothing raised whatever a peer sends. The shapes are those of docs/daemon.md; what this
version doesn't do yet (`mode` other than queue, `format` other than text) is refused with a reason, never ignored.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from device.names import clip, unknown_name
from edge_tts.stopping import MAX_SECONDS

__all__ = ["MAX_PAYLOAD_BYTES", "PRIORITIES", "Rejection", "Say", "Stop", "parse_say", "parse_stop"]

MAX_PAYLOAD_BYTES = 64 * 1024
PRIORITIES = ("low", "normal", "alert")
_SAY_KEYS = (
    "v", "id", "text", "voice", "lang", "volume", "speed", "priority", "mode", "expires_at", "max_seconds", "format",
)  # fmt: skip
_STOP_KEYS = ("v", "id")
_MAX_ID_CHARACTERS = 128
# What Home Assistant's MQTT button sends when it is told nothing else.
_BUTTON_PRESS = "PRESS"


@dataclass(frozen=True)
class Say:
    """Speak `text`; what is None the device decides. `volume` 0..1, `speed` 0.5..2, `expires_at` unix seconds,
    `max_seconds` from its start (0: no limit)."""

    id: str
    text: str
    voice: str | None = None
    lang: str | None = None
    volume: float | None = None
    speed: float | None = None
    priority: str = "normal"
    expires_at: float | None = None
    max_seconds: float | None = None


@dataclass(frozen=True)
class Stop:
    """Stop the utterance with this id, or all of them."""

    id: str | None = None


@dataclass(frozen=True)
class Rejection:
    """A command that isn't carried out. `id` is the sender's where it could be read, a minted one otherwise."""

    id: str
    reason: str


class _BadCommandError(Exception):
    """Carries the reason up to the parser's one door."""


def parse_say(
    payload: bytes, *, mint_id: Callable[[], str], retained: bool = False, max_bytes: int = MAX_PAYLOAD_BYTES
) -> Say | Rejection:
    """Read a `say`: a JSON object, or any other UTF-8 text, which is then what to speak."""
    fields: dict[str, Any] = {}
    try:
        text = _decode(payload, max_bytes)
        fields = _json_object(text) if _is_command(text) else {"text": text}
        if retained:
            raise _BadCommandError("a retained say would be spoken again at every reconnect: send it without retain")
        return _say(fields, mint_id)
    except _BadCommandError as bad:
        return Rejection(_sender_id(fields) or mint_id(), str(bad))


def parse_stop(
    payload: bytes, *, mint_id: Callable[[], str], retained: bool = False, max_bytes: int = MAX_PAYLOAD_BYTES
) -> Stop | Rejection:
    """Read a `stop`: empty, `{}` or `PRESS` stops all, `{"id": …}` stops one."""
    fields: dict[str, Any] = {}
    try:
        text = _decode(payload, max_bytes).strip()
        if _is_command(text):
            fields = _json_object(text)
        elif text not in ("", _BUTTON_PRESS):
            raise _BadCommandError(f'a stop is empty or {{"id": "…"}}, not {clip(text)}')
        if retained:
            raise _BadCommandError("a retained stop would act again at every reconnect: send it without retain")
        _known_keys(fields, _STOP_KEYS)
        _version(fields)
        return Stop(_id(fields))
    except _BadCommandError as bad:
        return Rejection(_sender_id(fields) or mint_id(), str(bad))


def _say(fields: dict[str, Any], mint_id: Callable[[], str]) -> Say:
    _known_keys(fields, _SAY_KEYS)
    _version(fields)
    text = _string(fields, "text")
    if text is None:
        raise _BadCommandError("the key 'text' is missing")
    if not text.strip():
        raise _BadCommandError("the text is empty")
    _choice(fields, "mode", ("queue",), "is not in this version, which only queues")
    _choice(fields, "format", ("text",), "is not in this version, which only reads plain text")
    return Say(
        id=_id(fields) or mint_id(),
        text=text,
        voice=_string(fields, "voice"),
        lang=_string(fields, "lang"),
        volume=_number(fields, "volume", 0.0, 1.0),
        speed=_number(fields, "speed", 0.5, 2.0),
        priority=_choice(fields, "priority", PRIORITIES, f"is not one of {', '.join(PRIORITIES)}") or "normal",
        expires_at=_number(fields, "expires_at", 0.0, math.inf),
        max_seconds=_number(fields, "max_seconds", 0.0, MAX_SECONDS),
    )


def _decode(payload: bytes, max_bytes: int) -> str:
    if len(payload) > max_bytes:
        raise _BadCommandError(f"the payload has {len(payload)} bytes, more than the {max_bytes} allowed")
    try:
        return payload.decode("utf-8-sig")  # some Windows clients put a byte order mark first
    except UnicodeDecodeError as error:
        reason = f"the payload is not UTF-8: byte 0x{payload[error.start]:02x} at {error.start}"
        raise _BadCommandError(reason) from None


def _is_command(text: str) -> bool:
    """Whether the sender meant JSON. "[door] open" is only text, but "[1, 2]" is a list sent by mistake."""
    begin = text.lstrip()[:1]
    if begin == "[":
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
    return begin in ("{", "[")


def _json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise _BadCommandError(f"the payload begins like JSON but is not: {error}") from None
    except RecursionError:
        raise _BadCommandError("the payload is JSON nested too deeply") from None
    except ValueError as error:  # an integer of thousands of digits
        raise _BadCommandError(f"the payload is JSON with a value out of range: {clip(str(error))}") from None
    if not isinstance(value, dict):
        raise _BadCommandError("the payload is a JSON list, not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _BadCommandError(f"the key {clip(twice)} is there twice")
    return fields


def _no_constant(name: str) -> float:
    raise _BadCommandError(f"{name} is not a JSON value")


def _known_keys(fields: dict[str, Any], known: tuple[str, ...]) -> None:
    for key in fields:
        if key not in known:
            raise _BadCommandError(unknown_name("key", key, known))


def _version(fields: dict[str, Any]) -> None:
    version = fields.get("v", 1)
    if type(version) is not int or version != 1:
        raise _BadCommandError(f"v is {clip(version)}, but this device speaks version 1")


def _string(fields: dict[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise _BadCommandError(f"{key} is {clip(value)}, not a string")
    return value


def _choice(fields: dict[str, Any], key: str, allowed: tuple[str, ...], complaint: str) -> str | None:
    value = _string(fields, key)
    if value is not None and value not in allowed:
        raise _BadCommandError(f"{key} {clip(value)} {complaint}")
    return value


def _number(fields: dict[str, Any], key: str, low: float, high: float) -> float | None:
    value = fields.get(key)
    if value is None:
        return None
    # bool is an int in Python, but true is no volume.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _BadCommandError(f"{key} is {clip(value)}, not a number")
    if not low <= value <= high:
        bounds = f"between {low:g} and {high:g}" if high < math.inf else f"at least {low:g}"
        raise _BadCommandError(f"{key} is {clip(value)}, but must be {bounds}")
    try:
        return float(value)
    except OverflowError:
        return math.inf  # only expires_at has no upper bound: an integer beyond floats never comes


def _id(fields: dict[str, Any]) -> str | None:
    value = _string(fields, "id")
    if value is not None and not _is_id(value):
        raise _BadCommandError(f"id is {clip(value)}, but must be 1 to {_MAX_ID_CHARACTERS} printable characters")
    return value


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_ID_CHARACTERS and value.isprintable()


def _sender_id(fields: dict[str, Any]) -> str | None:
    value = fields.get("id")
    return value if isinstance(value, str) and _is_id(value) else None
