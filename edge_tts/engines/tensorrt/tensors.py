"""What goes in and out of a TensorRT engine: names, types, shapes, and the bounds of its optimisation profiles."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from edge_tts.engines.api import Array, TensorInfo
from edge_tts.errors import DeviceError, EngineError, EngineLimitError

__all__ = [
    "ADAPTER_PREFIX",
    "Bounds",
    "EngineTensors",
    "Shape",
    "agrees",
    "check_numbers",
    "describe",
    "fixed_shape",
    "nbytes",
    "without_adapter",
]

ADAPTER_PREFIX = "lora_"
"""Inputs that begin so hold an adapter; they are optional, and hidden as an optional input is in ONNX Runtime."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Bounds:
    """One input's least and greatest shape in a profile; and its values', for an input that decides shapes."""

    least: Shape
    most: Shape
    least_values: Shape = ()
    most_values: Shape = ()

    def misfit(self, array: Array) -> str | None:
        """Why an array lies outside, as the rest of a sentence; None where it fits."""
        shape = array.shape
        if len(shape) != len(self.least) or not _within(self.least, shape, self.most):
            return f"has shape {list(shape)}, not one from {list(self.least)} to {list(self.most)}"
        values = tuple(int(value) for value in array.flat) if self.most_values else ()
        if values and not _within(self.least_values, values, self.most_values):
            return f"is {list(values)}, not from {list(self.least_values)} to {list(self.most_values)}"
        return None


@dataclass(frozen=True)
class EngineTensors:
    """`inputs` without adapters, `outputs`, `adapters` (inputs with fixed shapes); `on_host` are the inputs that
    TensorRT reads in host memory, because their values decide shapes. `profiles` bound each input by name."""

    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    adapters: Mapping[str, TensorInfo]
    on_host: frozenset[str]
    profiles: tuple[Mapping[str, Bounds], ...]

    def choose(
        self, graph: str, arrays: Mapping[str, Array], room: Mapping[str, tuple[int, int]] = MappingProxyType({})
    ) -> int:
        """The number of the smallest profile that all arrays fit. `room` are inputs (name → axis, size) that must be
        able to have at least that size. Raises EngineLimitError: there is none.
        """
        misfits: list[str] = []
        fitting: list[tuple[int, int]] = []
        for number, bounds in enumerate(self.profiles):
            misfit = next((f"{n} {m}" for n, a in arrays.items() if (m := bounds[n].misfit(a))), None)
            for name, (axis, size) in room.items():
                if bounds[name].most[axis] < size:
                    misfit = f"{name} needs {size} rows, not {bounds[name].most[axis]}"
            if misfit is None:
                size = sum(math.prod(bound.most) + sum(bound.most_values) for bound in bounds.values())
                fitting.append((size, number))
            else:
                misfits.append(misfit)
        if not fitting:
            raise EngineLimitError(f"graph {graph!r}: no profile of its TensorRT engine fits ({misfits[-1]})")
        return min(fitting)[1]


def describe(graph: str, trt: Any, engine: Any) -> EngineTensors:
    """Asks an ICudaEngine. Raises EngineError: a tensor has a type that numpy doesn't know."""
    inputs: dict[str, TensorInfo] = {}
    outputs: dict[str, TensorInfo] = {}
    adapters: dict[str, TensorInfo] = {}
    on_host: set[str] = set()
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        info = TensorInfo(_dtype(graph, trt, engine, name), _sizes(engine.get_tensor_shape(name)))
        if engine.get_tensor_mode(name) != trt.TensorIOMode.INPUT:
            outputs[name] = info
        elif name.startswith(ADAPTER_PREFIX):
            adapters[name] = info
        else:
            inputs[name] = info
            if engine.get_tensor_location(name) == trt.TensorLocation.HOST:
                on_host.add(name)
    count = engine.num_optimization_profiles
    profiles = tuple({n: _bounds(engine, n, p, n in on_host) for n in inputs} for p in range(count))
    return EngineTensors(inputs, outputs, adapters, frozenset(on_host), profiles)


def without_adapter(
    graph: str, tensors: EngineTensors, given: Mapping[str, Array], besides: Container[str] = ()
) -> tuple[dict[str, Array], dict[str, Array]]:
    """The arrays for the graph's inputs, checked, and those of the adapter. Inputs `besides` come in another way.

    Raises EngineError: one is missing, not the graph's, or has another type.
    """
    adapter = {name: array for name, array in given.items() if name.startswith(ADAPTER_PREFIX)}
    arrays = {name: array for name, array in given.items() if name not in adapter}
    for name in sorted(set(arrays) ^ {name for name in tensors.inputs if name not in besides}):
        raise EngineError(f"graph {graph!r} {'has no' if name in arrays else 'lacks its'} input {name[:80]!r}")
    for name, array in arrays.items():
        dtype = tensors.inputs[name].dtype
        if array.dtype != dtype:
            raise EngineError(f"graph {graph!r}: input {name!r} is {array.dtype.name}, not {dtype.name}")
    return arrays, adapter


def check_numbers(graph: str, outputs: Mapping[str, Array]) -> None:
    """Raises DeviceError: an output holds NaN or an infinity. A certified engine has no reason to give one."""
    for name, array in outputs.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DeviceError(f"graph {graph!r} gave numbers that are none in {name!r}")


def nbytes(dtype: np.dtype[Any], shape: Shape) -> int:
    """Bytes of a tensor."""
    return math.prod(shape) * dtype.itemsize


def agrees(shape: Shape, known: tuple[int | None, ...]) -> bool:
    """Whether a shape is what an engine knows of it."""
    return len(shape) == len(known) and all(b is None or a == b for a, b in zip(shape, known, strict=True))


def fixed_shape(graph: str, name: str, info: TensorInfo) -> Shape:
    """The shape of a tensor none of whose sizes varies. Raises EngineError: one does."""
    sizes = tuple(size for size in info.shape if size is not None)
    if len(sizes) != len(info.shape):
        raise EngineError(f"graph {graph!r}: {name!r} must have a fixed size here")
    return sizes


def _dtype(graph: str, trt: Any, engine: Any, name: str) -> np.dtype[Any]:
    kind = engine.get_tensor_dtype(name)
    try:
        dtype: np.dtype[Any] = np.dtype(trt.nptype(kind))
        return dtype
    except TypeError:
        raise EngineError(f"graph {graph!r}: {name!r} has type {kind}, which no graph of ours may have") from None


def _bounds(engine: Any, name: str, profile: int, on_host: bool) -> Bounds:
    least, _, most = (tuple(shape) for shape in engine.get_tensor_profile_shape(name, profile))
    values = engine.get_tensor_profile_values(profile, name) if on_host else []
    if not values:
        return Bounds(least, most)
    return Bounds(least, most, tuple(values[0]), tuple(values[2]))


def _sizes(shape: Any) -> tuple[int | None, ...]:
    return tuple(None if size < 0 else int(size) for size in shape)


def _within(least: Shape, sizes: Shape, most: Shape) -> bool:
    return all(low <= size <= high for low, size, high in zip(least, sizes, most, strict=True))
