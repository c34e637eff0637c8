"""What this machine can do at best: the streaming bandwidth of one core, and its peak of float32 and INT8 products.

Each is the best of several ways, since a floor must be what nobody can go below, and the median of what that way
reached over the run: what it is compared with are medians too, and a shared machine is faster now than then. Sums of an
array are no way to measure bandwidth: they wait for their own additions.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnx
import onnxruntime as ort  # type: ignore[import-untyped]
from onnx import TensorProto, helper, numpy_helper

__all__ = ["Best", "Floors", "Machine", "Samples", "operations_ms", "transfer_ms"]

_STREAM_BYTES = 256 << 20
_SIZE = 1024
_CHANNELS, _WIDTH, _POSITIONS = 256, 7, 4096


@dataclass(frozen=True)
class Best:
    """The best way: the median of its rates per second, its greatest, and its name; the medians of all `ways`."""

    rate: float
    most: float
    way: str
    ways: Mapping[str, float] = field(default_factory=dict, compare=False)


Ways = Mapping[str, tuple[float, Callable[[], object]]]
"""Name of a way → (amount of one call, the call)."""


class Samples:
    """Rates of several ways to do one thing, taken at different moments of a run."""

    def __init__(self, ways: Ways, clock: Callable[[], float] = time.process_time) -> None:
        """Every way runs once to warm up."""
        self._ways, self._clock = ways, clock
        self._rates: dict[str, list[float]] = {way: [] for way in ways}
        for _, call in ways.values():
            call()

    def take(self, repeat: int) -> None:
        """Adds `repeat` rates of each way, in turns."""
        for _ in range(repeat):
            for way, (amount, call) in self._ways.items():
                start = self._clock()
                call()
                self._rates[way].append(amount / (self._clock() - start))

    @property
    def best(self) -> Best:
        """The way with the greatest median."""
        medians = {way: statistics.median(rates) for way, rates in self._rates.items()}
        way = max(medians, key=medians.__getitem__)
        return Best(medians[way], max(self._rates[way]), way, medians)


@dataclass(frozen=True)
class Floors:
    """Bytes read per second, float32 and INT8 operations per second (a multiplication and an addition are two)."""

    bandwidth: Best
    float32: Best
    int8: Best


class Machine:
    """Measures the floors again and again, so that they are of the same moments as what is compared with them."""

    def __init__(self, stream_bytes: int = _STREAM_BYTES, size: int = _SIZE) -> None:
        """`stream_bytes` are read by each way, `size` is the side of the square matrices that are multiplied."""
        self._streams = Samples(_streams(stream_bytes))
        self._products = Samples(_float_products(size)), Samples(_integer_products(size))

    def streams(self, repeat: int) -> None:
        """Takes `repeat` more rates of every way to read memory."""
        self._streams.take(repeat)

    def all(self, repeat: int) -> None:
        """Takes `repeat` more rates of everything."""
        for samples in (self._streams, *self._products):
            samples.take(repeat)

    @property
    def floors(self) -> Floors:
        """The floors so far."""
        return Floors(self._streams.best, *(samples.best for samples in self._products))


def transfer_ms(size_bytes: float, floors: Floors) -> float:
    """Milliseconds that reading so many bytes takes at the least."""
    return 1e3 * size_bytes / floors.bandwidth.rate


def operations_ms(operations: Mapping[str, int], floors: Floors) -> float:
    """Milliseconds that so many operations take at the least, by their type ("float32", "int8")."""
    rates = {kind: floors.int8.rate if kind == "int8" else floors.float32.rate for kind in operations}
    return 1e3 * sum(number / rates[kind] for kind, number in operations.items())


def _streams(size_bytes: int) -> Ways:
    """Ways to read memory once. Every array is written first: untouched pages all lie in one zero page."""
    floats = np.ones(size_bytes // 4, np.float32)
    half = len(floats) // 2
    side = int((size_bytes // 4) ** 0.5)
    matrix, row = floats[: side * side].reshape(side, side), np.ones(side, np.float32)
    words = floats.view(np.int8)
    integers = _session(
        "MatMulInteger", {"a": (TensorProto.UINT8, (1, side))}, TensorProto.INT32, np.ones((side, side), np.int8)
    )
    one = {"a": np.ones((1, side), np.uint8)}
    return {
        "dot of one array": (4 * len(floats), lambda: np.dot(floats, floats)),
        "dot of two arrays": (8 * half, lambda: np.dot(floats[:half], floats[half : 2 * half])),
        "matrix by vector": (4 * side * side, lambda: np.dot(matrix, row)),
        "greatest of bytes": (len(words), words.max),
        "MatMulInteger of one row": (side * side, lambda: integers.run(None, one)),
    }


def _float_products(size: int) -> Ways:
    a = np.random.default_rng(0).standard_normal((size, size), np.float32)
    session = _session("MatMul", {"a": (TensorProto.FLOAT, (size, size))}, TensorProto.FLOAT, a)
    operations = 2.0 * size**3
    return {
        "BLAS matrix product": (operations, lambda: a @ a),
        "ONNX Runtime MatMul": (operations, lambda: session.run(None, {"a": a})),
    }


def _integer_products(size: int) -> Ways:
    random = np.random.default_rng(0)
    bytes_ = random.integers(0, 255, (size, size), np.uint8)
    weights = random.integers(-127, 127, (size, size), np.int8)
    product = _session("MatMulInteger", {"a": (TensorProto.UINT8, (size, size))}, TensorProto.INT32, weights)
    positions = max(64, _POSITIONS * size // _SIZE)
    image = random.integers(0, 255, (1, _CHANNELS, 1, positions), np.uint8)
    convolution = _convolution(random, positions)
    return {
        "ONNX Runtime MatMulInteger": (2.0 * size**3, lambda: product.run(None, {"a": bytes_})),
        "ONNX Runtime QLinearConv": (
            2.0 * _CHANNELS * _CHANNELS * _WIDTH * positions, lambda: convolution.run(None, {"x": image}),
        ),
    }  # fmt: skip


def _session(
    operator: str, inputs: Mapping[str, tuple[int, tuple[int, ...]]], result: int, weights: np.ndarray
) -> ort.InferenceSession:
    """One product of an input with constant weights."""
    graph = helper.make_graph(
        [helper.make_node(operator, [*inputs, "w"], ["y"])], "floor",
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()],
        [helper.make_tensor_value_info("y", result, None)], [numpy_helper.from_array(weights, "w")],
    )  # fmt: skip
    return _open(graph)


def _convolution(random: np.random.Generator, positions: int) -> ort.InferenceSession:
    weights = random.integers(-127, 127, (_CHANNELS, _CHANNELS, 1, _WIDTH), np.int8)
    constants = {
        "scale": np.float32(0.02), "zero": np.uint8(128), "w": weights, "w_scale": np.float32(0.01),
        "w_zero": np.int8(0), "y_scale": np.float32(20.0), "y_zero": np.uint8(128),
    }  # fmt: skip
    shape = (1, _CHANNELS, 1, positions)
    graph = helper.make_graph(
        [helper.make_node("QLinearConv", ["x", *constants], ["y"], pads=[0, _WIDTH // 2, 0, _WIDTH // 2])], "floor",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("y", TensorProto.UINT8, shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    return _open(graph)


def _open(graph: onnx.GraphProto) -> ort.InferenceSession:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
