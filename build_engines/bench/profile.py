"""Where a graph's time goes by operator, from ONNX Runtime's own profiler, and the weights that its products read."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
import onnxruntime as ort  # type: ignore[import-untyped]
from onnx import TensorProto

from build_engines.bench.instrument import Call
from edge_tts.engines.api import Array

__all__ = ["OperatorTime", "by_operator", "profile_graph", "weights_mb"]

_TABLES = frozenset({"Gather", "GatherElements", "GatherND"})


@dataclass(frozen=True)
class OperatorTime:
    """One kind of operator in one run of a graph: nodes of it, ms, its share of all nodes' time."""

    operator: str
    nodes: int
    ms: float
    share: float


def profile_graph(model: Path, call: Call, runs: int, packed: Mapping[str, str] | None = None) -> list[OperatorTime]:
    """Runs a graph `runs` times on a call's arrays under the profiler, with one thread and as edge_tts.engines.onnx
    does it: `packed` are the settings of a graph that was optimized before, None where it is yet to be optimized.

    A state's buffer is bound as input and output, as the runtime does it.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.enable_mem_pattern = options.enable_mem_reuse = False
    if packed is not None:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        for key, value in packed.items():
            options.add_session_config_entry(key, value)
    with tempfile.TemporaryDirectory() as folder:
        options.enable_profiling = True
        options.profile_file_prefix = str(Path(folder) / "profile")
        session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        binding = _bound(session, call)
        for _ in range(runs + 1):
            session.run_with_iobinding(binding)
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return by_operator(events)


def _bound(session: ort.InferenceSession, call: Call) -> ort.IOBinding:
    binding = session.io_binding()

    def value(array: Array) -> ort.OrtValue:
        return ort.OrtValue.ortvalue_from_numpy(array)

    known = {arg.name for arg in (*session.get_inputs(), *session.get_overridable_initializers())}
    for name, array in call.inputs.items():
        if name in known:
            binding.bind_ortvalue_input(name, value(array))
    for name, (source, array) in call.states.items():
        shared = value(array)
        binding.bind_ortvalue_input(source, shared)
        binding.bind_ortvalue_output(name, shared)
    for arg in session.get_outputs():
        if arg.name not in call.states:
            binding.bind_output(arg.name)
    return binding


def by_operator(events: Iterable[Mapping[str, Any]]) -> list[OperatorTime]:
    """The profiler's events by kind of operator, the dearest first; of each node the median of its runs counts."""
    nodes: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        if event.get("cat") == "Node" and str(event.get("name", "")).endswith("_kernel_time"):
            nodes[event["args"]["op_name"], event["name"]].append(float(event["dur"]))
    total = sum(statistics.median(durations) for durations in nodes.values())
    found = []
    for operator in sorted({operator for operator, _ in nodes}):
        own = [statistics.median(durations) for (kind, _), durations in nodes.items() if kind == operator]
        found.append(OperatorTime(operator, len(own), sum(own) / 1e3, sum(own) / max(total, 1e-9)))
    return sorted(found, key=lambda time: -time.ms)


def weights_mb(model: Path) -> dict[str, float]:
    """MB of a graph's weights that products read, by the type that they have in the file: "int8", "float32".

    Tables, of which a run reads some rows only, are left out.
    """
    graph = onnx.load(str(model), load_external_data=False).graph
    tables = {node.input[0] for node in graph.node if node.op_type in _TABLES}
    given = {item.name for item in graph.input}  # adapters' defaults
    found = {"int8": 0.0, "float32": 0.0}
    for item in graph.initializer:
        if len(item.dims) < 2 or item.name in tables or item.name in given:
            continue
        elements = 1
        for size in item.dims:
            elements *= size
        if item.data_type in (TensorProto.INT8, TensorProto.UINT8):
            found["int8"] += elements / 1e6
        elif item.data_type == TensorProto.FLOAT:
            found["float32"] += 4 * elements / 1e6
    return found
