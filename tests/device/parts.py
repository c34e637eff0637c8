"""Parts that the daemon's tests are made of: brokers on free ports, a listener, a voice that hums."""

from __future__ import annotations

import contextlib
import json
import queue
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from device.sockets import send_at_once
from edge_tts import AudioChunk
from edge_tts.errors import ParameterError, SynthesisError, TextError
from edge_tts.stopping import StopSign

PATIENCE_S = 10.0
ROOT = "test/kitchen"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_port(port):
    """Return when something listens there. The only poll here: a port tells nobody that it opened."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise AssertionError(f"nothing listens at port {port}")


def mosquitto_program():
    # Debian puts it where only root's PATH looks.
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Mosquitto:
    """A real broker; what it retains is lost when it is killed, as by default."""

    def __init__(self, folder, *lines, port=None):
        self.port = port or free_port()
        access = lines or ("allow_anonymous true",)
        self._config = folder / f"mosquitto-{self.port}.conf"
        self._config.write_text("\n".join((f"listener {self.port} 127.0.0.1", *access)) + "\n")
        self._process = None

    def start(self):
        self._process = subprocess.Popen(
            [mosquitto_program(), "-c", self._config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            await_port(self.port)
        except AssertionError:
            self.kill()
            raise
        return self

    def kill(self):
        self._process.kill()
        self._process.wait(PATIENCE_S)

    def stop(self):
        self._process.terminate()
        self._process.wait(PATIENCE_S)


class Embedded:
    """The daemon's own broker, with the same handles.

    In a process of its own: amqtt leaves some sockets for the garbage collector to close, which would be reported as a
    fault of whatever test runs at that moment.
    """

    def __init__(self, *_):
        self.port = free_port()
        self._process = None

    def start(self):
        program = Path(__file__).with_name("embedded_broker.py")
        self._process = subprocess.Popen(
            [sys.executable, program, str(self.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout.readline() == b"ready\n"
        return self

    def stop(self):
        self._process.communicate(timeout=PATIENCE_S)  # closes its standard input, which ends it
        assert self._process.returncode == 0


@dataclass(frozen=True)
class Message:
    topic: str
    payload: bytes
    retain: bool

    @property
    def event(self):
        return json.loads(self.payload) if self.topic.endswith("/event") else {}


class Listener:
    """A client that hears everything below ROOT and speaks for the test."""

    def __init__(self, port, **credentials):
        self.messages = queue.SimpleQueue()
        self.heard = []
        self._client = Client(CallbackAPIVersion.VERSION2, clean_session=True)
        self._client.reconnect_delay_set(1, 1)
        if credentials:
            self._client.username_pw_set(**credentials)
        send_at_once(self._client)
        ready = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(f"{ROOT}/#", qos=1)
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.on_message = lambda _client, _data, m: self.messages.put(Message(m.topic, m.payload, m.retain))
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert ready.wait(PATIENCE_S)

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()  # paho does so when it is collected, perhaps after its sockets have been

    def send(self, topic, payload=b"", *, retain=False, qos=1):
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self._client.publish(f"{ROOT}/{topic}", data, qos=qos, retain=retain).wait_for_publish(PATIENCE_S)

    def expect(self, wanted, what="a message"):
        """The first message from now on for which `wanted` is true."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                message = self.messages.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                heard = "\n".join(f"  {m.topic} {m.payload[:200]!r}" for m in self.heard)
                raise AssertionError(f"waited in vain for {what}; heard:\n{heard}") from None
            self.heard.append(message)
            if wanted(message):
                return message

    def retained(self, **values):
        """Waits until the broker has handed over these retained values, in whichever order it sends them."""
        self._all(values, lambda message: message.retain)

    def told(self, **values):
        """The same, but what is published only now counts as well."""
        self._all(values, lambda message: True)

    def _all(self, values, counts):
        wanted = {(f"{ROOT}/{topic}", payload) for topic, payload in values.items()}
        while wanted:
            message = self.expect(lambda m: counts(m) and (m.topic, m.payload) in wanted, f"{wanted}")
            wanted.remove((message.topic, message.payload))

    def value(self, topic, payload):
        """Wait until `topic` says `payload`."""
        return self.expect(lambda m: m.topic == f"{ROOT}/{topic}" and m.payload == payload, f"{topic} {payload!r}")

    def event(self, name, id_=None):
        """Wait for an event of that name (and id); returns its fields."""
        return self.expect(
            lambda m: m.event.get("event") == name and id_ in (None, m.event.get("id")), f"event {name} {id_}"
        ).event

    def story(self, id_):
        """Names of the events heard so far for an id, in order."""
        return [m.event["event"] for m in self.heard if m.event.get("id") == id_]


@dataclass(frozen=True)
class Humming:
    language: str = "en"


class SineVoice:
    """Hums a second for any text. `forever` hums until it is stopped or its time is over, `fail` and `weird` meet an
    error."""

    name = "sine"
    sample_rate = 24000
    default_speaker = "low"
    speakers = {"low": Humming(), "high": Humming()}  # noqa: RUF012 — never changed

    def __init__(self):
        self.spoken = []

    def synthesize(self, text, *, speaker=None, speed=1.0, seed=None, cancel=None, max_seconds=None):
        if text == "weird":
            raise TextError("nothing in the text can be spoken")
        if not 0.5 <= speed <= 2.0:
            raise ParameterError(f"speed is {speed}")
        cancel = cancel or threading.Event()
        return self._hum(text, speaker, cancel, StopSign(cancel, max_seconds))

    def _hum(self, text, speaker, cancel, stopped):
        self.spoken.append((text, speaker))
        time_s = np.arange(2400) / self.sample_rate
        hz = {"low": 220.0, "high": 440.0}[speaker]
        samples = (0.3 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32)
        count = 0
        while count < 10 or text == "forever":
            if text == "fail" and count == 3:
                raise SynthesisError("no attempt gave a sound utterance")
            if stopped() or (text == "forever" and count >= 10 and cancel.wait(0.02)):
                return
            yield AudioChunk(samples, self.sample_rate, 0, 1)
            count += 1
