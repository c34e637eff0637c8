"""What INT8 gains by the fixed table: only ratios and signs decide."""

import pytest

from build_engines.quantize.costs import cpu_gain, float_seconds, tensorrt_gain
from build_engines.quantize.layers import Layer


def layer(kind, *shape, groups=1):
    return Layer("a.b", "/a/b", kind, "a.b.weight", "x", "y", shape, groups)


def test_a_large_linear_layer_gains_more_than_half_of_its_time():
    large = layer("MatMul", 512, 2048)
    for rows in (1, 100):
        assert 0.5 * float_seconds(large, rows) < cpu_gain(large, rows) < float_seconds(large, rows)


def test_one_row_costs_the_reading_of_the_weights():
    large = layer("MatMul", 512, 2048)
    assert float_seconds(large, 1) == float_seconds(large, 2) == pytest.approx(4 * 512 * 2048 / 25e9)
    assert float_seconds(large, 200) == pytest.approx(2 * float_seconds(large, 100))


def test_gains_grow_with_rows_and_with_sizes():
    gains = [cpu_gain(layer("Conv", size, size, 7), 1000) for size in (32, 64, 128, 256)]
    assert gains == sorted(gains)
    assert cpu_gain(layer("Conv", 64, 64, 7), 2000) == pytest.approx(2 * cpu_gain(layer("Conv", 64, 64, 7), 1000))


def test_a_layer_of_few_products_gains_nothing():
    """To round its input takes longer than the arithmetic that is saved."""
    assert cpu_gain(layer("MatMul", 64, 1), 100_000) < 0
    assert cpu_gain(layer("Conv", 1, 64, 1), 100_000) < 0


@pytest.mark.parametrize("gain", [cpu_gain, tensorrt_gain])
def test_what_stays_in_float(gain):
    assert gain(layer("ConvTranspose", 256, 128, 16), 1000) < 0
    assert gain(layer("Conv", 256, 1, 7, groups=256), 1000) < 0
    assert gain(layer("Conv", 256, 256, 7), 1000) > 0


def test_tensorrt_gains_arithmetic():
    assert tensorrt_gain(layer("MatMul", 512, 2048), 3) == 3 * 512 * 2048
