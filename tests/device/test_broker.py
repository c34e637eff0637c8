"""The embedded broker: what the daemon needs of it, and what it is known to lack (docs/daemon.md names the same)."""

import builtins
import gc
import queue
import socket
import threading
import warnings

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from device.broker import BrokerStartError, EmbeddedBroker
from tests.device.parts import PATIENCE_S, Embedded, Listener, free_port


@pytest.fixture
def embedded():
    broker = Embedded().start()
    yield broker
    broker.stop()


@pytest.fixture
def listener(embedded):
    listener = Listener(embedded.port)
    yield listener
    listener.close()


def test_it_starts_and_stops_in_this_process():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # amqtt's own sockets, see docs/daemon.md
        broker = EmbeddedBroker(free_port())
        broker.start()
        listener = Listener(broker.port)
        listener.send("x", b"1")
        listener.value("x", b"1")
        listener.close()
        broker.stop()
        gc.collect()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", broker.port), timeout=1)


def test_a_taken_port_is_named():
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(BrokerStartError, match=f"port {port} .* is taken"):
        EmbeddedBroker(port).start()


def test_without_amqtt_it_says_what_to_install(monkeypatch):
    real_import = builtins.__import__

    def without(name, *arguments):
        if name.startswith("amqtt"):
            raise ImportError(name)
        return real_import(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BrokerStartError, match=r"pip install 'edge-tts-jetson\[broker\]'"):
        EmbeddedBroker(free_port()).start()


def test_it_listens_on_loopback_only(embedded):
    with socket.socket() as other:
        other.bind(("127.0.0.2", embedded.port))  # would fail if it listened on every address


def test_retained_messages_are_kept_replaced_and_cleared(embedded, listener):
    for payload in (b"one", b"two"):
        listener.send("keep", payload, retain=True)
        listener.value("keep", payload)
    late = Listener(embedded.port)
    try:
        message = late.value("keep", b"two")
        assert message.retain
    finally:
        late.close()
    listener.send("keep", b"", retain=True)
    listener.value("keep", b"")
    listener.send("other", b"end", retain=True)
    listener.value("other", b"end")
    late = Listener(embedded.port)
    try:
        late.value("other", b"end")
        assert [m.topic for m in late.heard] == ["test/kitchen/other"]
    finally:
        late.close()


def test_many_messages_keep_their_order(listener):
    for number in range(300):
        listener.send("count", str(number).encode())
    heard = [int(listener.expect(lambda m: m.topic.endswith("count")).payload) for _ in range(300)]
    assert heard == list(range(300))


def test_a_large_message_passes(listener):
    listener.send("large", b"x" * 1_000_000)
    assert len(listener.expect(lambda m: m.topic.endswith("large")).payload) == 1_000_000


def test_known_gap_no_mqtt_5(embedded):
    answers = queue.SimpleQueue()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False)
    client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.put(reason.is_failure)
    client.on_disconnect = lambda *_: answers.put(True)
    client.connect("127.0.0.1", embedded.port)
    thread = threading.Thread(target=client.loop_forever)
    thread.start()
    assert answers.get(timeout=PATIENCE_S) is True
    client.disconnect()
    thread.join(PATIENCE_S)
