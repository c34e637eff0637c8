"""The daemon's configuration: defaults, then a TOML file, then the environment, then the command line.

Pure but for reading the files it is given. ConfigError carries the one line that the user sees.
"""

from __future__ import annotations

import argparse
import dataclasses
import socket
import ssl
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.commands import MAX_PAYLOAD_BYTES
from device.names import clip, safe_name, unknown_name
from device.session import Broker
from device.topics import Topics, root_problem
from edge_tts.side_by_side import MAX_THREADS
from edge_tts.stopping import MAX_SECONDS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["ENGINES", "LOG_LEVELS", "Config", "ConfigError", "configure_parser", "default_device_id", "load_config"]

ENGINES = ("auto", "onnx", "tensorrt")
LOG_LEVELS = ("debug", "info", "warning", "error")
_ENVIRONMENT = {"EDGETTS_BROKER": "broker", "EDGETTS_PORT": "port", "EDGETTS_ROOT": "root"}


class ConfigError(ValueError):
    """The configuration can't be used; the message says which value and why."""


def default_device_id() -> str:
    """The host's name, made fit for a topic."""
    return safe_name(socket.gethostname(), "speaker")


@dataclass(frozen=True)
class Config:
    """Everything that can be set, under the names that the TOML file uses. An empty string means: not set; so does 0
    for `max_seconds`."""

    broker: str = "127.0.0.1"
    port: int = 1883
    username: str = ""
    password_file: str = ""
    tls: bool = False
    ca_file: str = ""
    embedded_broker: bool = False
    device_id: str = ""
    root: str = ""
    voice: str = "default"
    engine: str = "auto"
    threads: int = 1
    speaker: str = ""
    volume: float = 1.0
    speed: float = 1.0
    max_seconds: float = 0.0
    output: str = "auto"
    wav_folder: str = "spoken"
    sound_device: str = ""
    greeting: str = ""
    queue_size: int = 64
    max_payload_bytes: int = MAX_PAYLOAD_BYTES
    log_level: str = "info"

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} is {value}, but must be between {low} and {high}")
        if self.log_level not in LOG_LEVELS:
            raise ConfigError(unknown_name("log_level", self.log_level, LOG_LEVELS))
        if self.engine not in ENGINES:
            raise ConfigError(unknown_name("engine", self.engine, ENGINES))
        try:
            self.broker.encode("idna")
        except UnicodeError:
            raise ConfigError(f"broker is {clip(self.broker)}, which is no host name") from None
        if self.device_id and safe_name(self.device_id, "") != self.device_id:
            raise ConfigError(f"device_id is {clip(self.device_id)}, but may only hold up to 64 letters, digits, _, -")
        problem = root_problem(self.topics.root)
        if problem:
            raise ConfigError(f"root is {clip(self.root)}, but {problem}")

    @property
    def name(self) -> str:
        """The device id."""
        return self.device_id or default_device_id()

    @property
    def topics(self) -> Topics:
        """Where this device listens."""
        return Topics(self.root or f"edgetts/{self.name}")

    def broker_access(self) -> Broker:
        """Host, port and credentials; reads the password file. ConfigError: a file can't be read."""
        password = None
        if self.password_file:
            password = _read(self.password_file, "password_file").rstrip("\r\n")
        return Broker(self.broker, self.port, self.username or None, password, self._tls())

    def _tls(self) -> ssl.SSLContext | None:
        if not (self.tls or self.ca_file):
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file or None)
        except OSError as error:  # an SSLError is one too
            raise ConfigError(f"can't use the ca_file {self.ca_file}: {error.strerror or error}") from None


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("port", 1, 65535),
    ("threads", 1, MAX_THREADS),
    ("volume", 0.0, 1.0),
    ("speed", 0.5, 2.0),
    ("max_seconds", 0.0, MAX_SECONDS),
    ("queue_size", 1, 10_000),
    ("max_payload_bytes", 16, 1 << 24),
)


def configure_parser(parser: argparse.ArgumentParser) -> None:
    """Options of the command line; one that isn't given leaves the value to the other sources."""
    add = parser.add_argument
    unset = argparse.SUPPRESS
    add("--config", metavar="FILE", help="a TOML file with the names below, _ for -")
    add("--broker", metavar="HOST", default=unset, help="MQTT broker (127.0.0.1)")
    add("--port", type=int, default=unset, help="its port (1883)")
    add("--username", default=unset, help="user name at the broker")
    add("--password-file", metavar="FILE", default=unset, help="file with the password")
    add("--tls", action="store_true", default=unset, help="encrypt, trusting the system's authorities")
    add("--ca-file", metavar="FILE", default=unset, help="encrypt, trusting only this authority (PEM)")
    add("--embedded-broker", action="store_true", default=unset, help="run a broker of our own on 127.0.0.1")
    add("--device-id", metavar="ID", default=unset, help="name of this device (the host's name)")
    add("--root", metavar="TOPIC", default=unset, help="root of its topics (edgetts/ID)")
    add("--voice", metavar="NAME", default=unset, help="voice to load: a name or a bundle folder (default)")
    add("--engine", default=unset, help=f"{', '.join(ENGINES)} (auto)")
    add("--threads", type=int, metavar="N", default=unset, help="sentences made side by side, a core each (1)")
    add("--speaker", metavar="NAME", default=unset, help="who speaks when a command doesn't say")
    add("--volume", type=float, default=unset, help="0 to 1 (1)")
    add("--speed", type=float, default=unset, help="0.5 to 2 (1)")
    add("--max-seconds", type=float, metavar="S", default=unset, help="cut off what is not spoken by then (0: never)")
    add("--output", metavar="WHERE", default=unset, help="auto, speaker, or a folder for WAV files (auto)")
    add("--wav-folder", metavar="DIR", default=unset, help="folder that auto falls back to (./spoken)")
    add("--sound-device", metavar="NAME", default=unset, help="output device of PortAudio (the system's default)")
    add("--greeting", metavar="TEXT", default=unset, help="spoken once, when the broker is reached")
    add("--queue-size", type=int, metavar="N", default=unset, help="how many may wait (64)")
    add("--max-payload-bytes", type=int, metavar="N", default=unset, help="largest command (65536)")
    add("--log-level", default=unset, help=f"{', '.join(LOG_LEVELS)} (info)")


def load_config(options: argparse.Namespace, environment: Mapping[str, str]) -> Config:
    """Put the sources together. ConfigError: one of them is wrong."""
    given = vars(options).copy()
    path = given.pop("config", None)
    values: dict[str, Any] = _from_toml(path) if path else {}
    for variable, name in _ENVIRONMENT.items():
        if environment.get(variable):
            values[name] = _from_environment(variable, environment[variable], name)
    return Config(**values | given)


def _from_toml(path: str) -> dict[str, Any]:
    text = _read(path, "config")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    types = {field.name: type(field.default) for field in dataclasses.fields(Config)}
    for key, value in values.items():
        if key not in types:
            raise ConfigError(f"{path}: {unknown_name('key', key, types)}")
        if types[key] is float and type(value) is int:
            values[key] = float(value)
        elif type(value) is not types[key]:
            raise ConfigError(f"{path}: {key} is {clip(value)}, not a {_WORDS[types[key]]}")
    return values


_WORDS: dict[type, str] = {str: "string", int: "whole number", float: "number", bool: "true or false"}


def _from_environment(variable: str, value: str, name: str) -> str | int:
    if name != "port":
        return value
    try:
        return int(value)
    except ValueError:
        raise ConfigError(f"{variable} is {clip(value)}, not a port number") from None


def _read(path: str, what: str) -> str:
    try:
        return Path(path).expanduser().read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"can't read the {what} {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"the {what} {path} is not UTF-8 text") from None
