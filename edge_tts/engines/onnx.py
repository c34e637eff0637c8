"""ONNX Runtime on the CPU.

One thread by default: the bars are set for one core, and a speaker has other work. Arrays are bound without a copy:
an OrtValue made from a numpy array on the CPU is that array's memory.
"""

from __future__ import annotations

import functools
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort  # type: ignore[import-untyped]

from edge_tts.engines.api import Array, Binding, Graph, TensorInfo
from edge_tts.errors import EngineError

__all__ = ["CPU_INFO", "OnnxEngine"]

_PROVIDERS = ["CPUExecutionProvider"]
_LOG_FATAL = 4
CPU_INFO = Path("/proc/cpuinfo")
_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
}
# ONNX Runtime's exceptions have no common root below Exception; these are all that its Python binding defines.
_FAILURES: tuple[type[Exception], ...] = (
    RuntimeError,
    ValueError,
    *(
        getattr(ort.capi.onnxruntime_pybind11_state, name)
        for name in (
            "EPFail",
            "EngineError",
            "Fail",
            "InvalidArgument",
            "InvalidGraph",
            "InvalidProtobuf",
            "ModelLoaded",
            "NoModel",
            "NoSuchFile",
            "NotImplemented",
            "RuntimeException",
        )
    ),
)


class OnnxEngine:
    """Loads graphs into ONNX Runtime sessions; `threads` is the number of threads that one operator may use."""

    def __init__(self, threads: int = 1, settings: Mapping[str, str] | None = None, *, packed: bool = False) -> None:
        """`settings` are more session configuration entries. A `packed` engine loads what `pack` has written: nothing
        is optimized again."""
        self.threads, self._packed = threads, packed
        self._settings = dict(settings or {})
        if _overflows(platform.machine(), CPU_INFO):
            self._settings["session.x64quantprecision"] = "1"

    @property
    def identity(self) -> dict[str, Any]:
        """What sessions depend on besides the graph and the processor, as JSON values."""
        return {"onnxruntime": ort.__version__, "settings": dict(self._settings)}

    def load(self, name: str, model: bytes | Path) -> Graph:
        """Makes a session. Raises EngineError: ONNX Runtime refuses the model."""
        return self._session(name, model, self._options())

    def pack(self, name: str, model: bytes | Path, target: Path) -> Graph:
        """Makes a session as `load` does, and writes down what it has become: the optimized graph to `target`, weights
        and what the processor's kernels made of them to `target`.data. Raises EngineError."""
        options = self._options()
        options.optimized_model_filepath = str(target)
        for key, value in (
            ("session.optimized_model_external_initializers_file_name", f"{target.name}.data"),
            ("session.optimized_model_external_initializers_min_size_in_bytes", "1024"),
            ("session.save_external_prepacked_constant_initializers", "1"),
        ):
            options.add_session_config_entry(key, value)
        return self._session(name, model, options)

    def _options(self) -> ort.SessionOptions:
        options = ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _LOG_FATAL
        # One arena for all sessions, since a sentence's stages take turns: an arena each would keep the sum of their
        # peaks, and plain malloc asks the system for tens of megabytes anew in every run.
        options.enable_cpu_mem_arena = _shared_arena()
        options.enable_mem_pattern = False  # it would take a run's buffers as one block beside the arena's free ones
        options.add_session_config_entry("session.use_env_allocators", "1")
        # Planning which buffer may follow which compares every pair of them: half of the time that loading takes, for
        # memory that malloc reuses as well (measured: the same peak, the same speed).
        options.enable_mem_reuse = False
        if self._packed:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        for key, value in self._settings.items():
            options.add_session_config_entry(key, value)
        return options

    def _session(self, name: str, model: bytes | Path, options: ort.SessionOptions) -> Graph:
        try:
            session = ort.InferenceSession(
                model if isinstance(model, bytes) else str(model), options, providers=_PROVIDERS
            )
        except _FAILURES as error:
            raise EngineError(f"graph {name!r} can't be loaded: {_one_line(error)}") from None
        # The Python session keeps the model's bytes to make itself again with other providers; there are none here, and
        # the bytes are as large as the weights.
        session._model_bytes = None
        return OnnxGraph(name, session)


class OnnxGraph:
    """A session with its inputs and outputs by name."""

    def __init__(self, name: str, session: ort.InferenceSession) -> None:
        self.name = name
        self._session = session
        self._inputs = {arg.name: _info(arg) for arg in session.get_inputs()}
        self._outputs = {arg.name: _info(arg) for arg in session.get_outputs()}

    @property
    def inputs(self) -> Mapping[str, TensorInfo]:
        """Every input by name."""
        return self._inputs

    @property
    def outputs(self) -> Mapping[str, TensorInfo]:
        """Every output by name."""
        return self._outputs

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Runs the session on fresh arrays. Raises EngineError."""
        try:
            return dict(zip(self._outputs, self._session.run(None, dict(inputs)), strict=True))
        except _FAILURES as error:
            raise EngineError(f"graph {self.name!r} failed: {_one_line(error)}") from None

    def bind(
        self, inputs: Mapping[str, Array], outputs: Mapping[str, Array], states: Mapping[str, tuple[str, Array]]
    ) -> Binding:
        """Binds arrays in place. Raises EngineError: an array is not contiguous, or ONNX Runtime refuses it."""
        binding = self._session.io_binding()
        try:
            for name, array in inputs.items():
                binding.bind_ortvalue_input(name, _value(name, array))
            for name, array in outputs.items():
                binding.bind_ortvalue_output(name, _value(name, array))
        except _FAILURES as error:
            raise EngineError(f"graph {self.name!r} can't be bound: {_one_line(error)}") from None
        bound = OnnxBinding(self.name, self._session, binding, [*inputs.values(), *outputs.values()])
        bound.rebind(states)
        return bound


class OnnxBinding:
    """A persistent IOBinding. Holds the arrays whose memory ONNX Runtime reads and writes."""

    def __init__(self, name: str, session: ort.InferenceSession, binding: ort.IOBinding, arrays: list[Array]) -> None:
        self._name, self._session, self._binding, self._arrays = name, session, binding, arrays
        self._states: list[Array] = []

    def run(self) -> None:
        """Runs the session on the bound arrays. Raises EngineError."""
        try:
            self._session.run_with_iobinding(self._binding)
        except _FAILURES as error:
            raise EngineError(f"graph {self._name!r} failed: {_one_line(error)}") from None

    def rebind(self, states: Mapping[str, tuple[str, Array]]) -> None:
        """See `Binding.rebind`. Raises EngineError: an array is not contiguous, or ONNX Runtime refuses it."""
        try:
            for name, (source, array) in states.items():
                value = _value(name, array)
                self._binding.bind_ortvalue_input(source, value)
                self._binding.bind_ortvalue_output(name, value)
        except _FAILURES as error:
            raise EngineError(f"graph {self._name!r} can't be bound: {_one_line(error)}") from None
        self._states = [array for _, array in states.values()]


@functools.cache
def _shared_arena() -> bool:
    """Makes this process's arena, once. False where the program around us has made one of another kind."""
    memory = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
    try:
        ort.create_and_register_allocator(memory, ort.OrtArenaCfg(0, -1, -1, -1))
    except _FAILURES:
        return False
    return True


def _overflows(machine: str, cpu_info: Path) -> bool:
    """Whether this processor's kernels for unsigned times signed bytes lose products.

    x86 without VNNI adds pairs of them in 16 bits, which overflow: a voice's logits keep 23 dB. ONNX Runtime's option
    x64quantprecision then computes with unsigned weights, which is exact, and slower where it isn't needed.
    """
    if machine not in ("x86_64", "AMD64"):
        return False
    try:
        text = cpu_info.read_text(encoding="ascii", errors="replace")
    except OSError:
        return True
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "")
    return not {"avx512_vnni", "avx_vnni"} & set(flags.split())


def _value(name: str, array: Array) -> ort.OrtValue:
    if not array.flags.c_contiguous:
        raise EngineError(f"buffer {name!r} must be contiguous")
    return ort.OrtValue.ortvalue_from_numpy(array)


def _info(arg: ort.NodeArg) -> TensorInfo:
    dtype: Any = _DTYPES.get(arg.type)
    if dtype is None:
        raise EngineError(f"tensor {arg.name!r} has type {arg.type}, which no graph of ours may have")
    return TensorInfo(np.dtype(dtype), tuple(size if isinstance(size, int) else None for size in arg.shape))


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else text[:297] + "..."
