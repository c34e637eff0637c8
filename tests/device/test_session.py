"""Losing and finding the broker, with a real one that is killed."""

import logging
import socket
import threading

import pytest

from device.backoff import Backoff
from device.session import Broker
from tests.device.parts import PATIENCE_S, Listener, Mosquitto, free_port, mosquitto_program


def hasty():
    """A back-off that a test can wait for."""
    return Backoff(base_s=0.02, cap_s=0.05)


@pytest.fixture
def online():
    return threading.Event()


def test_the_broker_is_killed_and_comes_back(mosquitto, make_device, online, caplog):
    caplog.set_level(logging.WARNING)
    device = make_device(mosquitto.port, backoff=hasty(), on_online=online.set)
    assert online.wait(PATIENCE_S)
    online.clear()
    mosquitto.kill()  # what it retained is gone with it
    mosquitto.start()
    assert online.wait(PATIENCE_S)
    listener = Listener(mosquitto.port)
    try:
        listener.told(status=b"online", state=b"idle")
        listener.send("say", {"id": "a", "text": "back again"})
        listener.event("finished", "a")
    finally:
        listener.close()
    assert device.voice.spoken == [("back again", "low")]
    assert sum("lost the MQTT broker" in record.message for record in caplog.records) == 1


def test_events_of_an_outage_arrive_after_it(mosquitto, make_device, online):
    may_return = threading.Event()
    backoff = Backoff(base_s=0.01, random_=lambda: may_return.wait(PATIENCE_S) * 1.0)
    device = make_device(mosquitto.port, backoff=backoff, on_online=online.set)
    assert online.wait(PATIENCE_S)
    mosquitto.kill()
    device.daemon.say("spoken while nobody hears the events")
    while device.daemon.phase != "idle" or not device.voice.spoken:
        threading.Event().wait(0.01)
    mosquitto.start()
    listener = Listener(mosquitto.port)
    may_return.set()
    try:
        id_ = listener.event("accepted")["id"]
        listener.event("finished", id_)
        assert listener.story(id_) == ["accepted", "started", "first_audio", "finished"]
    finally:
        listener.close()


@pytest.mark.skipif(not mosquitto_program(), reason="no mosquitto here")
def test_a_broker_that_is_down_at_the_start_is_waited_for_and_named_once(tmp_path, make_device, online, caplog):
    caplog.set_level(logging.WARNING)
    attempts = threading.Semaphore(0)

    def random_():
        attempts.release()
        return 1.0

    broker = Mosquitto(tmp_path)
    make_device(broker.port, backoff=Backoff(base_s=0.01, cap_s=0.02, random_=random_), on_online=online.set)
    for _ in range(5):
        assert attempts.acquire(timeout=PATIENCE_S)
    assert not online.is_set()
    lines = [record.message for record in caplog.records]
    assert lines == [
        f"can't reach the MQTT broker at 127.0.0.1:{broker.port} (Connection refused): trying again until it answers"
    ]
    broker.start()
    assert online.wait(PATIENCE_S)
    broker.stop()


@pytest.mark.skipif(not mosquitto_program(), reason="no mosquitto here")
def test_a_refusal_is_told_and_is_not_a_connection(tmp_path, make_device, online, caplog):
    caplog.set_level(logging.WARNING)
    attempts = threading.Semaphore(0)

    def random_():
        attempts.release()
        return 1.0

    broker = Mosquitto(tmp_path, "allow_anonymous false").start()
    backoff = Backoff(base_s=0.01, cap_s=0.02, random_=random_)
    device = make_device(
        broker.port,
        access=Broker("127.0.0.1", broker.port, "me", "wrong"),
        backoff=backoff,
        on_online=online.set,
    )
    for _ in range(3):
        assert attempts.acquire(timeout=PATIENCE_S)
    assert not device.session.online
    assert not online.is_set()
    (line,) = [record.message for record in caplog.records]
    assert "it refused: Not authorized" in line
    device.close()
    broker.stop()


def test_a_host_that_has_no_address(make_device, caplog):
    caplog.set_level(logging.WARNING)
    attempts = threading.Semaphore(0)

    def random_():
        attempts.release()
        return 1.0

    make_device(1883, access=Broker("no-such-host.invalid"), backoff=Backoff(base_s=0.01, cap_s=0.02, random_=random_))
    assert attempts.acquire(timeout=PATIENCE_S)
    assert "can't reach the MQTT broker at no-such-host.invalid:1883" in caplog.records[0].message


def test_a_port_that_takes_the_connection_and_says_nothing(make_device, monkeypatch, caplog):
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr("device.session._HANDSHAKE_S", 0.1)
    told = threading.Event()

    def random_():
        told.set()
        return 1.0

    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        device = make_device(port, backoff=Backoff(base_s=5.0, random_=random_))
        assert told.wait(PATIENCE_S)
        assert "it does not answer" in caplog.records[0].message
        device.close()


def test_stop_before_any_broker_was_found(make_device):
    device = make_device(free_port())
    device.close()
