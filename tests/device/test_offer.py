"""Which speaker a command gets."""

import pytest

from device.commands import Rejection, Say
from device.offer import Offer, fit

OFFER = Offer("default", {"amy": "en", "bob": "en-GB"}, "amy", volume=0.8, speed=1.1, max_seconds=30.0)


@pytest.mark.parametrize(
    ("voice", "speaker"),
    [(None, "amy"), ("", "amy"), ("default", "amy"), ("bob", "bob"), ("default/bob", "bob")],
)
def test_speaker(voice, speaker):
    assert fit(Say("a", "x", voice=voice), OFFER).speaker == speaker


@pytest.mark.parametrize(
    ("say", "reason"),
    [
        (Say("a", "x", voice="bop"), "unknown voice 'bop': did you mean 'bob'?"),
        (Say("a", "x", voice="../../etc"), "unknown voice '../../etc': known: amy, bob, default"),
        (Say("a", "x", voice="other/bob"), "unknown voice"),
        (Say("a", "x", lang="de"), "lang is 'de', but 'amy' speaks 'en'"),
    ],
)
def test_what_is_not_offered(say, reason):
    rejection = fit(say, OFFER)
    assert isinstance(rejection, Rejection)
    assert rejection.id == "a"
    assert reason in rejection.reason


def test_defaults_are_the_devices():
    speech = fit(Say("a", "x", lang="en_US"), OFFER)
    assert (speech.volume, speech.speed, speech.max_seconds) == (0.8, 1.1, 30.0)
    speech = fit(Say("a", "x", volume=0.0, speed=2.0, max_seconds=0.0), OFFER)
    assert (speech.volume, speech.speed, speech.max_seconds) == (0.0, 2.0, 0.0)
