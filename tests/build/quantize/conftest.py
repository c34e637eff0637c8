"""Small voices to quantize, what became of them, and the command that does it: each made once."""

from pathlib import Path

import pytest

from build_engines.cli import main
from build_engines.quantize import pipeline
from tests.build.quantize import voices
from tests.build.quantize.commands import CPU, TOKENS, Stopwatch, quantized


@pytest.fixture(scope="session")
def distilled_voice(exported, tmp_path_factory):
    """A distilled voice of two speakers; not to be changed."""
    return voices.distilled(tmp_path_factory.mktemp("quantize") / "small", exported.folder)


@pytest.fixture(scope="session")
def genuine_voice(tmp_path_factory, one_thread):
    """A voice with a prompt, without pointers, whose GPT's weights lie beside its graphs; not to be changed."""
    return voices.genuine(tmp_path_factory.mktemp("quantize") / "genuine")


@pytest.fixture(scope="session")
def text(tmp_path_factory):
    """One short sentence."""
    file = tmp_path_factory.mktemp("texts") / "text.txt"
    file.write_text(f"{voices.TEXT}\n", encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def make(text, tmp_path_factory):
    """Quantizes a voice; returns the bundle and how many measurements it took."""

    def run(source, name, *more):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pipeline, "_TOKENS", TOKENS)
            stopwatch = Stopwatch(patch)
            return quantized(source, tmp_path_factory.mktemp("int8") / name, text, *more), stopwatch.count

    return run


@pytest.fixture(scope="session")
def counted(genuine_voice, make):
    """The genuine voice in INT8 for both targets, and how many measurements that took."""
    return make(genuine_voice, "both")


@pytest.fixture(scope="session")
def made(counted):
    """The genuine voice in INT8 for both targets; not to be changed."""
    return counted[0]


@pytest.fixture(scope="session")
def made_cpu(genuine_voice, make):
    """For a CPU alone; not to be changed."""
    return make(genuine_voice, "cpu", *CPU)[0]


@pytest.fixture(scope="session")
def made_distilled(distilled_voice, make):
    """The distilled voice for a CPU alone; not to be changed."""
    return make(distilled_voice, "distilled", *CPU)[0]


@pytest.fixture
def place(tmp_path):
    """Where bundles are made; nothing else lies there."""
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


@pytest.fixture
def call(text, tmp_path, monkeypatch, capsys):
    """Runs a command in a home without voices; returns (exit code, stdout, the lines of stderr).

    `quantize` gets one sentence and certifies nothing.
    """
    (tmp_path / "home").mkdir()
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    for name in ("EDGETTS_VOICES", "EDGETTS_ERES2NET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pipeline, "_TOKENS", TOKENS)

    def run(command, bundle, output, *more, text=text):
        arguments = [command, str(bundle), "-o", str(output), *map(str, more)]
        if command == "quantize":
            arguments += ["--no-certify", "--text", str(text)]
        code = main(arguments)
        shown = capsys.readouterr()
        return code, shown.out, [line for line in shown.err.splitlines() if line.strip()]

    return run
