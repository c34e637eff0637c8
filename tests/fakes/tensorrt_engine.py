"""The half of the fake that loads plans and executes them; see `tests.fakes.tensorrt`."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx

from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import EngineError
from tests.fakes import tensorrt_model
from tests.fakes.tensorrt_names import Dims, Strict, shape_of, text_of, whole

__all__ = ["ENGINE_CLASSES", "MAGIC", "read_plan"]

MAGIC = b"FAKE-PLAN"


def read_plan(raw: bytes) -> tuple[dict[str, Any], bytes]:
    """A plan's header and its ONNX model. Raises ValueError: damaged."""
    head, _, model = bytes(raw).partition(b"\n")
    if not head.startswith(MAGIC) or not model:
        raise ValueError("no plan")
    header: dict[str, Any] = json.loads(head.removeprefix(MAGIC))
    return header, model


class IHostMemory(Strict, bytes):
    """A buffer: memoryview(), bytes() and file.write() take it, but it is no sequence."""

    _kind = "IHostMemory"

    @property
    def nbytes(self) -> int:
        return bytes.__len__(self)

    @property
    def dtype(self) -> Any:
        return self._fake.DataType.INT8

    def __len__(self) -> int:
        raise TypeError("object of type 'tensorrt.IHostMemory' has no len()")

    def __getitem__(self, index: Any) -> Any:
        raise TypeError("'tensorrt.IHostMemory' object is not subscriptable")

    def __iter__(self) -> Any:
        raise TypeError("'tensorrt.IHostMemory' object is not iterable")

    def __add__(self, other: Any) -> Any:
        raise TypeError("'tensorrt.IHostMemory' can't be added")


class Runtime(Strict):
    _kind = "Runtime"

    def __init__(self, logger: Any) -> None:
        if not isinstance(logger, self._fake.ILogger):
            raise TypeError("Runtime: a logger is wanted")
        self._logger = logger

    def _log(self, text: str) -> None:
        self._fake.messages.append(("ERROR", text))
        self._logger.log(self._fake.Logger.Severity.ERROR, text)

    def deserialize_cuda_engine(self, serialized_engine: Any) -> Any:
        fake = self._fake
        raw = bytes(memoryview(serialized_engine))
        if fake.faults.memory == "engine":
            self._log("Cuda failure: out of memory")
            return None
        try:
            header, model = read_plan(raw)
            session = OnnxEngine().load("engine", model)
        except (ValueError, EngineError):
            self._log("The engine plan file is corrupt: magic tag or size is wrong")
            return None
        for key, wanted in (("version", fake.build), ("device", fake.device)):
            if header[key] != wanted:
                self._log(f"The engine plan file was made for {key} {header[key]}, expecting {wanted}")
                return None
        return fake.ICudaEngine(header, onnx.load_model_from_string(model), session, self)


class ICudaEngine(Strict):
    _kind = "ICudaEngine"

    def __init__(self, header: dict[str, Any], model: onnx.ModelProto, session: Any, runtime: Any) -> None:
        self._header, self._session, self._runtime = header, session, runtime
        self._inputs = {value.name: value for value in model.graph.input}
        self._outputs = {value.name: value for value in model.graph.output}
        self._shape_tensors = tensorrt_model.shape_tensors(model)
        self._bytes = model.ByteSize()
        self._sizes: dict[tuple[Any, ...], dict[str, tuple[int, ...]]] = {}

    def _value(self, name: str) -> Any:
        return {**self._inputs, **self._outputs}.get(text_of(name))

    def _dtype(self, name: str) -> np.dtype[Any]:
        return tensorrt_model.np_dtype(self._value(name))

    @property
    def name(self) -> str:
        return "Unnamed Network 0"

    @property
    def num_io_tensors(self) -> int:
        return len(self._inputs) + len(self._outputs)

    @property
    def num_optimization_profiles(self) -> int:
        return len(self._header["profiles"])

    @property
    def num_layers(self) -> int:
        return 1

    @property
    def refittable(self) -> bool:
        return False

    @property
    def device_memory_size(self) -> int:
        return self._bytes

    @property
    def device_memory_size_v2(self) -> int:
        return self._bytes

    def get_device_memory_size_for_profile_v2(self, profile_index: int) -> int:
        whole(profile_index)
        return self._bytes

    def get_tensor_name(self, index: int) -> str:
        return [*self._inputs, *self._outputs][whole(index)]

    def get_tensor_mode(self, name: str) -> Any:
        mode = self._fake.TensorIOMode
        known = mode.OUTPUT if name in self._outputs else mode.NONE
        return mode.INPUT if text_of(name) in self._inputs else known

    def get_tensor_dtype(self, name: str) -> Any:
        return getattr(self._fake.DataType, tensorrt_model.TYPES[self._value(name).type.tensor_type.elem_type])

    def get_tensor_shape(self, name: str) -> Dims:
        return Dims(tensorrt_model.dims(self._value(name)))

    def get_tensor_location(self, name: str) -> Any:
        location = self._fake.TensorLocation
        return location.HOST if text_of(name) in self._shape_tensors else location.DEVICE

    def is_shape_inference_io(self, name: str) -> bool:
        return text_of(name) in self._shape_tensors

    def get_tensor_profile_shape(self, name: str, profile_index: int) -> list[Dims]:
        profile = self._header["profiles"][whole(profile_index)]
        fixed = [tensorrt_model.dims(self._value(name))] * 3
        return [Dims(shape) for shape in profile["shapes"].get(text_of(name), fixed)]

    def get_tensor_profile_values(self, profile_index: int, name: str) -> list[list[int]]:
        profile = self._header["profiles"][whole(profile_index)]
        return [list(values) for values in profile["values"].get(text_of(name), [])]

    def serialize(self) -> Any:
        raise NotImplementedError("the fake serializes no engine")

    def create_execution_context(self, strategy: Any = None) -> Any:
        if strategy is not None and not isinstance(strategy, self._fake.ExecutionContextAllocationStrategy):
            raise TypeError("create_execution_context: an ExecutionContextAllocationStrategy is wanted")
        if self._fake.faults.memory == "context":
            self._runtime._log("Cuda failure: out of memory")
            return None
        return self._fake.IExecutionContext(self)

    def _output_shapes(self, feeds: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
        """Shapes of all outputs: what a run on zeros gives."""
        values = {name: feeds[name].tobytes() for name in self._shape_tensors}
        key = tuple((name, feeds[name].shape, values.get(name)) for name in self._inputs)
        if key not in self._sizes:
            zeros = {n: a if n in values else np.zeros_like(a) for n, a in feeds.items()}
            self._sizes[key] = {n: a.shape for n, a in self._session.run(zeros).items()}
        return self._sizes[key]


class IExecutionContext(Strict):
    _kind = "IExecutionContext"

    def __init__(self, engine: ICudaEngine) -> None:
        self._engine, self._profile, self._warm = engine, 0, False
        self._addresses: dict[str, int] = {}
        self._shapes: dict[str, tuple[int, ...]] = {}

    def _log(self, text: str) -> None:
        self._engine._runtime._log(f"IExecutionContext: {text}")

    @property
    def engine(self) -> Any:
        return self._engine

    @property
    def active_optimization_profile(self) -> int:
        return self._profile

    @property
    def all_binding_shapes_specified(self) -> bool:
        return not self._missing()

    @property
    def all_shape_inputs_specified(self) -> bool:
        return all(name in self._addresses for name in self._engine._shape_tensors)

    def set_optimization_profile_async(self, profile_index: int, stream_handle: int) -> bool:
        whole(stream_handle)
        if not 0 <= whole(profile_index) < self._engine.num_optimization_profiles:
            self._log(f"profile {profile_index} does not exist")
            return False
        if profile_index != self._profile:
            self._profile, self._warm = profile_index, False
            self._shapes.clear()
        return True

    def set_input_shape(self, name: str, shape: Any) -> bool:
        sizes = shape_of(shape)
        if text_of(name) not in self._engine._inputs:
            self._log(f"set_input_shape: {name} is no input")
            return False
        least, _, most = (tuple(d) for d in self._engine.get_tensor_profile_shape(name, self._profile))
        fits = len(sizes) == len(least) and all(a <= b <= c for a, b, c in zip(least, sizes, most, strict=True))
        if not fits:
            self._log(f"set_input_shape: {name} {sizes} is not within {least}..{most} of profile {self._profile}")
            return False
        if self._shapes.get(name) != sizes:
            self._shapes[name], self._warm = sizes, False
        return True

    def set_tensor_address(self, name: str, memory: int) -> bool:
        address = whole(memory)
        if self._engine._value(name) is None or address == 0:
            self._log(f"set_tensor_address: {name} at {address}")
            return False
        self._addresses[name] = address
        return True

    def get_tensor_address(self, name: str) -> int:
        return self._addresses.get(text_of(name), 0)

    def infer_shapes(self) -> list[str]:
        return self._missing()

    def get_tensor_shape(self, name: str) -> Dims:
        if text_of(name) in self._engine._inputs:
            return Dims(self._input_shape(name))
        declared = tensorrt_model.dims(self._engine._outputs[name])
        if self._missing() or -1 not in declared:
            return Dims(declared)
        return Dims(self._engine._output_shapes(self._blank())[name])

    def get_max_output_size(self, name: str) -> int:
        """Bytes of an output at the profile's maximum; -1 where shapes are not set or the name is no output's."""
        if self._missing() or text_of(name) not in self._engine._outputs:
            return -1
        most = {n: tuple(self._engine.get_tensor_profile_shape(n, self._profile)[2]) for n in self._engine._inputs}
        values = self._engine._header["profiles"][self._profile]["values"]
        blank = {n: np.zeros(shape, self._engine._dtype(n)) for n, shape in most.items()}
        for shape_input in self._engine._shape_tensors:
            blank[shape_input][...] = np.reshape(values[shape_input][2], most[shape_input])
        return int(np.prod(self._engine._output_shapes(blank)[name])) * self._engine._dtype(name).itemsize

    def execute_async_v3(self, stream_handle: int) -> bool:
        """All that may be refused is refused here; the work itself goes to the stream with today's addresses."""
        stream, fake, engine = whole(stream_handle), self._fake, self._engine
        unset = [name for name in (*engine._inputs, *engine._outputs) if name not in self._addresses]
        if missing := self._missing() or unset:
            self._log(f"enqueueV3: address or shape is not set for {', '.join(missing)}")
            return False
        if fake.faults.execute or fake.faults.memory == "execute":
            self._log("Cuda failure: out of memory" if fake.faults.memory else "Cuda failure: an illegal memory access")
            return False
        if fake.cuda is not None and fake.cuda.capturing(stream) and not self._warm:
            self._log("enqueueV3: this context has not run since its shapes changed, so it can't be captured")
            return False
        self._warm = True
        shapes = engine._output_shapes(self._blank())
        views = {name: self._view(name, self._input_shape(name)) for name in engine._inputs}
        targets = {name: self._view(name, shape) for name, shape in shapes.items()}

        def work() -> None:
            results = engine._session.run({name: view.copy() for name, view in views.items()})
            for name, target in targets.items():
                change = fake.faults.output
                target[...] = results[name] if change is None else change(name, results[name])
            fake.executions += 1

        if fake.cuda is None:
            work()
        else:
            fake.cuda.submit(stream, work)
        return True

    def _missing(self) -> list[str]:
        """Inputs whose shape varies and was not set, and shape inputs without an address."""
        shapes = [name for name in self._engine._inputs if -1 in self._input_shape(name)]
        return shapes + [name for name in self._engine._shape_tensors if name not in self._addresses]

    def _input_shape(self, name: str) -> tuple[int, ...]:
        return self._shapes.get(name, tensorrt_model.dims(self._engine._inputs[name]))

    def _blank(self) -> dict[str, np.ndarray]:
        """Inputs of today's shapes: zeros, and the true values of shape inputs."""
        blank = {n: np.zeros(self._input_shape(n), self._engine._dtype(n)) for n in self._engine._inputs}
        return {n: self._view(n, a.shape).copy() if n in self._engine._shape_tensors else a for n, a in blank.items()}

    def _view(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """The memory at the tensor's address."""
        dtype = self._engine._dtype(name)
        nbytes = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if self._fake.cuda is not None and name not in self._engine._shape_tensors:
            self._fake.cuda.check(self._addresses[name], nbytes)
        buffer = (ctypes.c_char * nbytes).from_address(self._addresses[name])
        return np.frombuffer(buffer, dtype).reshape(shape)


ENGINE_CLASSES = (IHostMemory, Runtime, ICudaEngine, IExecutionContext)
