"""`edgetts-build certify` from outside: exit codes, one line, and nothing half-written."""

import json
import shutil

import pytest

from build_engines.cli import main
from tests.tiny_bundle import read_manifest


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "sentences.txt"
    path.write_text("A short one.\nAnd another, a little longer, for a change.\n", encoding="utf-8")
    return str(path)


@pytest.fixture
def voices(float_bundle, good_bundle, bad_bundle, tmp_path):
    return {
        "float": str(float_bundle),
        **{
            name: str(shutil.copytree(path, tmp_path / name))
            for name, path in (("good", good_bundle), ("bad", bad_bundle))
        },
    }


def tree(folder):
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_good_one_is_certified(voices, text, tmp_path, capsys):
    arguments = ["certify", voices["good"], "--against", voices["float"], "--text", text]
    assert main(arguments) == 0
    said = capsys.readouterr()
    assert "is certified: all bars are met" in said.out
    assert said.err == ""
    assert read_manifest(tmp_path / "good")["certificate"] == {"file": "certificate.json", "passed": True}
    proof = json.loads((tmp_path / "good" / "certificate.json").read_text(encoding="utf-8"))
    assert proof["sentences"]["own"] is True


def test_a_bad_one_is_left_as_it_was_with_one_line_and_its_report(voices, text, tmp_path, capsys):
    before = tree(tmp_path / "bad")
    report = tmp_path / "page.html"
    arguments = ["certify", voices["bad"], "--against", voices["float"], "--text", text, "--report", str(report)]
    assert main(arguments) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert "fails and was left as it is" in lines[0]
    assert "(bar:" in lines[0]
    assert tree(tmp_path / "bad") == before
    assert report.is_file()


def test_a_bad_one_that_is_accepted_says_so(voices, text, tmp_path, capsys):
    arguments = ["certify", voices["bad"], "--against", voices["float"], "--text", text, "--accept-failing"]
    assert main(arguments) == 0
    assert "fails, and its certificate says so" in capsys.readouterr().err
    assert read_manifest(tmp_path / "bad")["certificate"]["passed"] is False


def test_ctrl_c_leaves_nothing(voices, text, tmp_path, capsys, monkeypatch):
    def interrupted(*arguments, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("build_engines.certify.gate.forced_figures", interrupted)
    before = tree(tmp_path)
    report = tmp_path / "page.html"
    arguments = ["certify", voices["good"], "--against", voices["float"], "--text", text, "--report", str(report)]
    assert main(arguments) == 130
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--seed", "-1"], "--seed -1"),
        (["--threads", "0"], "--threads 0"),
        (["--text", "/nowhere/at-all.txt"], "can't be read"),
        (["--report", "/tmp"], "is a folder"),
    ],
)
def test_arguments_that_make_no_sense_are_one_line(voices, more, message, capsys):
    assert main(["certify", voices["good"], "--against", voices["float"], *more]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_words_need_an_english_speaker_and_the_extra(voices, text, capsys, monkeypatch):
    monkeypatch.setattr(
        "build_engines.commands.needs.importlib.util.find_spec", lambda name: None if name == "pocketsphinx" else name
    )
    assert main(["certify", voices["good"], "--against", voices["float"], "--text", text, "--wer"]) == 1
    assert "pocketsphinx not installed: run pip install 'edge-tts-jetson[evaluate]'" in capsys.readouterr().err


def test_a_bundle_that_may_not_be_changed_is_told_before_the_work(voices, capsys, monkeypatch):
    monkeypatch.setattr("build_engines.commands.certify.os.access", lambda path, mode: False)
    monkeypatch.setattr("build_engines.certify.gate.certify", None)
    assert main(["certify", voices["good"], "--against", voices["float"]]) == 1
    assert "can't be changed by this user" in capsys.readouterr().err
