"""A quantized graph → TensorRT's network, its profiles and the builder's settings → a serialized plan.

Only names that TensorRT 10.3, 10.16 and 11.4 share are used (tests/tensorrt-api). The network is strongly typed: types
are those of the graph, INT8 where it quantizes, FP16 elsewhere; from 11 on there is no other kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from build_engines.errors import BuildError
from edge_tts.bundle.spec import Profile, TensorRTGraphEntry

__all__ = ["Limits", "Source", "build_plan", "configure", "parse"]

_MIB = 1 << 20


@dataclass(frozen=True)
class Source:
    """A graph to build: its name, its bytes or (with external data) its path, and its entry in the manifest."""

    name: str
    model: bytes | Path
    entry: TensorRTGraphEntry


@dataclass(frozen=True)
class Limits:
    """Bytes that the builder may take: `workspace` for one layer's scratch memory, `tactics` while it measures."""

    workspace_mib: int
    tactics_mib: int


def parse(trt: Any, builder: Any, logger: Any, source: Source) -> tuple[Any, Any]:
    """The network and its parser, which must live as long as the network. Raises BuildError: TensorRT refuses the
    graph; the line names the first operator that it can't take, and its node.
    """
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = trt.OnnxParser(network, logger)
    if isinstance(source.model, bytes):
        parsed = parser.parse(source.model)
    else:
        parsed = parser.parse_from_file(str(source.model))
    if not parsed:
        raise BuildError(f"graph {source.name!r} ({source.entry.file}): {_refusal(trt, parser)}")
    return network, parser


def configure(trt: Any, builder: Any, network: Any, source: Source, limits: Limits, monitor: Any) -> Any:
    """The builder's settings with the graph's profiles. Raises BuildError: a profile doesn't fit the network."""
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, limits.workspace_mib * _MIB)
    config.set_memory_pool_limit(trt.MemoryPoolType.TACTIC_DRAM, limits.tactics_mib * _MIB)
    # What is float32 in the graph is so because it needs to be: an oscillator's phase adds up over seconds.
    config.clear_flag(trt.BuilderFlag.TF32)
    config.progress_monitor = monitor
    for number, sizes in enumerate(source.entry.profiles):
        try:
            profile = _profile(builder, network, source.entry, sizes)
        except ValueError as error:
            raise BuildError(f"graph {source.name!r}: profile {number} is refused: {error}") from None
        if config.add_optimization_profile(profile) < 0:
            raise BuildError(f"graph {source.name!r}: profile {number} is refused by TensorRT")
    return config


def build_plan(builder: Any, network: Any, config: Any, graph: str, log: Any) -> bytes:
    """Builds. Raises BuildError with the builder's last error: nothing fits, or the memory is used up."""
    log.clear()
    serialized = builder.build_serialized_network(network, config)
    if serialized is None:
        reason = log.last or "TensorRT gives no reason"
        remedy = "; close other programs or give a smaller --workspace" if "memory" in reason.lower() else ""
        raise BuildError(f"graph {graph!r} can't be built: {reason}{remedy}")
    return bytes(memoryview(serialized))


def _profile(builder: Any, network: Any, entry: TensorRTGraphEntry, sizes: Profile) -> Any:
    """One profile: every input's least, usual and greatest shape; adapters' are fixed and need none."""
    profile = builder.create_optimization_profile()
    found = set()
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        found.add(tensor.name)
        spec = entry.inputs.get(tensor.name)
        if spec is None:
            if -1 in tuple(tensor.shape):
                raise ValueError(f"input {tensor.name!r} varies, and the manifest does not list it")
            continue
        if tensor.is_shape_tensor:
            profile.set_shape_input(tensor.name, *([bound] for bound in _bounds(tensor.name, sizes)))
        if any(isinstance(size, str) for size in spec.shape):
            shapes = [tuple(sizes[s][at] if isinstance(s, str) else s for s in spec.shape) for at in range(3)]
            profile.set_shape(tensor.name, *shapes)
    for name in entry.inputs:
        if name not in found:
            raise ValueError(f"the graph lacks the input {name!r} that the manifest lists")
    return profile


def _bounds(name: str, sizes: Mapping[str, tuple[int, int, int]]) -> tuple[int, int, int]:
    """The values of an input that decides a shape: it goes by the name of that size."""
    if name not in sizes:
        raise ValueError(f"input {name!r} decides a shape, and no size goes by its name")
    return sizes[name]


def _refusal(trt: Any, parser: Any) -> str:
    """The first error that names an operator, or the first of all, as a part of a line."""
    errors = [_fault(parser.get_error(index)) for index in range(parser.num_errors)]
    if not errors:
        return "the file can't be read as ONNX"
    operator, node, what = next((error for error in errors if error[0]), errors[0])
    if operator:
        what = f"TensorRT {trt.__version__} can't take operator {operator} (node {node[:120]!r}): {what}"
    more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    return what + more


def _fault(error: Any) -> tuple[str, str, str]:
    """A parser's error as operator, node (its name, which tells where it came from, or its number) and description."""
    node = error.node_name() or f"number {error.node()}"
    return error.node_operator(), node, " ".join(str(error.desc()).split())[:200]
