"""Each limit, from both sides."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from build_engines.enroll.audio import Recording
from build_engines.enroll.errors import RefusedError
from build_engines.enroll.measures import Clipping, Measures
from build_engines.enroll.segments import Activity, Noise
from build_engines.enroll.verdicts import Level, judge, judge_text, raise_refused

FINE, WARN, REFUSE = Level.FINE, Level.WARN, Level.REFUSE
RATE = 48_000


def good():
    """Five seconds, four of them speech, nothing wrong."""
    speech = np.ones(500, bool)
    speech[:50] = speech[450:] = False
    sound = np.full(100, 0.1, np.float32)
    recording = Recording(Path("a.wav"), sound, RATE, 1, 0.01, 0, 16, "WAV PCM_16", 5 * RATE, "0" * 64)
    noise = Noise(-20.0, -60.0, 40.0, from_pauses=True)
    return Measures(recording, Activity(np.full(500, -20.0), speech), noise, Clipping(0, 0, ()), 0.5, 0.0, 12_000.0)


def with_recording(m, **changes):
    return replace(m, recording=replace(m.recording, **changes))


def with_speech(m, first, past):
    speech = np.zeros(500, bool)
    speech[first:past] = True
    return replace(m, activity=replace(m.activity, speech=speech))


def level_of(m, what, **kind):
    findings = judge(m, **kind)
    (found,) = [finding for finding in findings if finding.what == what]
    assert (found.level is FINE) == (found.advice == "")
    return found.level


def test_a_good_recording():
    findings = judge(good())
    assert {finding.level for finding in findings} == {FINE}
    assert len({finding.what for finding in findings}) == len(findings)
    raise_refused("a.wav", findings)


@pytest.mark.parametrize(
    ("seconds", "level"), [(2.99, REFUSE), (3.0, FINE), (10.0, FINE), (10.001, REFUSE), (59.0, REFUSE)]
)
def test_length(seconds, level):
    assert level_of(with_recording(good(), frames=round(seconds * RATE)), "length") is level


@pytest.mark.parametrize(("seconds", "level"), [(0.9, REFUSE), (1.0, FINE), (2.0, FINE), (30.0, FINE), (31.0, REFUSE)])
def test_length_of_further_references(seconds, level):
    assert level_of(with_recording(good(), frames=round(seconds * RATE)), "length", prompt=False) is level


@pytest.mark.parametrize(("rate", "level"), [(7_999, REFUSE), (8_000, WARN), (15_999, WARN), (16_000, FINE)])
def test_rate(rate, level):
    m = replace(good(), bandwidth_hz=rate / 2)
    assert level_of(with_recording(m, rate=rate, frames=5 * rate), "sample rate") is level
    # One fact, one finding.
    assert level_of(with_recording(m, rate=rate, frames=5 * rate), "bandwidth") is FINE


@pytest.mark.parametrize(
    ("what", "change", "level"),
    [
        ("bandwidth", {"bandwidth_hz": 6_900.0}, WARN),
        ("bandwidth", {"bandwidth_hz": 7_000.0}, FINE),
        ("clipping", {"clipping": Clipping(0.0001, 3, ())}, FINE),
        ("clipping", {"clipping": Clipping(0.0002, 3, ())}, WARN),
        ("clipping", {"clipping": Clipping(0.011, 9, ())}, REFUSE),
        ("peak", {"peak": 1.0}, FINE),
        ("peak", {"peak": 1.01}, WARN),
        ("offset", {"offset": -0.011}, WARN),
        ("offset", {"offset": 0.009}, FINE),
        ("signal-to-noise ratio", {"noise": Noise(-20, -34.9, 14.9, True)}, REFUSE),
        ("signal-to-noise ratio", {"noise": Noise(-20, -35, 15.0, True)}, WARN),
        ("signal-to-noise ratio", {"noise": Noise(-20, -49.9, 29.9, True)}, WARN),
        ("signal-to-noise ratio", {"noise": Noise(-20, -50, 30.0, True)}, FINE),
        ("signal-to-noise ratio", {"noise": None}, REFUSE),
        ("level", {"noise": Noise(-43, -90, 47.0, True)}, WARN),
        ("level", {"noise": Noise(-42, -90, 48.0, True)}, FINE),
    ],
)
def test_limits(what, change, level):
    assert level_of(replace(good(), **change), what) is level


@pytest.mark.parametrize(("frames", "level"), [(99, REFUSE), (100, WARN), (199, WARN), (200, FINE)])
def test_speech(frames, level):
    assert level_of(with_speech(good(), 0, frames), "speech") is level


@pytest.mark.parametrize(
    ("first", "past", "level"), [(100, 400, FINE), (101, 400, WARN), (0, 399, WARN), (0, 500, FINE)]
)
def test_silent_ends(first, past, level):
    assert level_of(with_speech(good(), first, past), "silence") is level


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({"bits": 8, "kind": "WAV PCM_U8"}, WARN),
        ({"bits": None, "kind": "OGG VORBIS"}, FINE),
        ({"bits": None, "kind": "WAV ULAW"}, WARN),
        ({"not_finite": 1}, REFUSE),
    ],
)
def test_format(change, level):
    assert level_of(with_recording(good(), **change), "format") is level


def test_channels():
    assert level_of(with_recording(good(), channels=2, channels_power=0.02), "channels") is FINE
    assert level_of(with_recording(good(), channels=2, channels_power=0.2), "channels") is WARN


def test_without_pauses_the_figure_is_a_bound():
    findings = judge(replace(good(), noise=Noise(-20, -40, 20.0, from_pauses=False)))
    (found,) = [finding for finding in findings if finding.what == "signal-to-noise ratio"]
    assert found.figure == "at least 20.0 dB"
    assert "no quiet pause" in found.advice


def test_one_line_names_what_forbids_it():
    m = with_recording(replace(good(), noise=None, offset=0.5), frames=RATE)
    with pytest.raises(RefusedError) as caught:
        raise_refused("a.wav", judge(m))
    text = str(caught.value)
    assert text.startswith("a.wav: length 1.00 s: give a reference of 3 to 10 s")
    assert text.endswith("(also wrong: signal-to-noise ratio)")


@pytest.mark.parametrize(
    ("count", "level", "says"), [(7, WARN, "too little"), (8, FINE, ""), (52, FINE, ""), (53, WARN, "too much")]
)
def test_text(count, level, says):
    found = judge_text(["AH0"] * count + ["."] * 40, frozenset(",."), 2.0)
    assert found.level is level
    assert says in found.advice


def test_text_without_speech():
    assert judge_text(["AH0"], frozenset(), 0.0).level is WARN
