"""Quantizing with its gate: what sounds bad isn't written, and goes on from what was measured when it is mended."""

import json
from pathlib import Path

import pytest

from build_engines.cli import main
from build_engines.quantize import pipeline, write
from edge_tts.bundle import open_bundle
from tests.build.enroll.voices import enrolling_bundle
from tests.build.quantize.commands import CPU, TOKENS, Stopwatch
from tests.tiny_bundle import make_bundle, read_manifest, write_manifest

pytest.importorskip("pesq", reason="needs the extra certify")
pytest.importorskip("pystoi", reason="needs the extra certify")
pytest.importorskip("pyloudnorm", reason="needs the extra certify")


@pytest.fixture
def arguments(text, place, tmp_path, monkeypatch):
    """A function from a bundle to the command's arguments, in a home without voices."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for name in ("EDGETTS_VOICES", "EDGETTS_ERES2NET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pipeline, "_TOKENS", TOKENS)
    return lambda bundle: ["quantize", str(bundle), "-o", str(place / "int8"), "--text", str(text), *CPU]


def without_goldens(bundle):
    (bundle / "golden" / "latents.npz").unlink()
    write_manifest(bundle, read_manifest(bundle))
    return bundle


def test_the_gate(arguments, tmp_path, place, monkeypatch, capsys):
    voice = without_goldens(enrolling_bundle(tmp_path / "voice", "own"))
    real = write.cpu_graph
    with monkeypatch.context() as patch:

        def clipped(graph, chosen, ranges=None):
            narrow = None if ranges is None else {name: (low / 50, high / 50) for name, (low, high) in ranges.items()}
            return real(graph, chosen, narrow)

        patch.setattr(write, "cpu_graph", clipped)  # measured well, written badly
        assert main(arguments(voice)) == 1
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert line.startswith(f"edgetts-build: {place / 'int8'} was not written, it fails: ")
    assert "FAILS  PESQ" in shown.out
    assert [path.name for path in place.iterdir()] == [".int8.quantize"]

    report, rest = tmp_path / "report.html", Stopwatch(monkeypatch)
    assert main([*arguments(voice), "--accept-failing", "--report", str(report)]) == 0
    shown = capsys.readouterr()
    assert rest.count == 0, "everything was measured before"
    assert shown.err == ""
    assert "ok     PESQ" in shown.out
    assert f"the report: {report}" in shown.out
    assert report.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in place.iterdir()] == ["int8"]
    bundle = open_bundle(place / "int8")
    bundle.verify_rest(set())
    certificate = json.loads(bundle.read("certificate.json"))
    assert bundle.manifest.certificate.file == "certificate.json"
    assert bundle.manifest.certificate.passed is certificate["passed"]
    assert bundle.manifest.quantization.source == open_bundle(voice).id


def test_nobody_to_tell_speakers_apart(arguments, tmp_path, place, monkeypatch, capsys):
    """Known before anything is measured."""
    monkeypatch.setattr("build_engines.certify.listeners.importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("build_engines.commands.quantize.needs_extra", lambda *_: None)
    monkeypatch.setattr(pipeline.ForcedVoice, "draw", None)
    assert main(arguments(without_goldens(make_bundle(tmp_path / "voice")))) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "nobody can tell its speakers apart" in line
    assert not list(place.iterdir())


def test_a_missing_extra(arguments, tmp_path, place, monkeypatch, capsys):
    monkeypatch.setattr("build_engines.commands.needs.importlib.util.find_spec", lambda name: name != "pesq" or None)
    assert main(arguments(tmp_path)) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "edgetts-build: pesq not installed: run pip install 'edge-tts-jetson[certify]'"
    assert not list(place.iterdir())
