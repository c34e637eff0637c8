"""`edgetts send`, against the daemon at a real broker."""

import argparse
import io
import socket
import sys
import threading

import pytest

from device.send import command
from tests.device.parts import ROOT, free_port


def send(port, *arguments):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return command.run(parser.parse_args(["--port", str(port), "--root", ROOT, "--timeout", "10", *arguments]))


def test_it_waits_until_it_has_been_spoken(broker, device, capsys):
    assert send(broker.port, "Dinner is ready.", "--speaker", "high", "--volume", "0.5") == 0
    assert device.voice.spoken == [("Dinner is ready.", "high")]
    assert capsys.readouterr().out.startswith("spoken: 1.0 s, in /")


def test_the_text_comes_from_standard_input(broker, device, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("Piped.\n"))
    assert send(broker.port) == 0
    assert device.voice.spoken == [("Piped.\n", "low")]


def test_no_wait_returns_when_it_is_accepted(broker, device, listener, capsys):
    assert send(broker.port, "forever", "--id", "a", "--no-wait") == 0
    assert "a" in capsys.readouterr().out
    listener.event("first_audio", "a")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["", "--id", "a"], "rejected: the text is empty"),
        (["x", "--speaker", "nobody"], "rejected: unknown voice 'nobody'"),
        (["x", "--volume", "7"], "rejected: volume is 7.0, but must be between 0 and 1"),
        (["x", "--max-seconds", "-1"], "rejected: max_seconds is -1.0"),
        (["forever", "--max-seconds", "0.1"], "failed: the text was not spoken within 0.1 s"),
        (["fail"], "failed: no attempt gave a sound utterance"),
    ],
)
def test_what_goes_wrong_is_one_line(broker, device, capsys, arguments, reason):
    assert send(broker.port, *arguments) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"edgetts send: {reason}")


def test_a_duplicate_is_told(broker, device, capsys):
    assert send(broker.port, "once", "--id", "a") == 0
    assert send(broker.port, "once", "--id", "a") == 1
    assert "duplicate" in capsys.readouterr().err


def test_no_broker(capsys):
    port = free_port()
    assert send(port, "x") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert f"can't reach an MQTT broker at 127.0.0.1:{port}" in line
    assert "Connection refused" in line


def test_no_speaker(broker, capsys):
    assert send(broker.port, "x", "--timeout", "0.3") == 1
    assert f"no speaker answers at {ROOT}: is edgettsd running?" in capsys.readouterr().err


def test_no_speaker_there_but_another_one(broker, listener, capsys):
    listener._client.publish("edgetts/bedroom/status", b"online", qos=1, retain=True).wait_for_publish(5)
    assert send(broker.port, "x", "--timeout", "0.3") == 1
    assert "online are: edgetts/bedroom (choose with --root)" in capsys.readouterr().err


def test_a_speaker_that_dies_while_it_speaks(broker, listener, edgettsd, capsys):
    process = edgettsd("--port", str(broker.port))
    listener.value("status", b"online")
    codes = []
    thread = threading.Thread(target=lambda: codes.append(send(broker.port, "forever", "--id", "a")))
    thread.start()
    listener.event("first_audio", "a")
    process.kill()
    thread.join()
    assert codes == [1]
    assert "went offline before it had spoken" in capsys.readouterr().err


def test_a_port_that_is_no_broker(capsys, monkeypatch):
    monkeypatch.setattr("device.send._CONNECT_S", 0.2)
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        assert send(port, "x") == 1
    assert "refused us (no answer)" in capsys.readouterr().err


@pytest.mark.parametrize("root", ["a/+", "#", ""])
def test_a_root_that_is_none(root, capsys):
    assert send(1, "x", "--root", root) == 2
    assert "--root is" in capsys.readouterr().err
