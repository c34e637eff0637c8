import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from device.daemon import Daemon
from device.offer import Offer
from device.session import Broker, Session
from device.topics import Topics
from device.wav_folder import WavFolder
from tests.device.parts import PATIENCE_S, ROOT, Embedded, Listener, Mosquitto, SineVoice, mosquitto_program

NO_MOSQUITTO = "no mosquitto here: the embedded broker serves"


@pytest.fixture(autouse=True)
def no_leaked_threads():
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), f"{thread.name} is still running"


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request, tmp_path):
    if request.param == "mosquitto" and not mosquitto_program():
        pytest.skip(NO_MOSQUITTO)
    broker = (Mosquitto if request.param == "mosquitto" else Embedded)(tmp_path).start()
    yield broker
    broker.stop()


@pytest.fixture
def mosquitto(tmp_path):
    """A broker that can be killed and started again."""
    if not mosquitto_program():
        pytest.skip(NO_MOSQUITTO)
    broker = Mosquitto(tmp_path).start()
    yield broker
    broker.stop()


@pytest.fixture
def listener(broker):
    listener = Listener(broker.port)
    yield listener
    listener.close()


class Device:
    """The daemon and its session in this process, writing WAV files."""

    def __init__(self, port, folder, **options):
        self.voice = SineVoice()
        self.folder = folder
        session_options = {key: options.pop(key) for key in ("backoff", "on_online") if key in options}
        access = options.pop("access", Broker("127.0.0.1", port))
        self.daemon = Daemon(
            self.voice,
            options.pop("sink", None) or WavFolder(folder),
            Offer("sine", {"low": "en", "high": "en"}, "low"),
            publish_event=lambda payload: self.session.publish_event(payload),
            publish_state=lambda phase: self.session.publish_state(phase),
            **options,
        )
        self.session = Session(
            access,
            Topics(ROOT),
            "edgettsd-test",
            on_say=self.daemon.on_say,
            on_stop=self.daemon.on_stop,
            state=lambda: self.daemon.phase,
            **session_options,
        )

    def start(self):
        self.daemon.start()
        self.session.start()
        return self

    def close(self):
        self.daemon.close()
        self.session.stop()


@pytest.fixture
def make_device(tmp_path):
    devices = []

    def make(port, **options):
        devices.append(Device(port, tmp_path / "spoken", **options).start())
        return devices[-1]

    yield make
    for device in devices:
        device.close()


@pytest.fixture
def device(broker, listener, make_device):
    device = make_device(broker.port)
    listener.value("status", b"online")
    return device


@pytest.fixture
def edgettsd(tmp_path):
    """Starts the daemon as a process; returns it. `stderr` holds its log."""
    processes = []

    def start(*arguments, environment=None):
        program = Path(__file__).with_name("humming_daemon.py")
        process = subprocess.Popen(
            [sys.executable, program, "--root", ROOT, "--output", str(tmp_path / "spoken"), *arguments],
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, **(environment or {})},
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait(PATIENCE_S)
        process.stderr.close()
