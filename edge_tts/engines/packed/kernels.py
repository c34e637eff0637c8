"""Which kernels a graph's INT8 products get. On ARM a measurement on this very machine decides, not a constant.

What is fast there differs from core to core, and with what its maker gave to ONNX Runtime. So before a graph is packed
the shipped form and its rivals are run in turns; a rival is taken only if it is faster by a clear margin and says the
same. On x86 the shipped form, which was certified, is the only one.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_tts.bundle.spec import GraphEntry, Manifest
from edge_tts.engines.api import Array
from edge_tts.engines.golden import snr_db
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.engines.packed.nbits import with_nbits
from edge_tts.engines.packed.probe import LONG, probe
from edge_tts.errors import BundleError, EngineError

__all__ = ["LEAST_GAIN", "LEAST_SNR_DB", "SHIPPED", "Choice", "Chooser", "Rival", "medians", "rivals"]

SHIPPED = "shipped"
LEAST_GAIN = 0.08
"""A rival must take at least this part less time than the shipped form: medians of a busy machine differ by some."""
LEAST_SNR_DB = 20.0
"""What outputs may differ by. Two forms of a full-size INT8 graph that round their inputs differently agree to 25 dB,
and each agrees with the float graph to 26 or 27; a wrong one doesn't reach 5."""

_ARM = ("aarch64", "arm64")
_GPT = ("gpt_prefill", "gpt_step")
_ROUNDS = 15
_NO_KLEIDIAI = {"mlas.disable_kleidiai": "1"}

Measure = Callable[[Sequence[Callable[[], object]]], list[float]]


@dataclass(frozen=True)
class Rival:
    """Another form of a graph: the block of its MatMulNBits (None: as it was shipped), and session settings."""

    name: str
    block: int | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """The form that a graph gets. `note` says what it was chosen from, as JSON values."""

    model: bytes | Path
    settings: Mapping[str, str]
    note: Mapping[str, Any]


def rivals(machine: str, graph: str) -> tuple[Rival, ...]:
    """What the shipped form of a graph is measured against on this architecture."""
    if machine not in _ARM:
        return ()
    nbits = tuple(Rival(f"nbits-{block}", block) for block in (32, 128)) if graph in _GPT else ()
    return (*nbits, Rival("no-kleidiai", None, _NO_KLEIDIAI))


def medians(runs: Sequence[Callable[[], object]], clock: Callable[[], float] = time.process_time) -> list[float]:
    """Seconds that each takes: medians of interleaved runs, of processor time, which other programs don't count in."""
    taken: list[list[float]] = [[] for _ in runs]
    for number in range(_ROUNDS + 1):
        for run, found in zip(runs, taken, strict=True):
            start = clock()
            run()
            if number:  # the first one warms up
                found.append(clock() - start)
    return [statistics.median(found) for found in taken]


class Chooser:
    """Chooses for a machine of this architecture; `measure` gives the seconds that each of some calls takes."""

    def __init__(self, machine: str, measure: Measure = medians) -> None:
        self._machine, self._measure = machine, measure

    def choose(self, name: str, model: bytes | Path, entry: GraphEntry, manifest: Manifest) -> Choice:
        """The form for a graph. Raises EngineError: the shipped one can't be loaded or run."""
        against = rivals(self._machine, name)
        if not against:
            return Choice(model, {}, {"chosen": SHIPPED})
        inputs = probe(entry, manifest, LONG)
        shipped = OnnxEngine().load(name, model)
        expected = shipped.run(inputs)
        runs: list[Callable[[], object]] = [lambda: shipped.run(inputs)]
        forms, reasons = [Choice(model, {}, {})], dict[str, str]()
        names = [SHIPPED]
        for rival in against:
            try:
                form, run = _made(name, model, rival, inputs, expected)
            except (EngineError, BundleError, OSError) as error:
                reasons[rival.name] = str(error)
                continue
            names.append(rival.name)
            forms.append(form)
            runs.append(run)
        seconds = self._measure(runs)
        best = min(range(len(seconds)), key=seconds.__getitem__)
        if seconds[best] > (1 - LEAST_GAIN) * seconds[0]:
            best = 0
        note = {
            "chosen": names[best],
            "milliseconds": {form: round(1000 * taken, 3) for form, taken in zip(names, seconds, strict=True)},
            "not_measured": reasons,
        }
        return Choice(forms[best].model, forms[best].settings, note)


def _made(
    name: str, model: bytes | Path, rival: Rival, inputs: dict[str, Array], expected: Mapping[str, Array]
) -> tuple[Choice, Callable[[], object]]:
    """A rival, ready to be run. Raises EngineError: the graph has no such form, or says something else in it."""
    made = model if rival.block is None else with_nbits(model, rival.block)
    if made is None:
        raise EngineError("the graph has no such linears")
    graph = OnnxEngine(settings=rival.settings).load(name, made)
    found = graph.run(inputs)
    for output, values in expected.items():
        snr = snr_db(values, found[output])
        if not snr >= LEAST_SNR_DB:  # NaN fails this too
            raise EngineError(f"{output!r} has {snr:.1f} dB")
    return Choice(made, rival.settings, {}), lambda: graph.run(inputs)
