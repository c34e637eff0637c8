"""`scripts/bench` as a person meets it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from build_engines.bench import command, run

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "bench"
TINY = run.Effort(1, (60, 400), 4, (1, 4), (4, 8), 2, 1, 1, 1 << 20, 64)


def refuse(path):
    raise AssertionError(f"{path} must not be written")


def bench(*arguments):
    return command.main(refuse, refuse, [str(argument) for argument in arguments])


def test_help():
    done = subprocess.run([sys.executable, SCRIPT, "--help"], capture_output=True, text=True, check=True)
    assert "--quick" in done.stdout
    assert "random weights" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--voice", "x"], 2, "--voice and --float go together"),
        (["--checkpoints", "a", "b"], 2, "--checkpoints are those of --voice"),
        (["--plot", "no/such/folder/x.png"], 2, "no/such/folder/x.png can't be written"),
        (["--core", "9999"], 2, "--core 9999: this process may use"),
    ],
)
def test_what_is_refused(arguments, code, said, tmp_path, capsys):
    assert bench("--work", tmp_path, *arguments) == code
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_a_missing_bundle(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(run, "QUICK", TINY)
    monkeypatch.setattr("build_engines.bench.machine.pin", lambda cores: None)
    assert bench("--work", tmp_path, "--voice", tmp_path / "a", "--float", tmp_path / "b", "--quick") == 1
    assert "it is not a folder" in capsys.readouterr().err


def test_a_missing_extra(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert bench("--work", tmp_path) == 1
    assert "pip install 'edge-tts-jetson[build]'" in capsys.readouterr().err


def test_interrupted(tmp_path, capsys):
    def interrupt(path):
        raise KeyboardInterrupt

    assert command.main(interrupt, refuse, ["--work", str(tmp_path), "-o", str(tmp_path / "x.md")]) == 130
    assert "no report was written" in capsys.readouterr().err
    assert not (tmp_path / "x.md").exists()


def test_a_whole_run(made, tmp_path, capsys, monkeypatch):
    """All sections on a tiny voice, which is its own float bundle; tables, JSON and the picture."""
    monkeypatch.setattr(run, "QUICK", TINY)
    monkeypatch.setattr("build_engines.bench.machine.pin", lambda cores: None)  # of this very process
    given = ("--voice", made.bundle, "--float", made.bundle, "--small", made.bundle, "--work", tmp_path, "--quick")
    files = made.checkpoints
    outputs = ("-o", tmp_path / "b.md", "--json", tmp_path / "b.json", "--plot", tmp_path / "b.png")
    assert bench(*given, "--checkpoints", files.gpt, files.sovits, *outputs) == 0
    text = (tmp_path / "b.md").read_text()
    assert capsys.readouterr().out.strip() == text.strip()
    tree = json.loads((tmp_path / "b.json").read_text())
    assert (tmp_path / "b.png").read_bytes().startswith(b"\x89PNG")
    assert not list(tmp_path.glob(".*"))
    rows = [line for line in text.splitlines() if "first audio, 12 words" in line]
    assert len(rows) == 1
    assert " ms |" in rows[0]
    assert tree["sound"]["snr_db"] == 200.0  # the two bundles are one
    assert [row["audio_s"] for row in tree["by_sentence"]] == [1.0, 4.0]
    assert [row["audio_s"] for row in tree["by_text"]] == [4.0, 8.0]
    assert {row["context"] for row in tree["decode"]} == {60, 400}
    assert "PyTorch" in text
