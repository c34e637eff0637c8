"""The half of the fake that parses and builds; see `tests.fakes.tensorrt`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import EngineError
from tests.fakes import tensorrt_model
from tests.fakes.tensorrt_config import CONFIG_CLASSES
from tests.fakes.tensorrt_engine import MAGIC
from tests.fakes.tensorrt_names import Dims, Strict, text_of, whole

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
            "typed": network.get_flag(fake.NetworkDefinitionCreationFlag.STRONGLY_TYPED) or fake.version == "11.4",
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
    *CONFIG_CLASSES,
    Builder,
)
