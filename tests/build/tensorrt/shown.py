"""What a person sees of a build, and what is left of it."""

import json


def complaints(capsys):
    """The lines on stderr, without the program's name."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    assert all(line.startswith("edgetts-build: ") for line in lines), lines
    return [line.removeprefix("edgetts-build: ") for line in lines]


def certificate(path):
    """Of an engine's folder."""
    return json.loads((path / "record.json").read_text())["certificate"]
