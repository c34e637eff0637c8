"""The daemon at a real broker: Mosquitto, and the embedded one, which must do as well."""

import json
import wave
from pathlib import Path

import numpy as np
import pytest

from device.queue import Limits
from tests.device.parts import Listener


def test_a_bare_string_is_spoken(device, listener):
    listener.value("state", b"idle")
    listener.send("say", b"Dinner is ready.")
    accepted = listener.event("accepted")
    finished = listener.event("finished", accepted["id"])
    listener.value("state", b"idle")
    assert listener.story(accepted["id"]) == ["accepted", "started", "first_audio", "finished"]
    assert device.voice.spoken == [("Dinner is ready.", "low")]
    states = [m.payload for m in listener.heard if m.topic.endswith("/state")]
    assert states == [b"idle", b"synthesizing", b"speaking", b"idle"]
    assert finished["audio_ms"] == 1000
    with wave.open(finished["file"]) as file:
        assert file.getnframes() == 24000
    times = [m.event["t_ms"] for m in listener.heard if m.event]
    assert times == sorted(times)
    assert all(isinstance(t_ms, int) for t_ms in times)


def test_a_json_command_is_spoken_as_it_says(device, listener):
    listener.send("say", {"v": 1, "id": "a", "text": "Hi.", "voice": "high", "volume": 0.5, "speed": 1.5, "lang": "en"})
    finished = listener.event("finished", "a")
    assert device.voice.spoken == [("Hi.", "high")]
    with wave.open(finished["file"]) as file:
        samples = np.frombuffer(file.readframes(24000), dtype="<i2")
    assert 0.14 < samples.max() / 32767 < 0.16


def test_qos_0_without_an_id_as_home_assistant_sends_it(device, listener):
    listener.send("say", b"From notify.", qos=0)
    listener.event("finished")


def test_first_in_first_out(device, listener):
    for id_ in "abc":
        listener.send("say", {"id": id_, "text": f"text {id_}"})
    listener.event("finished", "c")
    assert [text for text, _ in device.voice.spoken] == ["text a", "text b", "text c"]


def test_the_same_id_is_spoken_once(device, listener):
    for _ in range(2):
        listener.send("say", {"id": "a", "text": "once"})
    listener.event("duplicate", "a")
    listener.send("say", {"id": "b", "text": "after"})
    listener.event("finished", "b")
    assert [text for text, _ in device.voice.spoken] == ["once", "after"]


def test_stop_one_then_all(device, listener):
    listener.send("say", {"id": "a", "text": "forever"})
    listener.event("first_audio", "a")
    for id_ in "bcd":
        listener.send("say", {"id": id_, "text": f"text {id_}"})
    listener.event("accepted", "d")
    listener.send("stop", {"id": "c"})
    listener.event("interrupted", "c")
    listener.send("stop", {"id": "ghost"})
    assert "'ghost' neither waits nor speaks" in listener.event("rejected")["reason"]
    listener.send("stop")
    listener.event("interrupted", "a")
    listener.value("state", b"idle")
    assert listener.story("d") == ["accepted", "interrupted"]
    assert [text for text, _ in device.voice.spoken] == ["forever"]
    assert list(device.folder.iterdir()) == []
    listener.send("say", {"id": "e", "text": "afterwards"})
    listener.event("finished", "e")


def test_the_home_assistant_button_stops(device, listener):
    listener.send("say", {"id": "a", "text": "forever"})
    listener.event("first_audio", "a")
    listener.send("stop", b"PRESS", qos=0)
    listener.event("interrupted", "a")


def test_a_failed_utterance_is_told_and_the_next_one_is_spoken(device, listener):
    listener.send("say", {"id": "a", "text": "fail"})
    assert listener.event("failed", "a")["reason"] == "no attempt gave a sound utterance"
    listener.value("state", b"error")
    listener.send("say", {"id": "b", "text": "weird"})
    assert listener.event("failed", "b")["reason"] == "nothing in the text can be spoken"
    listener.value("state", b"idle")
    listener.send("say", {"id": "c", "text": "fine"})
    listener.event("finished", "c")
    assert [Path(path).suffix for path in device.folder.iterdir()] == [".wav"]


def test_what_takes_too_long_is_cut_off(device, listener):
    listener.send("say", {"id": "a", "text": "forever", "max_seconds": 0.2})
    assert "not spoken within 0.2 s" in listener.event("failed", "a")["reason"]
    listener.value("state", b"idle")
    assert list(device.folder.iterdir()) == []
    listener.send("say", {"id": "b", "text": "in time", "max_seconds": 1000})
    listener.event("finished", "b")


def test_expired(device, listener):
    listener.send("say", {"id": "a", "text": "old news", "expires_at": 1_000_000_000})
    listener.event("expired", "a")
    listener.send("say", {"id": "b", "text": "news", "expires_at": 4_000_000_000})
    listener.event("finished", "b")
    assert [text for text, _ in device.voice.spoken] == ["news"]


def test_a_full_queue(broker, listener, make_device):
    make_device(broker.port, limits=Limits(waiting=1))
    listener.value("status", b"online")
    listener.send("say", {"id": "a", "text": "forever"})
    listener.event("started", "a")
    for id_ in "bc":
        listener.send("say", {"id": id_, "text": "text"})
    assert listener.event("rejected", "c")["reason"] == "the queue is full: 1 are waiting"


BAD_SAYS = [
    (b"", "the text is empty"),
    (b"   ", "the text is empty"),
    (b'{"text": ""}', "the text is empty"),
    (b"\xc3\x28", "not UTF-8"),
    (b'{"text": "cut', "begins like JSON but is not"),
    (b'{"txt": "x"}', "unknown key 'txt': did you mean 'text'?"),
    (b'{"text": 1}', "text is 1, not a string"),
    (b'{"text": "x", "voice": "nobody"}', "unknown voice 'nobody'"),
    (b'{"text": "x", "mode": "replace"}', "mode 'replace' is not in this version"),
    (b"x" * 70_000, "the payload has 70000 bytes, more than the 65536 allowed"),
]


@pytest.mark.parametrize(("payload", "reason"), BAD_SAYS, ids=range(len(BAD_SAYS)))
def test_bad_input_is_told_and_the_daemon_goes_on(device, listener, payload, reason):
    listener.send("say", payload)
    assert reason in listener.event("rejected")["reason"]
    listener.send("say", b"still there")
    listener.event("finished")
    assert [text for text, _ in device.voice.spoken] == ["still there"]


def test_bad_stops_are_told_too(device, listener):
    listener.send("stop", b"everything, please")
    assert "a stop is empty or" in listener.event("rejected")["reason"]


def test_a_retained_say_is_refused_at_every_connect(broker, listener, make_device):
    listener.send("say", {"id": "r", "text": "again and again"}, retain=True)
    for _ in range(2):
        device = make_device(broker.port)
        rejected = listener.event("rejected", "r")
        assert "a retained say would be spoken again" in rejected["reason"]
        listener.send("say", b"live")
        listener.event("finished")
        assert [text for text, _ in device.voice.spoken] == ["live"]
        device.close()
        listener.value("status", b"offline")


def test_status_and_state_are_retained(device, broker, listener):
    listener.value("state", b"idle")
    late = Listener(broker.port)
    try:
        late.retained(status=b"online", state=b"idle")
        device.close()
        late.value("status", b"offline")
    finally:
        late.close()
    later = Listener(broker.port)
    try:
        assert later.value("status", b"offline").retain
    finally:
        later.close()


def test_shutting_down_interrupts_and_says_so(device, listener):
    listener.send("say", {"id": "a", "text": "forever"})
    listener.event("first_audio", "a")
    listener.send("say", {"id": "b", "text": "never"})
    listener.event("accepted", "b")
    device.close()
    listener.event("interrupted", "b")
    listener.event("interrupted", "a")
    listener.value("status", b"offline")


def test_a_disk_that_fails_is_a_failed_event(device, listener):
    device.folder.rmdir()
    listener.send("say", {"id": "a", "text": "text"})
    assert "can't write" in listener.event("failed", "a")["reason"]
    listener.value("state", b"error")
    device.folder.mkdir()
    listener.send("say", {"id": "b", "text": "text"})
    listener.event("finished", "b")


def test_events_are_json_of_the_documented_shape(device, listener):
    listener.send("say", json.dumps({"id": "ü-1", "text": "x"}).encode())
    accepted = listener.event("accepted", "ü-1")
    assert accepted.keys() == {"id", "event", "t_ms", "ahead"}
    assert listener.event("finished", "ü-1").keys() == {"id", "event", "t_ms", "audio_ms", "file"}
