"""The MQTT session: one connection that is always being kept or won back.

MQTT 3.1.1 with a clean session, so that it works with every broker; subscriptions at QoS 1. A command sent while the
device is away is not spoken later: its sender sees `offline`, and stale speech is worse than none. Announces `online`
and the state after every connect, because a broker may have lost what it retained. Nothing here blocks on speech:
callbacks only hand over.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from device.backoff import Backoff
from device.sockets import send_at_once
from device.topics import Topics

__all__ = ["Broker", "Session"]

log = logging.getLogger(__name__)

_KEEPALIVE_S = 30
_HANDSHAKE_S = 10.0
# A connection that held this long was a good one: two devices that fight over one id must not spin.
_STABLE_S = 10.0
_GOODBYE_S = 0.3
_TURN_S = 1.0
_MAX_QUEUED_EVENTS = 1000


@dataclass(frozen=True)
class Broker:
    """Where the broker is and how to be let in."""

    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Session:
    """Keeps the connection from `start` to `stop`. `on_say` and `on_stop` get the payload and the retain flag."""

    def __init__(
        self,
        broker: Broker,
        topics: Topics,
        client_id: str,
        *,
        on_say: Callable[[bytes, bool], None],
        on_stop: Callable[[bytes, bool], None],
        state: Callable[[], str],
        on_online: Callable[[], None] = lambda: None,
        backoff: Backoff | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker = broker
        self._topics = topics
        self._handlers = {topics.say: on_say, topics.stop: on_stop}
        self._state = state
        self._on_online = on_online
        self._backoff = backoff or Backoff()
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._online = threading.Event()
        self._why = ""
        self._complained = False
        self._client = self._make_client(client_id)
        self._thread = threading.Thread(target=self._keep, name="mqtt-session", daemon=True)

    def start(self) -> None:
        """Begin to connect; returns at once, broker or no broker."""
        self._thread.start()

    def stop(self) -> None:
        """Say `offline` if anyone listens, and leave. Takes under a second."""
        self._stopping.set()
        if self.online:
            farewell = self._client.publish(self._topics.status, b"offline", qos=1, retain=True)
            if farewell.rc == 0:
                farewell.wait_for_publish(_GOODBYE_S)
        self._client.disconnect()
        if self._thread.ident is not None:
            self._thread.join(_GOODBYE_S)
        if not self._thread.is_alive():
            self._client._reset_sockets()  # paho does so when it is collected, perhaps after its sockets have been

    @property
    def online(self) -> bool:
        """Whether the broker lets us hear and be heard."""
        return self._online.is_set()

    def publish_event(self, payload: bytes) -> None:
        """Publish on `<root>/event`; while the broker is away up to 1000 events wait for it."""
        self._client.publish(self._topics.event, payload, qos=1)

    def publish_state(self, phase: str) -> None:
        """Publish on `<root>/state`, retained; while the broker is away the next connect announces it anyway."""
        if self.online:
            self._client.publish(self._topics.state, phase.encode(), qos=1, retain=True)

    def _make_client(self, client_id: str) -> Client:
        client = Client(CallbackAPIVersion.VERSION2, client_id, clean_session=True, reconnect_on_failure=False)
        client.will_set(self._topics.status, b"offline", qos=1, retain=True)
        client.max_queued_messages_set(_MAX_QUEUED_EVENTS)
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, self._broker.password)
        if self._broker.tls is not None:
            client.tls_set_context(self._broker.tls)
        send_at_once(client)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._message
        client.on_disconnect = self._disconnected
        # With this hook set, paho wakes our loop when another thread publishes, instead of writing to the socket there.
        client.on_socket_register_write = lambda *_: None
        return client

    def _keep(self) -> None:
        while not self._stopping.is_set():
            began = self._monotonic()
            self._why = ""
            try:
                self._client.connect(self._broker.host, self._broker.port, keepalive=_KEEPALIVE_S)
            except OSError as error:
                self._complain(f"can't reach the MQTT broker at {self._broker} ({error.strerror or error})")
            else:
                self._serve(began)
            if self._monotonic() - began > _STABLE_S:
                self._backoff.reset()
            self._stopping.wait(self._backoff.next_s())

    def _serve(self, began: float) -> None:
        """Until this connection is over. A port that takes the connection but never answers is given up."""
        while self._client.loop(timeout=_TURN_S) == MQTTErrorCode.MQTT_ERR_SUCCESS:
            if not self.online and self._monotonic() - began > _HANDSHAKE_S:
                self._why = self._why or "it does not answer"
                self._client.disconnect()
        self._online.clear()
        if not self._stopping.is_set():
            self._complain(f"lost the MQTT broker at {self._broker} ({self._why or 'the connection broke'})")

    def _complain(self, what: str) -> None:
        """Once per outage: a log full of the same line hides what matters."""
        level = logging.DEBUG if self._complained else logging.WARNING
        log.log(level, "%s: trying again until it answers", what)
        self._complained = True

    def _connected(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._why = f"it refused: {reason}"
            return
        client.subscribe([(self._topics.say, 1), (self._topics.stop, 1)])

    def _subscribed(
        self, client: Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._why = f"it does not let us subscribe to {self._topics.root}"
            client.disconnect()
            return
        self._online.set()
        client.publish(self._topics.status, b"online", qos=1, retain=True)
        client.publish(self._topics.state, self._state().encode(), qos=1, retain=True)
        self._complained = False
        log.info("online at %s as %s", self._broker, self._topics.root)
        self._on_online()

    def _message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        handler = self._handlers.get(message.topic)
        if handler is not None:
            handler(bytes(message.payload), message.retain)

    def _disconnected(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, _reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._online.clear()
