"""edge_tts.engines.packed.cache: only what was packed here, whole and by nobody else is used; the rest is cleared."""

import json
import os
import shutil

import pytest

from edge_tts.bundle import open_bundle
from edge_tts.engines.packed import cache as module
from edge_tts.engines.packed.cache import PackedCache
from edge_tts.engines.packed.parts import packed_parts
from edge_tts.errors import EngineError
from tests.runtime.packed.conftest import pack_here


@pytest.fixture(scope="module")
def made(tiny_bundle, tmp_path_factory):
    """A cache with one entry, not to be changed."""
    folder = tmp_path_factory.mktemp("packed")
    pack_here(tiny_bundle, folder)
    return folder


@pytest.fixture
def entry(made, cache, tiny_bundle):
    """A copy of the entry, to be damaged."""
    shutil.copytree(made, cache)
    return PackedCache(cache).store.path(packed_parts(open_bundle(tiny_bundle)))


def read(entry, tiny_bundle):
    parts = packed_parts(open_bundle(tiny_bundle))
    with PackedCache(entry.parent.parent).reading(parts) as found:
        return found


def refused(entry, tiny_bundle, word):
    with pytest.raises(EngineError, match=word) as caught:
        read(entry, tiny_bundle)
    assert "\n" not in str(caught.value)


def test_looking_makes_nothing(cache, tiny_bundle):
    with PackedCache(cache).reading(packed_parts(open_bundle(tiny_bundle))) as found:
        assert found is None
    assert not cache.exists()


def test_what_an_entry_holds(entry, tiny_bundle):
    voice = read(entry, tiny_bundle)
    assert set(voice.graphs) == {"gpt_prefill", "gpt_step", "latents", "vocoder"}
    assert voice.graphs["latents"].stands_for == {"graphs/latents.onnx"}
    graphs = {f"{name}.onnx" for name in voice.graphs}
    assert {path.name for path in entry.iterdir()} == {*graphs, "weights", "record.json"}
    assert json.loads((entry / "record.json").read_text())["left_out"] == {}


@pytest.mark.parametrize("name", ["weights", "vocoder.onnx"])
def test_a_file_that_is_not_the_recorded_one(entry, tiny_bundle, name):
    raw = (entry / name).read_bytes()
    for damaged in (raw[:-1], raw + b"\0", raw[:100] + bytes([raw[100] ^ 1]) + raw[101:], b""):
        (entry / name).write_bytes(damaged)
        refused(entry, tiny_bundle, "differs from its record")
    (entry / name).unlink()
    refused(entry, tiny_bundle, "can't be read")
    (entry / name).symlink_to(entry / "record.json")
    refused(entry, tiny_bundle, "no regular file")


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff"])
def test_a_record_that_is_none(entry, tiny_bundle, raw):
    (entry / "record.json").write_bytes(raw)
    refused(entry, tiny_bundle, "is damaged")


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("parts", {}, "another key"),
        ("files", {}, "damaged"),
        ("files", {"../weights": {"bytes": 1, "sha256": ""}}, "no regular file|can't be read"),
        ("graphs", {"latents": {"file": "/etc/passwd", "settings": {}, "stands_for": []}}, "damaged"),
        ("graphs", {"latents": {"file": "latents.onnx"}}, "damaged"),
        ("graphs", [], "damaged"),
    ],
)
def test_a_record_that_says_something_else(entry, tiny_bundle, key, value, word):
    path = entry / "record.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    refused(entry, tiny_bundle, word)


def test_an_entry_that_others_could_have_written(entry, tiny_bundle):
    (entry / "weights").chmod(0o664)
    refused(entry, tiny_bundle, "by another user")
    (entry / "weights").chmod(0o644)
    entry.chmod(0o777)
    refused(entry, tiny_bundle, "by another user")
    entry.chmod(0o755)
    assert read(entry, tiny_bundle)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_an_entry_of_another_user(entry, tiny_bundle):
    os.chown(entry / "weights", 12345, 12345)
    refused(entry, tiny_bundle, "by another user")


def copies(entry, *places):
    """More entries, as if made of bundles in these folders, each used later than the one before."""
    folders = []
    for number, place in enumerate(places):
        folder = entry.parent / f"{number:064x}"
        shutil.copytree(entry, folder)
        record = json.loads((folder / "record.json").read_text())
        (folder / "record.json").write_text(json.dumps({**record, "bundle_path": place}))
        os.utime(folder / "record.json", (1000 + number, 1000 + number))
        folders.append(folder)
    return folders


def left(entry, folders):
    return [number for number, folder in enumerate(folders) if folder.exists()]


def test_of_a_replaced_voice_the_last_two_are_kept(entry):
    folders = copies(entry, "/a", "/a", "/b", "/a")
    PackedCache(entry.parent.parent).evict(entry)
    assert left(entry, folders) == [1, 2, 3] and entry.exists()


def test_the_size_is_bounded(entry, monkeypatch):
    folders = copies(entry, "/a", "/b", "/c")
    size = sum(path.stat().st_size for path in entry.iterdir())
    monkeypatch.setattr(module, "MOST_BYTES", int(2.5 * size))
    PackedCache(entry.parent.parent).evict(entry)
    assert left(entry, folders) == [2] and entry.exists()
    monkeypatch.setattr(module, "MOST_BYTES", 0)
    PackedCache(entry.parent.parent).evict(entry)
    assert left(entry, folders) == [] and entry.exists(), "what was just made stays in any case"


def test_an_entry_that_is_being_read_stays(entry, tiny_bundle, monkeypatch):
    monkeypatch.setattr(module, "MOST_BYTES", 0)
    (other,) = copies(entry, "/a")
    cache = PackedCache(entry.parent.parent)
    with cache.reading(packed_parts(open_bundle(tiny_bundle))):
        cache.evict(other)
        assert entry.exists()
    cache.evict(other)
    assert not entry.exists()


def test_use_makes_young(entry, tiny_bundle):
    os.utime(entry / "record.json", (1000, 1000))
    assert read(entry, tiny_bundle)
    assert (entry / "record.json").stat().st_mtime > 1000
