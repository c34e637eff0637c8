"""Histograms: the order of arrays doesn't matter, and each method clips where it should."""

import numpy as np
import pytest

from build_engines.quantize.histogram import BINS, METHODS, Histogram


def made(*arrays):
    histogram = Histogram()
    for array in arrays:
        histogram.add(np.asarray(array, np.float32))
    return histogram


def gaussian(count=200_000):
    return np.random.default_rng(0).standard_normal(count).astype(np.float32)


def laplace(count=200_000):
    return np.random.default_rng(1).laplace(size=count).astype(np.float32)


def noise(values, clip):
    """Mean square of what INT8 with this clipping point makes of the values."""
    step = clip / 127
    return float(((np.clip(np.rint(values / step), -127, 127) * step - values) ** 2).mean())


@pytest.mark.parametrize("order", [1, -1])
def test_widening_equals_a_histogram_made_at_once(order):
    parts = [gaussian(1000) * scale for scale in (0.01, 0.3, 1.0, 7.0, 900.0)]
    parts += [np.array([0.5, 1.0, 2.0, -4.0]), np.zeros(10)]  # powers of two lie on the edges of bins
    grown, whole = made(*parts[::order]), made(np.concatenate(parts))
    assert grown.top == whole.top == 4096.0
    np.testing.assert_array_equal(grown.counts, whole.counts)
    assert (grown.low, grown.high) == (whole.low, whole.high)
    assert grown.counts.sum() == sum(part.size for part in parts)


def test_every_value_lies_below_the_top():
    for value in (1.0, 2.0, 0.75, 1e-20, 3e38):
        histogram = made([value, -value])
        assert histogram.top > value >= histogram.top / 2
        assert histogram.counts.sum() == 2
        assert histogram.counts[int(float(np.float32(value)) / histogram.top * BINS)] == 2


def test_the_largest_magnitude_is_kept_by_max():
    values = np.concatenate([gaussian(), [-12.5]])
    histogram = made(values)
    assert histogram.clip("max") == 12.5
    assert histogram.range("max") == (-12.5, pytest.approx(float(values.max())))


def test_percentile_lets_one_in_ten_thousand_clip():
    values = gaussian()
    clip = made(values).clip("percentile")
    beyond = (np.abs(values) > clip).mean()
    assert 0.5e-4 < beyond <= 1e-4
    assert clip == pytest.approx(3.89, abs=0.1)  # of a Gaussian


@pytest.mark.parametrize("draw", [gaussian, laplace])
def test_entropy_clips_tails_and_loses_less_than_max(draw):
    values = np.concatenate([draw(), [60.0]]).astype(np.float32)
    histogram = made(values)
    clip = histogram.clip("entropy")
    assert 2.5 < clip < 20.0
    inside = values[:-1]
    assert noise(inside, clip) < 0.2 * noise(inside, histogram.clip("max"))


def test_entropy_of_a_rectified_gaussian_is_that_of_the_gaussian():
    """Half of what a ReLU gives is zeros: they mustn't count as a peak that everything is clipped to."""
    values = gaussian()
    plain, rectified = made(values).clip("entropy"), made(np.maximum(values, 0)).clip("entropy")
    assert rectified == pytest.approx(plain, rel=0.25)
    assert noise(np.maximum(values, 0), rectified) < 3 * noise(np.maximum(values, 0), made(values).clip("max"))


def test_a_one_sided_range_stays_one_sided():
    low, high = made(np.maximum(gaussian(), 0)).range("percentile")
    assert low == 0.0
    assert high > 3.0


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_clipped_beyond_what_was_seen(method):
    values = np.random.default_rng(2).uniform(-1.5, 1.5, 10_000)
    histogram = made(values)
    assert 0.9 * 1.5 < histogram.clip(method) <= np.float32(np.abs(values).max())


@pytest.mark.parametrize("method", METHODS)
def test_zeros_alone(method):
    histogram = made(np.zeros((3, 4)), np.zeros(0))
    assert histogram.clip(method) == 0.0
    assert histogram.range(method) == (0.0, 0.0)
    assert histogram.counts[0] == histogram.counts.sum() == 12


@pytest.mark.parametrize("method", METHODS)
def test_numbers_next_to_nothing(method):
    tiny = np.array([1e-44, -1e-40, 0.0], np.float32)
    assert 0.0 <= made(tiny).clip(method) < 1e-30
    both = made(tiny, [1.0])
    assert both.counts[0] == 3
    assert both.clip(method) <= 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(bad):
    histogram = made([1.0])
    with pytest.raises(ValueError, match="not finite"):
        histogram.add(np.array([0.0, bad, 1.0], np.float32))
    assert histogram.counts.sum() == 1
    assert histogram.high == 1.0
