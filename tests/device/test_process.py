"""`edgettsd` as a process: signals, sudden death, and what it says when it can't run."""

import signal
import socket
import time

import pytest

from tests.device.parts import PATIENCE_S, ROOT, Listener, free_port


def lines(process):
    """What a process that has ended wrote."""
    return process.stderr.read().splitlines()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once(broker, listener, edgettsd, number):
    process = edgettsd("--port", str(broker.port))
    listener.value("status", b"online")
    listener.send("say", {"id": "a", "text": "forever"})
    listener.event("first_audio", "a")
    began = time.monotonic()
    process.send_signal(number)
    assert process.wait(PATIENCE_S) == 0
    # It takes 0.2 s; on a machine that is busy with other things a test that asks for less than this fails by chance.
    assert time.monotonic() - began < 3.0
    listener.event("interrupted", "a")
    listener.value("status", b"offline")


def test_kill_9_is_seen_as_offline(broker, listener, edgettsd):
    process = edgettsd("--port", str(broker.port))
    listener.value("status", b"online")
    process.kill()
    listener.value("status", b"offline")
    late = Listener(broker.port)
    try:
        assert late.value("status", b"offline").retain
    finally:
        late.close()


def test_the_embedded_broker_and_the_greeting(edgettsd):
    port = free_port()
    process = edgettsd("--embedded-broker", "--greeting", "Hello.", environment={"EDGETTS_PORT": str(port)})
    log = []
    while len(log) < 5:  # folder, online, two ways to speak, finished; the test's own time limit is the reader's
        log.append(process.stderr.readline())
        assert log[-1], "".join(log)
    text = "".join(log)
    assert "writing WAV files to" in log[0]
    assert "finished" in text
    assert f"mosquitto_pub -h 127.0.0.1 -p {port} -t {ROOT}/say -m 'It works.'" in text
    assert f"send 'It works.' --port {port} --root {ROOT}" in text
    listener = Listener(port)
    try:
        assert listener.value("status", b"online").retain
        listener.send("say", b"More.")
        listener.event("finished")
    finally:
        listener.close()
    process.terminate()
    assert process.wait(PATIENCE_S) == 0


def test_a_taken_port_is_one_line(edgettsd):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        process = edgettsd("--embedded-broker", "--port", str(port))
        assert process.wait(PATIENCE_S) == 1
    (line,) = lines(process)
    assert line.startswith(f"edgettsd: port {port} on 127.0.0.1 is taken: choose another with --port or EDGETTS_PORT")


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["--port", "0"], 2, "port is 0, but must be between 1 and 65535"),
        (["--config", "/none.toml"], 2, "can't read the config /none.toml: No such file or directory"),
        (["--speaker", "lo"], 1, "unknown speaker 'lo': did you mean 'low'?"),
        (["--output", "/dev/null/x"], 1, "can't make the folder /dev/null/x"),
    ],
)
def test_what_it_cannot_start_with_is_one_line(edgettsd, arguments, code, reason):
    process = edgettsd(*arguments)
    assert process.wait(PATIENCE_S) == code
    (line,) = lines(process)
    assert line.startswith("edgettsd: ")
    assert reason in line
