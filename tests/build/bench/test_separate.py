"""Processes that are measured: what they say, and what is said when they fail; copies with another least length."""

import json
import sys

import pytest

from build_engines.bench.processes import growth_mb, in_process, time_to_first_byte
from build_engines.bench.setup import make_voices, with_least_tokens
from build_engines.errors import BuildError
from edge_tts.bundle import open_bundle


def test_growth_is_that_of_the_ends():
    assert growth_mb([100.0] * 10 + [120.0] + [101.0] * 10) == pytest.approx(1.0)
    assert growth_mb([100.0]) == 0.0


def test_a_process_that_fails_says_why(tmp_path):
    with pytest.raises(BuildError, match=r"measuring 'load' of .* failed: .*there is no such folder"):
        in_process("load", tmp_path / "nowhere", cores=())


def test_time_to_first_byte():
    assert time_to_first_byte([sys.executable, "-c", "print('ab')"]) > 0
    with pytest.raises(BuildError, match="gave no sound: no such voice"):
        time_to_first_byte([sys.executable, "-c", "raise SystemExit('no such voice')"])


def test_a_copy_speaks_longer_sentences(made, tmp_path):
    copy = with_least_tokens(made.bundle, tmp_path / "copy", 40)
    bundle, source = open_bundle(copy), open_bundle(made.bundle)
    assert bundle.manifest.sampling.min_tokens == 40
    assert bundle.manifest.files == source.manifest.files
    bundle.verify_rest(set())
    before = (copy / "manifest.json").stat().st_ino
    assert with_least_tokens(made.bundle, copy, 40) == copy
    assert (copy / "manifest.json").stat().st_ino == before  # used again
    with_least_tokens(made.bundle, copy, 50)
    assert json.loads((copy / "manifest.json").read_text())["sampling"]["min_tokens"] == 50
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_an_interrupted_setup_goes_on(tmp_path):
    """The first time writing the second checkpoint is interrupted; what was complete stays, what wasn't has no name."""
    written = []

    def write(path):
        written.append(path.name)
        path.write_bytes(b"half")
        if "pth" in path.name:
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            make_voices(tmp_path, write, write, lambda step: None)
    assert written == ["part-v2.ckpt", "part-v2.pth", "part-v2.pth"]
    assert (tmp_path / "v2.ckpt").exists()
    assert not (tmp_path / "v2.pth").exists()
