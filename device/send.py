"""`edgetts send`: make a speaker say something over MQTT and tell how it went."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from device.names import clip
from device.sockets import send_at_once
from device.topics import FINAL_EVENTS, Topics, root_problem
from edge_tts.command import EXIT_FAILURE, EXIT_OK, EXIT_USAGE, Command

__all__ = ["command"]

_CONNECT_S = 5.0


@dataclass
class _Conversation:
    """What the broker has told us so far. Guarded by `changed`."""

    topics: Topics
    id: str
    changed: threading.Condition = field(default_factory=threading.Condition)
    subscribed: bool = False
    refused: str | None = None
    online: set[str] = field(default_factory=set)
    gone: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)

    def on_connect(self, client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            with self.changed:
                self.refused = str(reason)
                self.changed.notify_all()
            return
        client.subscribe([(self.topics.event, 1), (self.topics.status, 1), ("edgetts/+/status", 1)])

    def on_subscribe(self, _client: Client, _data: Any, _mid: int, _reasons: Any, _properties: Any) -> None:
        with self.changed:
            self.subscribed = True
            self.changed.notify_all()

    def on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with self.changed:
            if message.topic.endswith("/status"):
                root = message.topic.removesuffix("/status")
                alive = message.payload == b"online"
                (self.online.add if alive else self.online.discard)(root)
                self.gone = self.gone or (root == self.topics.root and not alive)
            elif message.topic == self.topics.event:
                self._event(message.payload)
            self.changed.notify_all()

    def _event(self, payload: bytes | bytearray) -> None:
        try:
            event = json.loads(payload)
        except (ValueError, RecursionError):
            return  # not from one of our speakers
        if isinstance(event, dict) and event.get("id") == self.id and isinstance(event.get("event"), str):
            self.events.append(event)
            self.gone = False  # what was retained of an earlier death

    @property
    def fate(self) -> dict[str, Any] | None:
        return next((event for event in self.events if event["event"] in FINAL_EVENTS), None)


def _configure(parser: argparse.ArgumentParser) -> None:
    from device.config import default_device_id

    add = parser.add_argument
    add("text", nargs="?", help="what to say; read from standard input when absent")
    add("--host", default=os.environ.get("EDGETTS_BROKER") or "127.0.0.1", help="MQTT broker (127.0.0.1)")
    add("--port", type=int, default=os.environ.get("EDGETTS_PORT") or "1883", help="its port (1883)")
    add("--username", help="user name at the broker")
    add("--password-file", metavar="FILE", help="file with the password")
    default_root = os.environ.get("EDGETTS_ROOT") or f"edgetts/{default_device_id()}"
    add("--root", default=default_root, help=f"root of the speaker's topics ({default_root})")
    add("--voice", "--speaker", metavar="NAME", help="who speaks")
    add("--volume", type=float, help="0 to 1")
    add("--speed", type=float, help="0.5 to 2")
    add("--max-seconds", type=float, metavar="S", help="cut off what is not spoken by then (0: never)")
    add("--priority", help="low, normal or alert")
    add("--id", help="id of this utterance; the same id is spoken only once")
    add("--wait", action=argparse.BooleanOptionalAction, default=True, help="return when it has been spoken")
    add("--timeout", type=float, default=5.0, metavar="S", help="how long to wait for the speaker's answer (5)")


def _payload(options: argparse.Namespace, text: str, id_: str) -> bytes:
    fields = {"v": 1, "id": id_, "text": text}
    optional = {key: getattr(options, key) for key in ("voice", "volume", "speed", "max_seconds", "priority")}
    return json.dumps(fields | {key: value for key, value in optional.items() if value is not None}).encode()


def _run(options: argparse.Namespace) -> int:
    problem = root_problem(options.root)
    if problem:
        return _say_why(f"--root is {clip(options.root)}, but {problem}", EXIT_USAGE)
    text = options.text if options.text is not None else sys.stdin.read()
    talk = _Conversation(Topics(options.root), options.id or uuid.uuid4().hex[:12])
    client = Client(CallbackAPIVersion.VERSION2, clean_session=True, reconnect_on_failure=False)
    send_at_once(client)
    client.on_connect, client.on_subscribe, client.on_message = talk.on_connect, talk.on_subscribe, talk.on_message
    try:
        if options.username:
            client.username_pw_set(options.username, _password(options.password_file))
        client.connect(options.host, options.port)
    except (OSError, ValueError) as error:
        where = f"{options.host}:{options.port}"
        return _say_why(f"can't reach an MQTT broker at {where} ({error}): is edgettsd or a broker running there?")
    client.loop_start()
    try:
        return _converse(client, talk, _payload(options, text, talk.id), options)
    finally:
        client.disconnect()
        client.loop_stop()


def _password(path: str | None) -> str | None:
    if path is None:
        return None
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 — nothing else of a path is needed
        return file.read().rstrip("\r\n")


def _converse(client: Client, talk: _Conversation, payload: bytes, options: argparse.Namespace) -> int:
    with talk.changed:
        talk.changed.wait_for(lambda: talk.subscribed or talk.refused, _CONNECT_S)
        if talk.refused or not talk.subscribed:
            where = f"{options.host}:{options.port}"
            return _say_why(f"the MQTT broker at {where} refused us ({talk.refused or 'no answer'})")
    client.publish(talk.topics.say, payload, qos=1)
    with talk.changed:
        talk.changed.wait_for(lambda: talk.events, options.timeout)
        if not talk.events:
            others = ", ".join(sorted(talk.online - {options.root}))
            hint = f"online are: {others} (choose with --root)" if others else "is edgettsd running?"
            return _say_why(f"no speaker answers at {options.root}: {hint}")
        if options.wait:
            # An utterance takes as long as it takes, but a speaker that has gone won't finish it.
            talk.changed.wait_for(lambda: talk.fate or talk.gone)
        return _tell(talk)


def _tell(talk: _Conversation) -> int:
    last = talk.fate or talk.events[-1]
    name = last["event"]
    if name == "finished":
        seconds = f"{last['audio_ms'] / 1000:.1f} s" if isinstance(last.get("audio_ms"), int) else ""
        place = f", in {last['file']}" if "file" in last else ""
        sys.stdout.write(f"spoken: {seconds}{place}\n")
        return EXIT_OK
    if talk.fate is None and talk.gone:
        return _say_why(f"the speaker at {talk.topics.root} went offline before it had spoken")
    if talk.fate is None:
        sys.stdout.write(f"{name}: {talk.id}\n")
        return EXIT_OK
    return _say_why(f"{name}: {last.get('reason', 'no reason given')}")


def _say_why(line: str, code: int = EXIT_FAILURE) -> int:
    sys.stderr.write(f"edgetts send: {line}\n")
    return code


command = Command(
    name="send",
    help="make a speaker say something over MQTT",
    configure=_configure,
    run=_run,
)
