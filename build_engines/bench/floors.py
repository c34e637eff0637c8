"""What this machine can do at best: the streaming bandwidth of one core, and its peak of float32 and INT8 products.

Each is the best of several ways, since a floor must be what nobody can go below. Sums of an array are no way to
measure bandwidth: they wait for their own additions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime as ort  # type: ignore[import-untyped]
from onnx import TensorProto, helper, numpy_helper

__all__ = ["Best", "Floors", "best_rate", "merge", "operations_ms", "transfer_ms"]

_STREAM_BYTES = 256 << 20
_SIZE = 1024
_CHANNELS, _WIDTH, _POSITIONS = 256, 7, 4096


@dataclass(frozen=True)
class Best:
    """The best rate, per second, and the way that reached it."""

    rate: float
    way: str


@dataclass(frozen=True)
class Floors:
    """Bytes read per second, float32 and INT8 operations per second (a multiplication and an addition are two)."""

    bandwidth: Best
    float32: Best
    int8: Best

    @staticmethod
    def measure(repeat: int, stream_bytes: int = _STREAM_BYTES, size: int = _SIZE) -> Floors:
        """Runs every way `repeat` times over arrays of `stream_bytes`, and products of `size`³."""
        return Floors(
            best_rate(_streams(stream_bytes), repeat),
            best_rate(_float_products(size), repeat),
            best_rate(_integer_products(size), repeat),
        )


def merge(first: Floors, second: Floors) -> Floors:
    """The better of two measurements of one machine."""
    pairs = ((getattr(first, name), getattr(second, name)) for name in ("bandwidth", "float32", "int8"))
    return Floors(*(max(pair, key=lambda best: best.rate) for pair in pairs))


def transfer_ms(size_bytes: float, floors: Floors) -> float:
    """Milliseconds that reading so many bytes takes at the least."""
    return 1e3 * size_bytes / floors.bandwidth.rate


def operations_ms(operations: Mapping[str, int], floors: Floors) -> float:
    """Milliseconds that so many operations take at the least, by their type ("float32", "int8")."""
    return 1e3 * sum(number / (floors.int8 if kind == "int8" else floors.float32).rate
                     for kind, number in operations.items())  # fmt: skip


def best_rate(
    ways: Mapping[str, tuple[float, Callable[[], object]]], repeat: int, clock: Callable[[], float] = time.perf_counter
) -> Best:
    """`ways`: name → (amount of one call, the call). The highest amount per second; the first call of each warms up."""
    found = []
    for way, (amount, call) in ways.items():
        call()
        for _ in range(repeat):
            start = clock()
            call()
            found.append(Best(amount / (clock() - start), way))
    return max(found, key=lambda best: best.rate)


def _streams(size_bytes: int) -> dict[str, tuple[float, Callable[[], object]]]:
    """Ways to read memory once. Every array is written first: untouched pages all lie in one zero page."""
    floats = np.ones(size_bytes // 4, np.float32)
    half = len(floats) // 2
    side = int((size_bytes // 4) ** 0.5)
    matrix, row = floats[: side * side].reshape(side, side), np.ones(side, np.float32)
    words = floats.view(np.int8)
    integers = _session(
        "MatMulInteger", {"a": (TensorProto.UINT8, (1, side))}, TensorProto.INT32, np.ones((side, 4 * side), np.int8)
    )
    one = {"a": np.ones((1, side), np.uint8)}
    return {
        "dot of one array": (4 * len(floats), lambda: np.dot(floats, floats)),
        "dot of two arrays": (8 * half, lambda: np.dot(floats[:half], floats[half : 2 * half])),
        "matrix by vector": (4 * side * side, lambda: np.dot(matrix, row)),
        "greatest of bytes": (len(words), words.max),
        "MatMulInteger of one row": (4 * side * side, lambda: integers.run(None, one)),
    }


def _float_products(size: int) -> dict[str, tuple[float, Callable[[], object]]]:
    a = np.random.default_rng(0).standard_normal((size, size), np.float32)
    session = _session("MatMul", {"a": (TensorProto.FLOAT, (size, size))}, TensorProto.FLOAT, a)
    operations = 2.0 * size**3
    return {
        "BLAS matrix product": (operations, lambda: a @ a),
        "ONNX Runtime MatMul": (operations, lambda: session.run(None, {"a": a})),
    }


def _integer_products(size: int) -> dict[str, tuple[float, Callable[[], object]]]:
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
