"""edge_tts.engines.packed.pack: a packed voice says the same to the last bit, or it isn't kept."""

import errno
import json
import os
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

from edge_tts import Voice
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.engines.packed.cache import PackedCache
from edge_tts.engines.packed.kernels import Chooser
from edge_tts.engines.packed.pack import pack
from edge_tts.engines.packed.parts import packed_parts
from tests.runtime.packed.conftest import pack_here, say, say_plain
from tests.tiny_bundle import make_bundle

FOUR = {"gpt_prefill", "gpt_step", "latents", "vocoder"}


@pytest.fixture(params=["tiny", "classic", "external"])
def folder(request, tiny_bundle, classic_bundle, tmp_path):
    """A distilled voice, one as GPT-SoVITS has it, one whose weights lie beside its graphs."""
    if request.param == "external":
        return make_bundle(tmp_path / "external", external=True)
    return {"tiny": tiny_bundle, "classic": classic_bundle}[request.param]


def test_a_voice_says_the_same(folder, cache, used):
    pack_here(folder, cache)
    np.testing.assert_array_equal(say(Voice.load(folder)), say_plain(folder))
    assert set(used) == FOUR


def test_the_default_voice_says_the_same(cache, used):
    default = open_bundle(Voice.load("default")._bundle.path)
    pack_here(default.path, cache)
    used.clear()
    np.testing.assert_array_equal(say(Voice.load("default")), say_plain("default"))
    assert set(used) == FOUR


def test_a_graph_that_computes_something_else_is_left_out(tiny_bundle, cache, used, monkeypatch):
    real = OnnxEngine.pack

    def crooked(engine, name, model, target):
        graph = real(engine, name, model, target)
        bent = lambda x: {k: v + (name == "latents") for k, v in graph.run(x).items()}  # noqa: E731
        return SimpleNamespace(run=bent)

    monkeypatch.setattr(OnnxEngine, "pack", crooked)
    entry = pack_here(tiny_bundle, cache)
    record = json.loads((entry / "record.json").read_text())
    assert record["left_out"] == {"latents": "graph 'latents' gives another 'z' when it is packed"}
    assert not (entry / "latents.onnx").exists()
    np.testing.assert_array_equal(say(Voice.load(tiny_bundle)), say_plain(tiny_bundle))
    assert set(used) == FOUR - {"latents"}


def test_nan_is_not_the_same(tiny_bundle, cache, monkeypatch):
    real = OnnxEngine.load

    def broken(engine, name, model):
        graph = real(engine, name, model)
        bent = lambda x: {k: v * np.nan if v.dtype.kind == "f" else v for k, v in graph.run(x).items()}  # noqa: E731
        return SimpleNamespace(run=bent)

    monkeypatch.setattr(OnnxEngine, "load", broken)
    entry = pack_here(tiny_bundle, cache)
    assert set(json.loads((entry / "record.json").read_text())["left_out"]) == FOUR


def test_what_is_there_is_not_made_again(tiny_bundle, cache):
    entry = pack_here(tiny_bundle, cache)
    bundle, before = open_bundle(tiny_bundle), (entry / "weights").stat().st_ino
    assert not pack(bundle, PackedCache(cache), packed_parts(bundle), Chooser("x86_64"))
    assert (entry / "weights").stat().st_ino == before


def test_what_is_damaged_is_made_again(tiny_bundle, cache, used):
    entry = pack_here(tiny_bundle, cache)
    (entry / "weights").write_bytes(b"")
    assert pack_here(tiny_bundle, cache) == entry
    np.testing.assert_array_equal(say(Voice.load(tiny_bundle)), say_plain(tiny_bundle))
    assert set(used) == FOUR


def test_two_at_once(tiny_bundle, cache):
    """Whoever comes second leaves it to the first."""
    bundle, packed = open_bundle(tiny_bundle), PackedCache(cache)
    with packed.store.writing():
        assert not pack(bundle, PackedCache(cache), packed_parts(bundle), Chooser("x86_64"))
    assert [path.name for path in packed.store.folder.iterdir()] == [".lock"]


def nothing_is_left(cache):
    return [path.name for path in (cache / "packed").iterdir()] == [".lock"]


def full(cache, folder):
    bundle = open_bundle(folder)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        pack(bundle, PackedCache(cache), packed_parts(bundle), Chooser("x86_64"))


def test_a_disk_that_is_full_before(tiny_bundle, cache, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 20))
    full(cache, tiny_bundle)
    assert nothing_is_left(cache)


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("mount") is None, reason="only root can make a small disk")
@pytest.mark.parametrize("kilobytes", [64, 128, 200])
def test_a_disk_that_gets_full(tiny_bundle, cache, monkeypatch, kilobytes):
    """A real one; what was measured before says that there is room."""
    cache.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "none", cache], capture_output=True, check=False
    ).returncode:
        pytest.skip("this root may not mount")
    try:
        real, calls = shutil.disk_usage, []

        def wrong_at_first(path):
            calls.append(path)
            return SimpleNamespace(free=1 << 40) if len(calls) == 1 else real(path)

        monkeypatch.setattr(shutil, "disk_usage", wrong_at_first)
        full(cache, tiny_bundle)
        assert nothing_is_left(cache)
    finally:
        subprocess.run(["umount", cache], check=True)


def test_a_cache_that_is_no_folder(tiny_bundle, cache):
    cache.write_text("a file")
    bundle = open_bundle(tiny_bundle)
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        pack(bundle, PackedCache(cache), packed_parts(bundle), Chooser("x86_64"))
