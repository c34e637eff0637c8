"""Calibration on disk is what it was in memory."""

import numpy as np
import pytest

from build_engines.quantize.calibrate import Example, Measured
from build_engines.quantize.histogram import Histogram
from build_engines.quantize.stored import load_measured, store_measured


def measured():
    random = np.random.default_rng(0)
    seen = Measured(calls=7, channels={"keys": random.random((2, 1, 3, 4)).astype(np.float32)})
    for name in ("/model/layers.0/Add|odd", "x"):
        seen.tensors[name] = Histogram()
        seen.tensors[name].add(random.standard_normal(1000).astype(np.float32) * 3)
    for number in range(12):  # more than 10: their order isn't that of their names
        inputs = {"token": np.array([[number]]), "past_key_0": random.random((1, 2, number, 4)).astype(np.float32)}
        seen.examples.append(Example(inputs, {"logits": np.full((1, 5), number, np.float32)}))
    return {"gpt_step": seen, "vocoder": Measured(calls=1)}


def test_what_is_stored_is_loaded(tmp_path):
    before = measured()
    store_measured(tmp_path / "calibration.npz", before)
    after = load_measured(tmp_path / "calibration.npz")
    assert set(after) == set(before)
    assert after["vocoder"] == before["vocoder"]
    one, other = before["gpt_step"], after["gpt_step"]
    assert other.calls == 7
    assert set(other.tensors) == set(one.tensors)
    for name, histogram in one.tensors.items():
        found = other.tensors[name]
        assert (found.top, found.low, found.high) == (histogram.top, histogram.low, histogram.high)
        np.testing.assert_array_equal(found.counts, histogram.counts)
    np.testing.assert_array_equal(other.channels["keys"], one.channels["keys"])
    assert len(other.examples) == 12
    for made, expected in zip(other.examples, one.examples, strict=True):
        for kind in ("inputs", "outputs"):
            a, b = getattr(made, kind), getattr(expected, kind)
            assert set(a) == set(b)
            for name in b:
                assert a[name].dtype == b[name].dtype
                np.testing.assert_array_equal(a[name], b[name])


def test_the_same_bytes(tmp_path):
    for name in "ab":
        store_measured(tmp_path / f"{name}.npz", measured())
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_a_half_written_file_has_another_name(tmp_path, monkeypatch):
    store_measured(tmp_path / "calibration.npz", measured())
    before = (tmp_path / "calibration.npz").read_bytes()

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("build_engines.quantize.stored.np.savez", full)
    with pytest.raises(OSError, match="No space"):
        store_measured(tmp_path / "calibration.npz", {})
    assert (tmp_path / "calibration.npz").read_bytes() == before
