"""edge_tts.loading: whatever is wrong with the cache, the voice speaks, with at most one line of warning."""

import errno
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from edge_tts import Voice
from edge_tts.engines.packed import background
from edge_tts.engines.packed.cache import PackedVoice
from edge_tts.errors import BundleError, EngineError
from tests.runtime.packed.conftest import pack_here, say, say_plain

FOUR = ["gpt_prefill", "gpt_step", "latents", "vocoder"]


def speaks(folder):
    np.testing.assert_array_equal(say(Voice.load(folder)), say_plain(folder))


def test_the_first_start_packs_and_the_second_is_packed(tiny_bundle, cache, used, started, warnings):
    speaks(tiny_bundle)
    assert [bundle.path for bundle in started] == [tiny_bundle] and used == [] and not cache.exists()
    pack_here(tiny_bundle, cache)
    speaks(tiny_bundle)
    assert len(started) == 1 and used == FOUR and warnings() == []


def test_it_can_be_switched_off(tiny_bundle, cache, used, started, monkeypatch):
    pack_here(tiny_bundle, cache)
    monkeypatch.setenv("EDGETTS_PACKED", "off")
    speaks(tiny_bundle)
    assert used == [] and started == []


def test_an_engine_of_ones_own_is_not_packed(tiny_bundle, cache, used, started):
    from edge_tts.engines.onnx import OnnxEngine

    pack_here(tiny_bundle, cache)
    say(Voice.load(tiny_bundle, engine=OnnxEngine()))
    assert used == [] and started == []


def test_a_damaged_entry(tiny_bundle, cache, used, started, warnings):
    entry = pack_here(tiny_bundle, cache)
    (entry / "weights").write_bytes(b"short")
    speaks(tiny_bundle)
    (line,) = warnings()
    assert "voice 'tiny' is loaded from its bundle" in line and "differs from its record" in line and "\n" not in line
    assert used == [] and len(started) == 1, "it is made again"


def test_an_entry_that_is_refused_by_the_engine(tiny_bundle, cache, started, warnings, monkeypatch):
    entry = pack_here(tiny_bundle, cache)

    def refuse(voice, name):
        raise EngineError(f"graph {name!r} can't be loaded: no reason")

    monkeypatch.setattr(PackedVoice, "load", refuse)
    speaks(tiny_bundle)
    assert len(warnings()) == 1 and "can't be loaded" in warnings()[0]
    assert not entry.exists() and len(started) == 1, "it is made again"


def test_a_damaged_bundle_is_refused_as_ever(bundle_copy, cache, started, warnings):
    pack_here(bundle_copy, cache)
    (bundle_copy / "card.md").write_text("other")
    with pytest.raises(BundleError, match=r"card\.md"):
        Voice.load(bundle_copy)
    assert warnings() == [] and started == []


def test_a_bundle_whose_graph_is_gone(bundle_copy, cache, started, warnings):
    """The packed form would do, but the folder is no bundle any more."""
    pack_here(bundle_copy, cache)
    path = bundle_copy / "graphs/latents.onnx"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BundleError, match="latents"):
        Voice.load(bundle_copy)
    path.unlink()
    with pytest.raises(BundleError, match="latents"):
        Voice.load(bundle_copy)
    assert warnings() == []


def test_another_bundle_in_the_same_place(bundle_copy, classic_bundle, cache, used, started):
    pack_here(bundle_copy, cache)
    shutil.rmtree(bundle_copy)
    shutil.copytree(classic_bundle, bundle_copy)
    speaks(bundle_copy)
    assert used == [] and len(started) == 1


def test_a_home_that_can_t_be_written(tiny_bundle, tmp_path, cache, started, warnings, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    speaks(tiny_bundle)
    (line,) = warnings()
    assert line == f"voice 'tiny' can't be packed, so it loads slowly: {tmp_path} can't be written"
    assert started == [] and not cache.exists()


@pytest.fixture
def disk(cache):
    """Makes the cache a disk of its own, to be mounted with these options."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a disk")
    cache.mkdir()

    def mount(*options):
        command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "none", str(cache)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("this root may not mount")

    yield mount
    subprocess.run(["umount", cache], check=False, capture_output=True)


def test_a_disk_that_is_read_only(tiny_bundle, cache, disk, used, started, warnings):
    disk("ro")
    speaks(tiny_bundle)
    assert warnings() == [f"voice 'tiny' can't be packed, so it loads slowly: {cache} can't be written"]
    assert used == [] and started == []


def test_a_read_only_disk_with_an_entry(tiny_bundle, cache, disk, used, started, warnings):
    disk("rw")
    pack_here(tiny_bundle, cache)
    disk("remount", "ro")
    speaks(tiny_bundle)
    assert used == FOUR and warnings() == [] and started == []


def test_a_disk_that_knows_no_locks(tiny_bundle, cache, used, started, warnings, monkeypatch):
    def refuse(descriptor, kind):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    pack_here(tiny_bundle, cache)
    monkeypatch.setattr("fcntl.flock", refuse)
    speaks(tiny_bundle)
    assert used == [] and len(warnings()) == 1 and "No locks available" in warnings()[0]


def test_a_cache_that_is_a_file(tiny_bundle, cache, started, warnings):
    cache.write_text("a file")
    speaks(tiny_bundle)
    assert len(warnings()) == 1 and "can't be" in warnings()[0] and started == []


def test_a_disk_without_room(tiny_bundle, cache, started, warnings, monkeypatch):
    monkeypatch.setattr(background.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    speaks(tiny_bundle)
    assert len(warnings()) == 1 and "has less than 1 MB of room" in warnings()[0] and started == []


def test_a_user_without_a_home(tiny_bundle, cache, used, started, warnings, monkeypatch):
    def none():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    pack_here(tiny_bundle, cache)
    speaks(tiny_bundle)
    assert used == FOUR and warnings() == [], "the cache is somewhere else"
    monkeypatch.delenv("EDGETTS_CACHE")
    speaks(tiny_bundle)
    assert used == FOUR and started == [] and len(warnings()) == 1 and "can't be written" in warnings()[0]


def test_an_unknown_processor(tiny_bundle, cache, used, started, warnings, monkeypatch, tmp_path):
    monkeypatch.setattr("edge_tts.engines.packed.parts.CPU_INFO", tmp_path / "missing")
    speaks(tiny_bundle)
    assert used == [] and started == [] and warnings() == []


def test_a_process_that_can_t_be_started(tiny_bundle, cache, warnings, monkeypatch):
    def refuse(*_, **__):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(background.subprocess, "Popen", refuse)
    speaks(tiny_bundle)
    assert warnings() == ["voice 'tiny' can't be packed, so it loads slowly: Resource temporarily unavailable"]
