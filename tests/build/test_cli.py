"""`edgetts-build` as a person meets it: one line when something is missing."""

import importlib.util
import json
import os
import shutil

import pytest

from build_engines.cli import main


@pytest.fixture
def data(tmp_path):
    """A data folder with two sentences, and recordings that nobody will read."""
    folder = tmp_path / "data"
    for name in ("texts_en", "ljspeech_en_female", "librispeech_251speakers", "librispeech_7speakers"):
        (folder / name).mkdir(parents=True)
        (folder / name / "metadata.csv").write_text("")
    (folder / "texts_en" / "sentences.csv").write_text("a-1|The river follows a bottle.\na-2|Paper boats sank.\n")
    return folder


def complaint(capsys):
    """The one line on stderr, or a failure."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line]
    lines = [line for line in lines if "reads:" not in line]  # a progress bar
    assert len(lines) == 1, lines
    assert lines[0].startswith("edgetts-build: ")
    return lines[0]


def test_inspect(tiny_bundle, capsys):
    assert main(["inspect", str(tiny_bundle)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("tiny: gpt-sovits-distilled 1, 24000 Hz")
    assert "graphs/vocoder.onnx" in shown
    assert main(["inspect", "--json", str(tiny_bundle)]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["gpt"]["layers"] == 2
    assert list(facts["speakers"]) == ["ada", "bob"]
    sizes = {name: (tiny_bundle / name).stat().st_size for name in facts["files_bytes"]}
    assert facts["files_bytes"] == sizes
    assert facts["total_bytes"] == sum(sizes.values())


def test_a_damaged_bundle(bundle_copy, capsys):
    with (bundle_copy / "card.md").open("a") as file:
        file.write("!")
    assert main(["inspect", str(bundle_copy)]) == 1
    assert "card.md" in complaint(capsys)


def test_no_such_voice(capsys):
    assert main(["inspect", "no-such-voice"]) == 1
    assert "no-such-voice" in complaint(capsys)


@pytest.mark.parametrize(("command", "extra"), [("train", "build"), ("evaluate", "evaluate,build")])
def test_a_missing_extra(command, extra, data, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
    assert main([command, "--data", str(data)]) == 1
    line = complaint(capsys)
    assert "torch" in line
    assert f"pip install 'edge-tts-jetson[{extra}]'" in line


def test_missing_data(tmp_path, capsys):
    assert main(["train", "--data", str(tmp_path), "--work", str(tmp_path / "work")]) == 1
    assert "sentences.csv is missing: give --data" in complaint(capsys)
    assert not (tmp_path / "work").exists()


def test_missing_recordings_are_found_before_hours_have_passed(data, tmp_path, capsys):
    shutil.rmtree(data / "librispeech_7speakers")
    assert main(["train", "--data", str(data), "--work", str(tmp_path / "work")]) == 1
    assert "librispeech_7speakers" in complaint(capsys)


def test_an_evaluation_before_the_training(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    assert main(["evaluate", "--data", str(data), "--work", str(tmp_path / "work")]) == 1
    assert "run edgetts-build train speak first" in complaint(capsys)


def test_no_teachers(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["train", "speak", "--data", str(data), "--work", str(tmp_path / "work")]) == 1
    assert "festival isn't installed: apt-get install" in complaint(capsys)


def test_a_teacher_that_fails(data, tmp_path, monkeypatch, capsys):
    program = tmp_path / "bin" / "festival"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho starting >&2\necho 'no voice cmu_us_slt_arctic_hts' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    assert main(["train", "speak", "--data", str(data), "--work", str(tmp_path / "work")]) == 1
    assert complaint(capsys) == "edgetts-build: festival failed with exit code 3: no voice cmu_us_slt_arctic_hts"


def test_an_earlier_stage_is_missing(data, tmp_path, capsys):
    assert main(["train", "gpt", "--data", str(data), "--work", str(tmp_path / "work")]) == 1
    assert "No such file" in complaint(capsys)


def test_ctrl_c(data, tmp_path, monkeypatch, capsys):
    def interrupted(settings):
        raise KeyboardInterrupt

    monkeypatch.setattr("build_engines.training.pipeline.run", interrupted)
    assert main(["train", "--data", str(data), "--work", str(tmp_path / "work")]) == 130
    assert "goes on from here" in complaint(capsys)


def test_ctrl_c_in_an_import(tmp_path, monkeypatch, capsys):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("build_engines.importing.voice.open_gpt", interrupted)
    arguments = ["import", "--gpt", "a.ckpt", "--sovits", "b.pth", "-o", str(tmp_path / "made")]
    assert main(arguments) == 130
    assert complaint(capsys) == "edgetts-build: stopped; nothing was changed"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [[], ["inspect"], ["import"], ["enroll"], ["train"], ["evaluate"]])
def test_help(arguments, capsys):
    with pytest.raises(SystemExit) as leaving:
        main([*arguments, "--help"])
    assert leaving.value.code == 0
    assert "usage: edgetts-build" in capsys.readouterr().out
