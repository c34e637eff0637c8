"""What payloads mean: every line of the table is a payload and what must become of it."""

import json

import pytest

from device.commands import Rejection, Say, Stop, parse_say, parse_stop


def say(payload, **options):
    return parse_say(
        payload if isinstance(payload, bytes) else json.dumps(payload).encode(), mint_id=lambda: "minted", **options
    )


def stop(payload, **options):
    return parse_stop(payload, mint_id=lambda: "minted", **options)


FULL = {
    "v": 1,
    "id": "a-1",
    "text": "Hi.",
    "voice": "amy",
    "lang": "en",
    "volume": 0.5,
    "speed": 2,
    "priority": "alert",
    "mode": "queue",
    "expires_at": 1700000000,
    "max_seconds": 60,
    "format": "text",
}

ACCEPTED = [
    (b"Dinner is ready.", Say("minted", "Dinner is ready.")),
    ("Grüße, 世界 🎉".encode(), Say("minted", "Grüße, 世界 🎉")),
    (b"\xef\xbb\xbfmarked", Say("minted", "marked")),
    (b"42", Say("minted", "42")),
    (b'"quoted"', Say("minted", '"quoted"')),
    (b"[door] open", Say("minted", "[door] open")),
    ({"text": "Hi."}, Say("minted", "Hi.")),
    ({"text": "Hi.", "id": None, "voice": None, "volume": None}, Say("minted", "Hi.")),
    (FULL, Say("a-1", "Hi.", "amy", "en", 0.5, 2.0, "alert", 1700000000.0, 60.0)),
    ({"text": "x", "max_seconds": 0}, Say("minted", "x", max_seconds=0.0)),
    (b'  {"text": "led by spaces"}', Say("minted", "led by spaces")),
    ({"text": "x", "volume": 0, "speed": 0.5}, Say("minted", "x", volume=0.0, speed=0.5)),
    (b'{"text": "x", "expires_at": 1' + b"0" * 400 + b"}", Say("minted", "x", expires_at=float("inf"))),
    (b'{"text": "lone \\ud800 surrogate"}', Say("minted", "lone \ud800 surrogate")),
]

REJECTED = [
    (b"", "minted", "the text is empty"),
    (b" \n\t ", "minted", "the text is empty"),
    ({"id": "a", "text": ""}, "a", "the text is empty"),
    ({"id": "a", "text": "  "}, "a", "the text is empty"),
    ({"id": "a"}, "a", "the key 'text' is missing"),
    ({"id": "a", "text": None}, "a", "the key 'text' is missing"),
    (b"\xff\xfe", "minted", "the payload is not UTF-8: byte 0xff at 0"),
    (b"caf\xe9", "minted", "the payload is not UTF-8: byte 0xe9 at 3"),
    (b'{"text": "cut', "minted", "begins like JSON but is not: Unterminated string"),
    (b"{hello}", "minted", "begins like JSON but is not"),
    (b'{"text": "a"} b', "minted", "begins like JSON but is not: Extra data"),
    (b'{"text": NaN}', "minted", "NaN is not a JSON value"),
    (b'["text"]', "minted", "a JSON list, not an object"),
    (b'{"text": "a", "text": "b"}', "minted", "the key 'text' is there twice"),
    (b'{"text": "a", "v": ' + b"9" * 5000 + b"}", "minted", "out of range"),
    ({"id": "a", "txt": "x"}, "a", "unknown key 'txt': did you mean 'text'?"),
    ({"id": "a", "text": "x", "colour": 1}, "a", "unknown key 'colour': known: expires_at, format,"),
    ({"id": "a", "text": 5}, "a", "text is 5, not a string"),
    ({"id": "a", "text": ["x"]}, "a", "text is ['x'], not a string"),
    ({"id": "a", "text": "x", "v": 2}, "a", "v is 2, but this device speaks version 1"),
    ({"id": "a", "text": "x", "v": True}, "a", "v is True"),
    ({"id": 7, "text": "x"}, "minted", "id is 7, not a string"),
    ({"id": "", "text": "x"}, "minted", "id is '', but must be 1 to 128 printable characters"),
    ({"id": "a" * 129, "text": "x"}, "minted", "must be 1 to 128 printable characters"),
    ({"id": "a\nb", "text": "x"}, "minted", "must be 1 to 128 printable characters"),
    ({"id": "a", "text": "x", "volume": 1.1}, "a", "volume is 1.1, but must be between 0 and 1"),
    ({"id": "a", "text": "x", "volume": "loud"}, "a", "volume is 'loud', not a number"),
    ({"id": "a", "text": "x", "volume": True}, "a", "volume is True, not a number"),
    ({"id": "a", "text": "x", "speed": 0.4}, "a", "speed is 0.4, but must be between 0.5 and 2"),
    ({"id": "a", "text": "x", "speed": 10**400}, "a", "but must be between 0.5 and 2"),
    ({"id": "a", "text": "x", "expires_at": "soon"}, "a", "expires_at is 'soon', not a number"),
    ({"id": "a", "text": "x", "expires_at": -1}, "a", "expires_at is -1, but must be at least 0"),
    ({"id": "a", "text": "x", "max_seconds": -1}, "a", "max_seconds is -1, but must be between 0 and 1e+06"),
    ({"id": "a", "text": "x", "max_seconds": True}, "a", "max_seconds is True, not a number"),
    ({"id": "a", "text": "x", "max_seconds": 10**400}, "a", "but must be between 0 and 1e+06"),
    ({"id": "a", "text": "x", "priority": "urgent"}, "a", "priority 'urgent' is not one of low, normal, alert"),
    ({"id": "a", "text": "x", "mode": "interrupt"}, "a", "mode 'interrupt' is not in this version"),
    ({"id": "a", "text": "x", "format": "ssml"}, "a", "format 'ssml' is not in this version"),
    ({"id": "a", "text": "x", "lang": 1}, "a", "lang is 1, not a string"),
]


@pytest.mark.parametrize(("payload", "expected"), ACCEPTED, ids=range(len(ACCEPTED)))
def test_accepted(payload, expected):
    assert say(payload) == expected


@pytest.mark.parametrize(("payload", "id_", "reason"), REJECTED, ids=range(len(REJECTED)))
def test_rejected(payload, id_, reason):
    rejection = say(payload)
    assert isinstance(rejection, Rejection)
    assert rejection.id == id_
    assert reason in rejection.reason
    assert "\n" not in rejection.reason
    assert len(rejection.reason) < 300


def test_nesting_without_end():
    # Python refuses it as too deep, or reads on until it finds that it was cut: both are a rejection.
    reason = say(b'{"a":' * 12000).reason
    assert "nested too deeply" in reason or "begins like JSON" in reason


def test_a_payload_above_the_cap_is_not_even_decoded():
    rejection = say(b"\xff" * 101, max_bytes=100)
    assert rejection == Rejection("minted", "the payload has 101 bytes, more than the 100 allowed")
    assert isinstance(say(b"x" * 100, max_bytes=100), Say)


@pytest.mark.parametrize("payload", [b"bare", b'{"id": "a", "text": "x"}'])
def test_a_retained_say_is_refused(payload):
    rejection = say(payload, retained=True)
    assert isinstance(rejection, Rejection)
    assert "retained" in rejection.reason
    assert rejection.id == ("minted" if payload == b"bare" else "a")


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", Stop()),
        (b"  ", Stop()),
        (b"{}", Stop()),
        (b'{"v": 1}', Stop()),
        (b"PRESS", Stop()),
        (b'{"id": "a"}', Stop("a")),
        (b'{"id": null}', Stop()),
    ],
)
def test_stop(payload, expected):
    assert stop(payload) == expected


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"a-1", "a stop is empty or"),
        (b"{", "begins like JSON but is not"),
        (b"[]", "a JSON list"),
        (b"\xff", "not UTF-8"),
        (b'{"ID": "a"}', "unknown key 'ID': "),
        (b'{"id": 3}', "id is 3, not a string"),
        (b'{"v": 3}', "version 1"),
    ],
)
def test_stop_rejected(payload, reason):
    rejection = stop(payload)
    assert isinstance(rejection, Rejection)
    assert reason in rejection.reason


def test_a_retained_stop_is_refused():
    assert "retained" in stop(b"PRESS", retained=True).reason
    assert "bytes" in stop(b"x" * 11, max_bytes=10).reason
