"""What INT8 gains, by a fixed table: a decision that hung on a stopwatch would come out differently every time.

The figures are throughputs of ONNX Runtime 1.31 on one core with AVX512-VNNI, measured on chains of convolutions and on
the decode step (BENCHMARKS.md has the tables); only their ratios matter. What the machine at hand needs is
measured beside them, for the report.
"""

from __future__ import annotations

import math

from build_engines.quantize.layers import Layer

__all__ = ["cpu_gain", "float_seconds", "tensorrt_gain"]

_FLOAT_MACS = 120e9
_FLOAT_MACS_NARROW = 60e9  # convolutions of few channels don't fill a vector
_NARROW = 16
_INT8_MACS = 450e9
_SECONDS_PER_VALUE = 0.6e-9  # to round an activation and bring the result back
_BYTES = 25e9  # weights are read from memory once per call


def macs_per_row(layer: Layer) -> int:
    """Multiply-accumulates for one row of a linear layer, or one output position of a convolution."""
    return math.prod(layer.shape)


def float_seconds(layer: Layer, rows: float) -> float:
    """One call with so many rows, by arithmetic or by reading the weights, whichever takes longer."""
    narrow = layer.kind != "MatMul" and min(layer.shape[:2]) <= _NARROW
    rate = _FLOAT_MACS_NARROW if narrow else _FLOAT_MACS
    return max(macs_per_row(layer) * rows / rate, 4 * macs_per_row(layer) / _BYTES)


def cpu_gain(layer: Layer, rows: float) -> float:
    """Seconds that one call is shorter with this layer in INT8; below 0 it is longer."""
    if layer.kind == "ConvTranspose" or layer.groups > 1:
        return -1.0  # no INT8 kernel, or none that is faster
    macs = macs_per_row(layer) * rows
    values = rows * (layer.shape[0] if layer.kind == "MatMul" else layer.shape[1])
    quantized = max(macs / _INT8_MACS, macs_per_row(layer) / _BYTES) + values * _SECONDS_PER_VALUE
    return float_seconds(layer, rows) - quantized


def tensorrt_gain(layer: Layer, rows: float) -> float:
    """Likewise on a GPU, in units of its own: arithmetic saved against FP16.

    Transposed and grouped convolutions stay in FP16: INT8 ones have a history of bugs and of being slower, which only a
    board could tell.
    """
    return -1.0 if layer.kind == "ConvTranspose" or layer.groups > 1 else macs_per_row(layer) * rows
