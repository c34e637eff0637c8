"""The half of the fake that parses and builds; see `tests.fakes.tensorrt`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import EngineError
from tests.fakes import tensorrt_model
from tests.fakes.tensorrt_engine import MAGIC
from tests.fakes.tensorrt_names import Dims, Strict, shape_of, text_of, whole

__all__ = ["BUILD_CLASSES", "Logger"]

_PHASES = (("Building the engine", None, 3), ("Choosing tactics", "Building the engine", 5))


class ILogger(Strict):
    """Users derive from it and define `log`."""

    _kind, _open = "ILogger", True


class Logger(Strict):
    """Keeps what it is told in the module's `messages`."""

    _kind, _open = "Logger", True

    def __init__(self, min_severity: Any = None) -> None:
        if min_severity is not None and not isinstance(min_severity, self.Severity):
            raise TypeError("Logger: a Severity is wanted")
        self.min_severity = min_severity or self.WARNING

    def log(self, severity: Any, msg: str) -> None:
        """Keep it."""


class ITensor(Strict):
    _kind = "ITensor"

    def __init__(self, value: Any, shape_tensor: bool) -> None:
        self._value, self._shape_tensor = value, shape_tensor

    @property
    def name(self) -> str:
        return self._value.name

    @property
    def shape(self) -> Dims:
        return Dims(tensorrt_model.dims(self._value))

    @property
    def dtype(self) -> Any:
        return getattr(self._fake.DataType, tensorrt_model.TYPES[self._value.type.tensor_type.elem_type])

    @property
    def is_shape_tensor(self) -> bool:
        return self._shape_tensor

    @property
    def is_network_input(self) -> bool:
        return True


class INetworkDefinition(Strict):
    _kind = "INetworkDefinition"

    def __init__(self, flags: int) -> None:
        self._flags, self._model, self._shapes = flags, None, set()

    @property
    def num_inputs(self) -> int:
        return 0 if self._model is None else len(self._model.graph.input)

    @property
    def num_outputs(self) -> int:
        return 0 if self._model is None else len(self._model.graph.output)

    @property
    def num_layers(self) -> int:
        return 0 if self._model is None else len(self._model.graph.node)

    def get_input(self, index: int) -> Any:
        value = self._model.graph.input[whole(index)]
        return self._fake.ITensor(value, value.name in self._shapes)

    def get_output(self, index: int) -> Any:
        return self._fake.ITensor(self._model.graph.output[whole(index)], False)

    def get_flag(self, flag: Any) -> bool:
        if not isinstance(flag, self._fake.NetworkDefinitionCreationFlag):
            raise TypeError("get_flag: a NetworkDefinitionCreationFlag is wanted")
        return bool(self._flags >> int(flag) & 1)


class ParserError(Strict):
    _kind = "ParserError"

    def __init__(self, refusal: tensorrt_model.Refusal) -> None:
        self._refusal = refusal

    def desc(self) -> str:
        return self._refusal.reason

    def node(self) -> int:
        return self._refusal.node

    def node_name(self) -> str:
        return self._refusal.name

    def node_operator(self) -> str:
        return self._refusal.operator

    def code(self) -> Any:
        return self._fake.ErrorCode.UNSUPPORTED_NODE

    def file(self) -> str:
        return "fake.cpp"

    def line(self) -> int:
        return 1

    def func(self) -> str:
        return "parse"


class OnnxParser(Strict):
    _kind = "OnnxParser"

    def __init__(self, network: Any, logger: Any) -> None:
        if not isinstance(network, self._fake.INetworkDefinition) or not isinstance(logger, self._fake.ILogger):
            raise TypeError("OnnxParser: a network and a logger are wanted")
        self._network, self._logger, self._errors = network, logger, []

    def parse(self, model: Any, path: str | None = None) -> bool:
        raw = bytes(memoryview(model))
        if path is not None:
            text_of(path)
        try:
            read = tensorrt_model.read(raw, path)
        except (ValueError, OSError) as error:
            self._errors.append(self._fake.ParserError(tensorrt_model.Refusal(f"Failed to parse: {error}")))
            return False
        found = list(tensorrt_model.refusals(read))
        for index, node in enumerate(read.graph.node):
            if node.op_type == self._fake.faults.parse:
                reason = f"No importer registered for op: {node.op_type}"
                found.append(tensorrt_model.Refusal(reason, index, node.name, node.op_type))
        if not found:
            try:
                OnnxEngine().load("parsed", read.SerializeToString())
            except EngineError as error:  # mixed types among others
                found.append(tensorrt_model.Refusal(str(error)))
        self._errors += [self._fake.ParserError(refusal) for refusal in found]
        if not found:
            self._network._model, self._network._shapes = read, tensorrt_model.shape_tensors(read)
        return not found

    def parse_from_file(self, model: str) -> bool:
        path = Path(text_of(model))
        return self.parse(path.read_bytes(), str(path)) if path.is_file() else False

    @property
    def num_errors(self) -> int:
        return len(self._errors)

    def get_error(self, index: int) -> Any:
        return self._errors[whole(index)]

    def clear_errors(self) -> None:
        self._errors.clear()


class IOptimizationProfile(Strict):
    _kind = "IOptimizationProfile"

    def __init__(self) -> None:
        self._shapes: dict[str, list[tuple[int, ...]]] = {}
        self._values: dict[str, list[tuple[int, ...]]] = {}

    def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
        self._shapes[text_of(input)] = _ordered(input, min, opt, max)

    def get_shape(self, input: str) -> list[Dims]:
        return [Dims(shape) for shape in self._shapes.get(text_of(input), [])]

    def set_shape_input(self, input: str, min: Any, opt: Any, max: Any) -> None:
        self._values[text_of(input)] = _ordered(input, min, opt, max)

    def get_shape_input(self, input: str) -> list[list[int]]:
        return [list(values) for values in self._values.get(text_of(input), [])]


def _ordered(name: str, least: Any, best: Any, most: Any) -> list[tuple[int, ...]]:
    shapes = [shape_of(shape) for shape in (least, best, most)]
    ranks = {len(shape) for shape in shapes}
    if len(ranks) != 1 or any(not a <= b <= c for a, b, c in zip(*shapes, strict=True)):
        raise ValueError(f"profile: shapes of {name} are not ordered: {shapes}")
    return shapes


class ITimingCache(Strict):
    _kind = "ITimingCache"

    def __init__(self, entries: dict[str, int], device: str) -> None:
        self._entries, self._device = entries, device

    def serialize(self) -> Any:
        body = {"version": self._fake.build, "device": self._device, "entries": self._entries}
        return self._fake.IHostMemory(b"FAKE-TIMINGS" + json.dumps(body, sort_keys=True).encode())

    def combine(self, input_cache: Any, ignore_mismatch: bool) -> bool:
        self._entries |= input_cache._entries
        return True

    def reset(self) -> bool:
        self._entries.clear()
        return True


class IBuilderConfig(Strict):
    _kind = "IBuilderConfig"

    def __init__(self) -> None:
        self._monitor, self._level, self._timings, self._verbosity, self._streams = None, 3, None, None, -1
        self._profiles: list[Any] = []
        self._limits: dict[str, int] = {}
        self._flags: set[str] = set()

    def set_memory_pool_limit(self, pool: Any, pool_size: int) -> None:
        if not isinstance(pool, self._fake.MemoryPoolType):
            raise TypeError("set_memory_pool_limit: a MemoryPoolType is wanted")
        self._limits[pool.name] = whole(pool_size)

    def get_memory_pool_limit(self, pool: Any) -> int:
        return self._limits.get(pool.name, 1 << 40)

    def set_flag(self, flag: Any) -> None:
        if not isinstance(flag, self._fake.BuilderFlag):
            raise TypeError("set_flag: a BuilderFlag is wanted")
        self._flags.add(flag.name)

    def clear_flag(self, flag: Any) -> None:
        self._flags.discard(flag.name)

    def get_flag(self, flag: Any) -> bool:
        return flag.name in self._flags

    def create_timing_cache(self, serialized_timing_cache: Any) -> Any:
        raw = bytes(memoryview(serialized_timing_cache))
        if not raw:
            return self._fake.ITimingCache({}, self._fake.device)
        try:
            body = json.loads(raw.removeprefix(b"FAKE-TIMINGS")) if raw.startswith(b"FAKE-TIMINGS") else None
        except ValueError:
            body = None
        if body is None:
            self._fake.messages.append(("ERROR", "the timing cache is corrupt"))
            return None
        return self._fake.ITimingCache(body["entries"], body["device"])

    def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
        if not isinstance(cache, self._fake.ITimingCache) or not isinstance(ignore_mismatch, bool):
            raise TypeError("set_timing_cache: an ITimingCache and a bool are wanted")
        if cache._device != self._fake.device and not ignore_mismatch:
            return False
        self._timings = cache
        return True

    def get_timing_cache(self) -> Any:
        return self._timings

    def add_optimization_profile(self, profile: Any) -> int:
        if not isinstance(profile, self._fake.IOptimizationProfile):
            raise TypeError("add_optimization_profile: an IOptimizationProfile is wanted")
        self._profiles.append(profile)
        return len(self._profiles) - 1

    @property
    def num_optimization_profiles(self) -> int:
        return len(self._profiles)

    @property
    def progress_monitor(self) -> Any:
        return self._monitor

    @progress_monitor.setter
    def progress_monitor(self, monitor: Any) -> None:
        if monitor is not None and not isinstance(monitor, self._fake.IProgressMonitor):
            raise TypeError("progress_monitor: an IProgressMonitor is wanted")
        self._monitor = monitor

    @property
    def builder_optimization_level(self) -> int:
        return self._level

    @builder_optimization_level.setter
    def builder_optimization_level(self, level: int) -> None:
        self._level = whole(level)

    @property
    def profiling_verbosity(self) -> Any:
        return self._verbosity

    @profiling_verbosity.setter
    def profiling_verbosity(self, verbosity: Any) -> None:
        if not isinstance(verbosity, self._fake.ProfilingVerbosity):
            raise TypeError("profiling_verbosity: a ProfilingVerbosity is wanted")
        self._verbosity = verbosity

    @property
    def max_aux_streams(self) -> int:
        return self._streams

    @max_aux_streams.setter
    def max_aux_streams(self, streams: int) -> None:
        self._streams = whole(streams)


class IProgressMonitor(Strict):
    """Users derive from it and define all three."""

    _kind, _open = "IProgressMonitor", True

    def __init__(self) -> None:
        pass


class Builder(Strict):
    _kind = "Builder"

    def __init__(self, logger: Any) -> None:
        if not isinstance(logger, self._fake.ILogger):
            raise TypeError("Builder: a logger is wanted")
        self._logger = logger

    def _log(self, severity: str, text: str) -> None:
        self._fake.messages.append((severity, text))
        self._logger.log(getattr(self._fake.Logger.Severity, severity), text)

    def create_network(self, flags: int = 0) -> Any:
        return self._fake.INetworkDefinition(whole(flags))

    def create_builder_config(self) -> Any:
        return self._fake.IBuilderConfig()

    def create_optimization_profile(self) -> Any:
        return self._fake.IOptimizationProfile()

    def build_serialized_network(self, network: Any, config: Any) -> Any:
        fake = self._fake
        if not isinstance(network, fake.INetworkDefinition) or not isinstance(config, fake.IBuilderConfig):
            raise TypeError("build_serialized_network: a network and a config are wanted")
        if fake.faults.memory == "build":
            self._log("ERROR", "Requested amount of GPU memory could not be allocated: out of memory")
            return None
        if (trouble := _trouble(network, config)) is not None:
            self._log("ERROR", trouble)
            return None
        if not _phases(fake, config._monitor):
            self._log("ERROR", "the build was cancelled by its progress monitor")
            return None
        if fake.faults.build:
            self._log("ERROR", "Could not find any implementation for node {ForeignNode[linear]}")
            return None
        fake.builds += 1
        if config._timings is not None:
            config._timings._entries[f"tactic-{len(config._timings._entries)}"] = fake.builds
        profiles = [{"shapes": p._shapes, "values": p._values} for p in config._profiles]
        header = {
            "version": fake.build,
            "device": fake.device,
            # From 11 on every network is strongly typed.
            "typed": bool(network._flags >> 1 & 1) or fake.version == "11.4",
            "workspace": config._limits.get("WORKSPACE"),
            "profiles": profiles or [{"shapes": {}, "values": {}}],
        }
        plan = MAGIC + json.dumps(header).encode() + b"\n" + network._model.SerializeToString()
        return fake.IHostMemory(plan[: fake.faults.truncated])


def _trouble(network: Any, config: Any) -> str | None:
    """Why a build fails: nothing parsed, or a size that varies without a profile for it."""
    if network._model is None:
        return "the network has no outputs"
    for value in network._model.graph.input:
        sizes = tensorrt_model.dims(value)
        if -1 in sizes and not config._profiles:
            return f"Network has dynamic or shape inputs, but no optimization profile has been defined: {value.name}"
        for profile in config._profiles:
            shapes = profile._shapes.get(value.name)
            if -1 in sizes and shapes is None:
                return f"{value.name}: dynamic input is missing dimensions in profile"
            if value.name in network._shapes and value.name not in profile._values:
                return f"{value.name}: shape input is missing values in profile"
            for shape in shapes or ():
                if len(shape) != len(sizes) or any(s not in (-1, t) for s, t in zip(sizes, shape, strict=True)):
                    return f"{value.name}: profile {shape} does not match the network's {sizes}"
    return None


def _phases(fake: Any, monitor: Any) -> bool:
    """Reports progress as a build does; False where the monitor stopped it."""
    for phase, parent, steps in _PHASES:
        if monitor is not None:
            monitor.phase_start(phase, parent, steps)
        for step in range(steps):
            if fake.faults.step is not None:
                fake.faults.step()
            if monitor is not None and monitor.step_complete(phase, step) is False and not fake.faults.unsafe_monitor:
                return False
        if monitor is not None:
            monitor.phase_finish(phase)
    return True


BUILD_CLASSES = (
    ILogger,
    Logger,
    ITensor,
    INetworkDefinition,
    ParserError,
    OnnxParser,
    IOptimizationProfile,
    ITimingCache,
    IBuilderConfig,
    IProgressMonitor,
    Builder,
)
