"""Every quantized graph of a bundle → an engine in the cache that has proved itself on this board.

Nothing is kept of a build that was stopped or that failed, but for TensorRT's timings. An engine that computes
something else is not kept either: its place in the cache holds a record of why, which the runtime quotes when it falls
back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from build_engines.errors import BuildError
from build_engines.tensorrt.board import choose_limits
from build_engines.tensorrt.certify import certify
from build_engines.tensorrt.network import Limits, Source, build_plan, configure, parse
from build_engines.tensorrt.progress import Phases, cancellable, make_monitor
from build_engines.tensorrt.timings import attach, save
from edge_tts.bundle import Bundle
from edge_tts.bundle.spec import TensorRTGraphEntry
from edge_tts.engines.golden import Verdict, read
from edge_tts.engines.tensorrt.board import Board, identify
from edge_tts.engines.tensorrt.cache import EngineCache, engine_parts, golden_file
from edge_tts.engines.tensorrt.device import Device
from edge_tts.engines.tensorrt.log import make_log
from edge_tts.errors import EngineError

__all__ = ["Built", "Job", "Outcome", "build_engines", "pick_graphs"]

_BAR = "{desc:30}|{bar}| {percentage:3.0f}% {elapsed} {postfix}"
_TICKS = 1000


@dataclass(frozen=True)
class Job:
    """What to build and where. `timings` None: a file in the cache's folder."""

    bundle: Bundle
    graphs: tuple[str, ...]
    cache: EngineCache
    workspace_mib: int | None
    timings: Path | None
    force: bool


@dataclass(frozen=True)
class Built:
    """What became of one graph: `note` says it in words, `certified` whether its engine may speak."""

    graph: str
    certified: bool
    note: str


@dataclass(frozen=True)
class Outcome:
    """What was built, and which graphs have no certified engine yet: TensorRT speaks when none is left."""

    built: tuple[Built, ...]
    lacking: tuple[str, ...]


def build_engines(
    job: Job, trt: Any, open_device: Callable[[], Device], tell: Callable[[str], None], warn: Callable[[str], None]
) -> Outcome:
    """Builds, certifies and stores one graph after the other; one that fails doesn't stop the others.

    Raises BuildError or EngineError (no GPU, the bundle lacks golden vectors, the disk is full) and KeyboardInterrupt;
    engines that were stored before stay.
    """
    with closing(open_device()) as device:
        with device.active():
            board = identify(trt, device)
        limits = choose_limits(device, job.workspace_mib)
    tell(f"{board.gpu}, TensorRT {board.tensorrt}, CUDA {board.cuda}; workspace {limits.workspace_mib} MiB")
    builder = _Builder(job, trt, board, limits, open_device, warn)
    results = []
    for number, graph in enumerate(job.graphs, 1):
        result = builder.make(graph, f"[{number}/{len(job.graphs)}] {graph}")
        (tell if result.certified else warn)(f"{graph}: {result.note}")
        results.append(result)
    return Outcome(tuple(results), tuple(name for name in _graphs(job.bundle) if not builder.is_certified(name)))


class _Builder:
    """One board, one bundle."""

    def __init__(
        self,
        job: Job,
        trt: Any,
        board: Board,
        limits: Limits,
        open_device: Callable[[], Device],
        warn: Callable[[str], None],
    ) -> None:
        self._job, self._trt, self._board, self._limits = job, trt, board, limits
        self._open_device, self._warn = open_device, warn
        version = "".join(c if c.isalnum() or c == "." else "-" for c in board.tensorrt)
        self._timings = job.timings or job.cache.engines.parent / f"timings-{version}"

    def make(self, graph: str, title: str) -> Built:
        """Builds and certifies one graph, unless that has been done."""
        job = self._job
        parts = engine_parts(job.bundle, graph, self._board)
        had_one = self.is_certified(graph)
        if had_one and not job.force:
            return Built(graph, True, "is certified already; to build it again: --force")
        entry = _graphs(job.bundle)[graph]
        file = golden_file(graph)
        golden = read(job.bundle.read(file), entry, str(job.bundle.path / file))
        model, _ = job.bundle.graph(entry)
        begun = time.monotonic()
        try:
            plan = self._build(Source(graph, model, entry), title)
            seconds = time.monotonic() - begun
            verdict = certify(self._trt, self._open_device(), graph, plan, golden)
        except (BuildError, EngineError) as error:
            return self._failed(graph, parts, had_one, str(error))
        if not verdict.passed:
            return self._failed(graph, parts, had_one, verdict.reason)
        certificate = {
            "passed": True,
            "outputs": verdict.worst(),
            "cases": len(golden.cases),
            "build_seconds": round(seconds),
            "workspace_mib": self._limits.workspace_mib,
        }
        job.cache.store(parts, plan, certificate)
        note = (
            f"certified in {len(golden.cases)} cases ({_closest(verdict)}); {len(plan) / 1e6:.1f} MB, {seconds:.0f} s"
        )
        return Built(graph, True, note)

    def is_certified(self, graph: str) -> bool:
        """Whether the cache has an engine of the graph that may speak on this board."""
        try:
            self._job.cache.lookup(engine_parts(self._job.bundle, graph, self._board))
        except EngineError:
            return False
        return True

    def _failed(self, graph: str, parts: dict[str, Any], had_one: bool, reason: str) -> Built:
        """Keeps the reason and no plan, unless there is a certified engine from before."""
        if had_one:
            return Built(graph, False, f"{reason}; the engine that was certified before stays")
        self._job.cache.store(parts, b"", {"passed": False, "reason": reason})
        return Built(graph, False, f"{reason}; ONNX Runtime goes on speaking")

    def _build(self, source: Source, title: str) -> bytes:
        """Parses and builds in a thread, with a bar. Raises BuildError, KeyboardInterrupt."""
        stop, phases = threading.Event(), Phases()
        with tqdm(total=_TICKS, desc=title, bar_format=_BAR, leave=False, disable=None) as bar:

            def tick() -> None:
                bar.set_postfix_str(phases.name[:40], refresh=False)
                bar.update(int(phases.fraction * _TICKS) - bar.n)

            return cancellable(lambda: self._work(source, phases, stop), stop, tick)

    def _work(self, source: Source, phases: Phases, stop: threading.Event) -> bytes:
        trt, log = self._trt, make_log(self._trt)
        builder = trt.Builder(log)
        # The parser holds the weights that the network refers to.
        network, parser = parse(trt, builder, log, source)
        config = configure(trt, builder, network, source, self._limits, make_monitor(trt, phases, stop))
        attach(trt, config, self._timings, self._warn)
        try:
            return build_plan(builder, network, config, source.name, log)
        finally:
            save(config, self._timings, self._warn)
            del parser


def _closest(verdict: Verdict) -> str:
    """The output that came closest to its bar."""
    name, figures = min(verdict.worst().items(), key=lambda item: item[1]["snr_db"] - item[1]["bar_db"])
    return f"{name} {figures['snr_db']:.1f} dB, bar {figures['bar_db']:.1f}"


def pick_graphs(bundle: Bundle, wanted: Sequence[str]) -> tuple[str, ...]:
    """The graphs to build: `wanted`, or all. Raises BuildError: the bundle has none, or none of that name."""
    graphs = _graphs(bundle)
    for name in wanted:
        if name not in graphs:
            raise BuildError(f"{bundle.path} has no TensorRT graph {name[:60]!r}: there are {', '.join(graphs)}")
    return tuple(name for name in graphs if not wanted or name in wanted)


def _graphs(bundle: Bundle) -> Mapping[str, TensorRTGraphEntry]:
    section = bundle.manifest.tensorrt
    if section is None or not section.graphs:
        raise BuildError(
            f"{bundle.path} has no graphs for TensorRT: on a workstation, run "
            "edgetts-build quantize VOICE -o VOICE-INT8 --target both"
        )
    return section.graphs
