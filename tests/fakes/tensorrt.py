"""A strict stand-in for NVIDIA's Python package `tensorrt` in one process, with no GPU.

    fake = FakeTensorRT("10.3")                      # 10.3, 10.16 or 11.4
    monkeypatch.setitem(sys.modules, "tensorrt", fake)

It has the names of that version and no others, refuses arguments of a wrong type as pybind11 does, and parses, builds,
loads and executes: a plan is a header (version, device, profiles) and the ONNX model, which ONNX Runtime computes on
numpy views of the addresses it is given. Those must be real host memory; whoever hands it out may be told to watch:

    fake.cuda.check(address, nbytes)    called with every buffer before it is touched; raises what it likes
    fake.cuda.capturing(stream) -> bool a stream that is being captured: a context must have run before with its shapes
    fake.cuda.submit(stream, work)      called instead of work() where `cuda` is given: work() -> None computes

Faults are switched on in `fake.faults`; `fake.messages` holds all that was logged as (severity's name, text).
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.fakes.tensorrt_builder import BUILD_CLASSES, Logger
from tests.fakes.tensorrt_engine import ENGINE_CLASSES, read_plan
from tests.fakes.tensorrt_names import Dims, enum, is_enum, names, text_of

__all__ = ["FakeTensorRT", "Faults", "read_plan"]

_BUILDS = {"10.3": "10.3.0.30", "10.16": "10.16.0.72", "11.4": "11.4.0.20"}


@dataclass
class Faults:
    """What shall go wrong.

    build: build_serialized_network returns None. memory: "build", "engine", "context" or "execute" runs out of memory.
    execute: execute_async_v3 returns False. output: changes what an output holds, (name, array) -> array. truncated:
    the plan is cut to that many bytes. parse: an operator that the parser has no importer for. step: called at every
    step of a build. unsafe_monitor: the build ignores that its monitor wants to stop, as a step that takes long does.
    """

    build: bool = False
    memory: str | None = None
    execute: bool = False
    output: Callable[[str, np.ndarray], np.ndarray] | None = None
    truncated: int | None = None
    parse: str | None = None
    step: Callable[[], None] | None = None
    unsafe_monitor: bool = False


class FakeTensorRT(types.ModuleType):
    """The module. `build` is its full version, `device` stands for the GPU's kind; a plan is bound to both."""

    def __init__(self, version: str = "10.3", *, device: str = "Orin sm_87", cuda: Any = None) -> None:
        super().__init__("tensorrt")
        self.version, self.build, self.device, self.cuda = version, _BUILDS[version], device, cuda
        self.__version__ = self.build.rsplit(".", 1)[0]
        self.faults = Faults()
        self.messages: list[tuple[str, str]] = []
        self.builds = 0
        self.executions = 0
        listed = names(version)
        for name, members in listed.items():
            if is_enum(members):
                setattr(self, name, enum(name, members or ()))
        severity = enum("Severity", ("INTERNAL_ERROR", "ERROR", "WARNING", "INFO", "VERBOSE"))
        for base in (*BUILD_CLASSES, *ENGINE_CLASSES):
            name = base._kind
            if name in listed:
                parents = (self.ILogger,) if base is Logger else ()
                made = type(name, (base, *parents), {"_fake": self, "__doc__": f"tensorrt.{name}"})
                if name in ("ILogger", "Logger"):
                    made.Severity = severity
                    for level, value in severity.__members__.items():
                        setattr(made, level, value)
                setattr(self, name, made)
        self.Dims = Dims
        for kind in ("float32", "float16", "int8", "int32", "int64", "bool", "uint8"):
            trt_name = {"float32": "FLOAT", "float16": "HALF"}.get(kind, kind.upper())
            setattr(self, kind, getattr(self.DataType, trt_name))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in names(self.version):
            raise NotImplementedError(f"the fake of TensorRT lacks {name}, which the real one has: add it")
        raise AttributeError(f"module 'tensorrt' {self.version} has no attribute {name!r}")

    def nptype(self, kind: Any) -> type:
        """numpy's type for a DataType. Raises TypeError."""
        if not isinstance(kind, self.DataType):
            raise TypeError("nptype: a DataType is wanted")
        known = {"FLOAT": np.float32, "HALF": np.float16, "INT8": np.int8, "INT32": np.int32, "INT64": np.int64}
        found = (known | {"BOOL": np.bool_, "UINT8": np.uint8}).get(kind.name)
        if found is None:
            raise TypeError(f"Could not resolve TensorRT datatype to an equivalent numpy datatype: {kind.name}")
        return found

    def init_libnvinfer_plugins(self, logger: Any, namespace: str) -> bool:
        """Nothing to register here."""
        text_of(namespace)
        return True
