"""A cache of its own for each test, and voices packed into it."""

import logging
import os

import numpy as np
import pytest

from edge_tts import Voice
from edge_tts.bundle import open_bundle
from edge_tts.engines.packed.cache import PackedCache, PackedVoice
from edge_tts.engines.packed.kernels import Chooser
from edge_tts.engines.packed.pack import pack
from edge_tts.engines.packed.parts import packed_parts

TEXT = "Hello there. How are you today?"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache folder; packing is on."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("EDGETTS_CACHE", str(folder))
    monkeypatch.delenv("EDGETTS_PACKED")
    return folder


@pytest.fixture
def warnings(caplog):
    """The warnings so far."""
    return lambda: [record.message for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.fixture
def used(monkeypatch):
    """Names of the graphs that were loaded packed."""
    names, load = [], PackedVoice.load
    monkeypatch.setattr(PackedVoice, "load", lambda voice, name: names.append(name) or load(voice, name))
    return names


@pytest.fixture
def started(monkeypatch):
    """The bundles that a process would have been started for; none is."""
    calls = []
    monkeypatch.setattr("edge_tts.engines.packed.background.start_packing", lambda bundle, cache: calls.append(bundle))
    return calls


def pack_here(folder, cache):
    """Packs a bundle in this process; the entry's folder."""
    bundle, packed = open_bundle(folder), PackedCache(cache)
    parts = packed_parts(bundle)
    assert pack(bundle, packed, parts, Chooser("x86_64"))
    return packed.store.path(parts)


def say(voice, seed=3):
    """All its samples."""
    return np.concatenate([chunk.samples for chunk in voice.synthesize(TEXT, seed=seed)])


def say_plain(folder):
    """What the voice says when it is loaded from its bundle."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "EDGETTS_PACKED", "off")
        return say(Voice.load(folder))
