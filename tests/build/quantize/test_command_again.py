"""The same input gives the same bytes: in one go or in two, through links, on file systems with less."""

import errno
import os
import shutil
from pathlib import Path

import numpy as np

from build_engines.quantize import pipeline, write
from build_engines.quantize.quantize import Plan, quantize
from edge_tts.bundle import open_bundle
from tests.build.quantize.commands import CPU, Stopwatch, refused, spoken
from tests.build.quantize.voices import TEXT, contents, ignore
from tests.tiny_bundle import read_manifest, write_manifest


def test_the_same_bytes(genuine_voice, made, place, call):
    assert call("quantize", genuine_voice, place / "again")[0] == 0
    one, other = contents(made), contents(place / "again")
    assert {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)} == set()


def test_the_same_bytes_of_a_distilled_voice(distilled_voice, made_distilled, place, call):
    assert call("quantize", distilled_voice, place / "again", *CPU)[0] == 0
    assert contents(place / "again") == contents(made_distilled)


def test_an_interrupted_run_goes_on(genuine_voice, counted, place, call, monkeypatch):
    """The same bytes as in one go, and nothing that was found is measured again: nobody speaks a second time."""
    with monkeypatch.context() as patch:
        Stopwatch(patch, at=15)
        code, _, err = call("quantize", genuine_voice, place / "int8")
    assert code == 130
    assert err == ["edgetts-build: stopped; the same command goes on from here"]
    assert [path.name for path in place.iterdir()] == [".int8.quantize"]
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.ForcedVoice, "draw", None)
        rest = Stopwatch(patch)
        assert call("quantize", genuine_voice, place / "int8")[0] == 0
    made, whole = counted
    assert contents(place / "int8") == contents(made)
    assert [path.name for path in place.iterdir()] == ["int8"]
    assert rest.count == whole - 14


def test_an_interruption_while_it_is_written(genuine_voice, made, place, call, monkeypatch):
    with monkeypatch.context() as patch:
        def interrupted(*_, **__):
            raise KeyboardInterrupt

        patch.setattr(write, "record", interrupted)
        assert call("quantize", genuine_voice, place / "int8")[0] == 130
    assert [path.name for path in place.iterdir()] == [".int8.quantize"]
    with monkeypatch.context() as patch:
        rest = Stopwatch(patch)
        assert call("quantize", genuine_voice, place / "int8")[0] == 0
    assert rest.count == 0
    assert contents(place / "int8") == contents(made)


def test_a_source_that_was_damaged_meanwhile(genuine_voice, tmp_path, place, call, monkeypatch):
    """What was measured is of the voice that it was."""
    source = Path(shutil.copytree(genuine_voice, tmp_path / "voice"))
    with monkeypatch.context() as patch:
        Stopwatch(patch, at=2)
        assert call("quantize", source, place / "int8", *CPU)[0] == 130
    file = source / "speakers" / "ada.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    code, _, err = call("quantize", source, place / "int8", *CPU)
    assert "differs from the manifest" in refused(place, code, err, [".int8.quantize"])


def test_an_interruption_before_anything_was_found(genuine_voice, place, call, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.ForcedVoice, "draw", interrupted)
    assert call("quantize", genuine_voice, place / "int8")[0] == 130
    assert not list(place.iterdir())


def test_progress_never_passes_its_end(genuine_voice, place):
    seen = []
    plan = Plan(open_bundle(genuine_voice), place / "int8", ("cpu", "tensorrt"), texts=(TEXT, "Four oars."))
    quantize(plan, lambda what, done, total: seen.append((what, done, total)), ignore)
    counted = [(done, total) for _, done, total in seen if total]
    assert len({total for _, total in counted}) == 1
    assert [done for done, _ in counted] == sorted(done for done, _ in counted)
    assert counted[-1][0] == counted[-1][1]
    assert {what for what, _, total in seen if not total} >= {"writing gpt_step", "writing gpt_step for TensorRT"}


def test_through_links_and_names_without_a_slash(genuine_voice, made_cpu, place, call, monkeypatch):
    """Both folders are reached by links, the working folder is theirs."""
    (place / "linked").symlink_to(genuine_voice)
    (place / "real").mkdir()
    (place / "out").symlink_to(place / "real")
    monkeypatch.chdir(place)
    code, _, err = call("quantize", "./linked", "out/int8", *CPU)
    assert (code, err) == (0, [])
    assert contents(place / "real" / "int8") == contents(made_cpu)
    code, out, err = call("quantize", "./linked", "plain", *CPU)
    assert (code, err) == (0, [])
    assert "--voice ./plain" in out
    assert contents(place / "plain") == contents(made_cpu)


def test_links_inside_the_source_are_not_copied(genuine_voice, tmp_path, place, call, monkeypatch):
    """A file that is a link to another one of the bundle: the new one has the file, also where it could share it."""
    monkeypatch.setattr("build_engines.quantize.bundle._LARGE_BYTES", 1)
    source = tmp_path / "source"
    shutil.copytree(genuine_voice, source)
    shutil.move(source / "card.md", source / "speakers" / "card.md")
    (source / "card.md").symlink_to(Path("speakers") / "card.md")
    write_manifest(source, read_manifest(source))
    code, _, err = call("quantize", source, place / "int8", *CPU)
    assert (code, err) == (0, [])
    assert not any(path.is_symlink() for path in (place / "int8").rglob("*"))
    assert (place / "int8" / "card.md").samefile(source / "speakers" / "card.md")
    assert np.abs(spoken(place / "int8")).max() > 0


def test_a_read_only_source(genuine_voice, made_cpu, tmp_path, place, call):
    source = Path(shutil.copytree(genuine_voice, tmp_path / "source"))
    for path in (*source.rglob("*"), source):
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        code, _, err = call("quantize", source, place / "int8", *CPU)
        assert (code, err) == (0, [])
        assert contents(place / "int8") == contents(made_cpu)
        assert contents(source) == contents(genuine_voice)
    finally:
        for path in (source, *source.rglob("*")):
            path.chmod(0o755)


def test_a_parent_that_is_not_there_yet(genuine_voice, place, call):
    target = place / "deep" / "er" / "int8"
    assert call("quantize", genuine_voice, target, *CPU)[0] == 0
    assert [path.name for path in target.parent.iterdir()] == ["int8"]


def test_force_replaces_a_bundle(genuine_voice, made_cpu, place, call):
    shutil.copytree(genuine_voice, place / "int8")
    assert call("quantize", genuine_voice, place / "int8", "--force", *CPU)[0] == 0
    assert contents(place / "int8") == contents(made_cpu)


def test_files_without_links(genuine_voice, made_cpu, place, call, monkeypatch):
    """Another file system, or one that has no hard links."""
    def refuse(*_, **__):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    assert call("quantize", genuine_voice, place / "int8", *CPU)[0] == 0
    assert contents(place / "int8") == contents(made_cpu)
