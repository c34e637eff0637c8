"""edge_tts.engines.tensorrt.cache: an engine is handed out only where it was built, whole, and certified."""

import errno
import json
import multiprocessing
import os
from pathlib import Path

import pytest

from edge_tts.engines import store as store_module
from edge_tts.engines.store import cache_folder, key_of
from edge_tts.engines.tensorrt import cache as cache_module
from edge_tts.engines.tensorrt.board import Board, identify
from edge_tts.engines.tensorrt.cache import EngineCache
from edge_tts.errors import EngineError

PARTS = {"format": 1, "graph": "gpt_step", "tensorrt": "10.3.0.30", "profiles": [{"buffer": [1, 256, 256]}]}
PLAN = bytes(range(256)) * 40
PASSED = {"passed": True, "worst": 0.001}


@pytest.fixture
def cache(tmp_path):
    return EngineCache(tmp_path / "cache")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def refused(cache, parts, word):
    with pytest.raises(EngineError, match=word) as caught:
        cache.lookup(parts)
    assert "\n" not in str(caught.value) and "'gpt_step'" in str(caught.value)
    assert "edgetts-build engine" in str(caught.value)


def test_what_was_stored_is_found(cache):
    folder = cache.store(PARTS, PLAN, PASSED)
    found = cache.lookup(PARTS)
    assert (found.plan, found.certificate) == (PLAN, PASSED)
    assert folder == cache.engines / key_of(PARTS)
    assert names(folder) == ["engine.plan", "record.json"]
    assert names(cache.engines) == [".lock", folder.name]


def test_nothing_is_made_by_looking(cache):
    refused(cache, PARTS, "is not in")
    assert not cache.engines.parent.exists()


@pytest.mark.parametrize("name", ["tensorrt", "profiles", "format"])
def test_every_part_makes_another_key(cache, name):
    cache.store(PARTS, PLAN, PASSED)
    refused(cache, {**PARTS, name: "other"}, f"one is there for {name} ")


def test_the_order_of_parts_makes_none(cache):
    assert key_of(dict(reversed(PARTS.items()))) == key_of(PARTS)


def test_an_engine_moved_under_another_key(cache):
    folder = cache.store(PARTS, PLAN, PASSED)
    other = {**PARTS, "tensorrt": "10.7.0.23"}
    folder.rename(cache.path(other))
    refused(cache, other, "recorded under another key")


def test_a_changed_or_truncated_plan(cache):
    plan = cache.store(PARTS, PLAN, PASSED) / "engine.plan"
    plan.write_bytes(PLAN[:-1])
    refused(cache, PARTS, f"has {len(PLAN) - 1} bytes, not {len(PLAN)}")
    plan.write_bytes(PLAN[:-1] + b"\0")
    refused(cache, PARTS, "SHA-256")
    plan.unlink()
    refused(cache, PARTS, "can't be read")


@pytest.mark.parametrize(
    ("certificate", "word"),
    [
        ({"passed": False, "reason": "logits differ by 0.3\nat the maximum"}, "logits differ by 0.3 at the maximum"),
        ({"passed": 1}, "failed its certification"),
        ({}, "failed its certification"),
    ],
)
def test_only_certified_engines(cache, certificate, word):
    cache.store(PARTS, PLAN, certificate)
    refused(cache, PARTS, word)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"[" * 100_000, b"\xff", b'{"a":1}' + b" " * (1 << 20)])
def test_a_record_that_is_none(cache, raw):
    record = cache.store(PARTS, PLAN, PASSED) / "record.json"
    record.write_bytes(raw)
    refused(cache, PARTS, "record that can't be read")
    record.unlink()
    refused(cache, PARTS, "has no record")


@pytest.mark.parametrize("key", ["plan", "certificate", "parts"])
def test_a_record_that_lacks_something(cache, key):
    path = cache.store(PARTS, PLAN, PASSED) / "record.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, key: None}))
    refused(cache, PARTS, "without its plan|no certificate|another key")


def test_the_newer_engine_replaces(cache):
    cache.store(PARTS, PLAN, {"passed": False, "reason": "x"})
    cache.store(PARTS, PLAN[:100], PASSED)
    assert cache.lookup(PARTS).plan == PLAN[:100]


@pytest.mark.parametrize("file", ["engine.plan", "record.json"])
def test_a_full_disk_leaves_nothing(cache, monkeypatch, file):
    cache.store(PARTS, PLAN, PASSED)
    write = store_module.write

    def full(path, data):
        write(path, data[:10])
        if path.name == file:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for module in (cache_module, store_module):
        monkeypatch.setattr(module, "write", full)
    with pytest.raises(EngineError, match=r"can't be stored in .*: No space left on device"):
        cache.store(PARTS, b"new", PASSED)
    assert cache.lookup(PARTS).plan == PLAN
    assert len(names(cache.engines)) == 2


def test_a_folder_that_is_none(cache):
    cache.engines.parent.write_text("a file")
    with pytest.raises(EngineError, match="can't be stored"):
        cache.store(PARTS, PLAN, PASSED)


def test_what_a_killed_builder_left_is_cleared(cache):
    cache.store(PARTS, PLAN, PASSED)
    left = cache.engines / ".unfinished-abc"
    left.mkdir()
    (left / "engine.plan").write_bytes(b"half")
    assert cache.lookup(PARTS)
    cache.store(PARTS, PLAN, PASSED)
    assert not left.exists() and cache.lookup(PARTS).plan == PLAN


def store_often(folder, fill):
    cache = EngineCache(folder)
    for _ in range(10):
        cache.store(PARTS, bytes([fill]) * 10_000, PASSED)


def test_two_builders_at_once(cache):
    folder = cache.engines.parent
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=store_often, args=(folder, fill)) for fill in (1, 2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert set(cache.lookup(PARTS).plan) in ({1}, {2})
    assert len(names(cache.engines)) == 2


def test_where_the_cache_is():
    assert cache_folder({"EDGETTS_CACHE": "/data/x"}, Path("/home/a")) == Path("/data/x")
    assert cache_folder({}, Path("/home/a")) == Path("/home/a/.cache/edgetts")


class Gpu:
    name, compute_capability, cuda_version = "Orin", (8, 7), "12.6"


class Trt:
    __version__ = "0.3.0"  # a library of this version does not exist anywhere


def test_a_board_says_what_it_is(tmp_path):
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "proc/device-tree/model").write_bytes(b"NVIDIA Jetson Orin Nano\0")
    (tmp_path / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 4.3\nmore\n")
    board = identify(Trt, Gpu(), tmp_path)
    wanted = ("0.3.0", "8.7", "Orin", "NVIDIA Jetson Orin Nano", "# R36 (release), REVISION: 4.3", "12.6")
    assert board == Board(*wanted)
    elsewhere = identify(Trt, Gpu(), tmp_path / "etc")
    assert elsewhere.model == "" and "Linux" in elsewhere.system
