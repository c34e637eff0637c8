"""Golden vectors of a graph: what ONNX Runtime computes with it at the shapes of every profile, and how an engine of
the same graph compares. `build_engines.tensorrt.record` writes them when a voice is quantized; they are read on the
board that has built an engine.

A file is an .npz without pickles: `meta` (JSON as bytes) says how the inputs are made (edge_tts.engines.golden_inputs)
and holds the bars, the arrays are outputs: whole ones, or a fixed sample of the elements of large ones.

An engine passes when every float output has at least its bar of SNR, the greatest logit is the same wherever it leads
by more than the bar's noise explains, and integers differ by one at most. NaN, infinity and outputs of zeros alone
always fail.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_tts.bundle.spec import TensorRTGraphEntry, TensorSpec
from edge_tts.engines.api import Array
from edge_tts.engines.golden_inputs import Bell, Rule, digest, make, rule_from_json
from edge_tts.errors import BundleError, EngineError

__all__ = [
    "FORMAT",
    "SHAPES",
    "Case",
    "Expected",
    "Golden",
    "Result",
    "Run",
    "Verdict",
    "cases_of",
    "compare",
    "inputs_of",
    "read",
    "sampled",
    "snr_db",
]

FORMAT = 1
SHAPES = ("min", "opt", "max")
DECISIONS = ("logits",)
"""Outputs whose greatest element must be the same, where it leads by more than the bar's noise explains."""

Run = Callable[[dict[str, Array]], dict[str, Array]]

_WHOLE_BYTES = 1 << 16
_SAMPLE = 8192


@dataclass(frozen=True)
class Case:
    """One call: a profile at its least, usual or greatest sizes. `adapters` is 0 where all adapters are zeros."""

    profile: int
    shape: str
    sizes: Mapping[str, int]
    adapters: float
    seed: int

    def __str__(self) -> str:
        sizes = ", ".join(f"{name} {size}" for name, size in self.sizes.items())
        adapted = " with adapters" if self.adapters else ""
        return f"profile {self.profile} {self.shape}{f' ({sizes})' if sizes else ''}{adapted}"


@dataclass(frozen=True)
class Expected:
    """What one output of a case should be: `values` are all its elements or the sampled ones, [elements]."""

    shape: tuple[int, ...]
    dtype: str
    bar_db: float
    values: Array


@dataclass(frozen=True)
class Golden:
    """All cases of a graph with the digests of their inputs and their outputs."""

    inputs: Mapping[str, TensorSpec]
    rules: Mapping[str, Rule]
    adapters: Mapping[str, tuple[int, ...]]
    cases: tuple[Case, ...]
    digests: tuple[str, ...]
    expected: tuple[Mapping[str, Expected], ...]


@dataclass(frozen=True)
class Result:
    """How one output of one case came out; `snr_db` is infinite where nothing differs."""

    case: str
    output: str
    snr_db: float
    bar_db: float
    fault: str | None


@dataclass(frozen=True)
class Verdict:
    """Whether an engine computes what the graph says; `reason` is one line about the first thing that it doesn't."""

    passed: bool
    reason: str
    results: tuple[Result, ...]

    def worst(self) -> dict[str, dict[str, float]]:
        """Per output the lowest SNR over all cases, with its bar, both in dB; 999 where nothing differs."""
        found: dict[str, dict[str, float]] = {}
        for result in self.results:
            snr = round(min(result.snr_db, 999.0), 2)
            if result.output not in found or snr < found[result.output]["snr_db"]:
                found[result.output] = {"snr_db": snr, "bar_db": round(result.bar_db, 2)}
        return found


def read(raw: bytes, entry: TensorRTGraphEntry, what: str) -> Golden:
    """Bytes of a golden file → Golden. Raises BundleError: damaged, or not for this graph and all its profiles."""
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as archive:
            meta = json.loads(bytes(archive["meta"]))
            if meta["format"] != FORMAT:
                raise BundleError(f"{what} has format {meta['format']}, this program reads {FORMAT}")
            cases = tuple(
                Case(c["profile"], c["shape"], c["sizes"], float(c["adapters"]), c["seed"]) for c in meta["cases"]
            )
            golden = Golden(
                {name: TensorSpec(dtype, tuple(shape)) for name, (dtype, shape) in meta["inputs"].items()},
                {name: rule_from_json(rule) for name, rule in meta["rules"].items()},
                {name: tuple(shape) for name, shape in meta["adapters"].items()},
                cases,
                tuple(c["inputs_sha256"] for c in meta["cases"]),
                tuple(_expected(archive, number, c["outputs"]) for number, c in enumerate(meta["cases"])),
            )
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise BundleError(f"{what} is no file of golden vectors: {' '.join(str(error).split())[:120]}") from None
    wanted = cases_of(entry, bool(golden.adapters), 0)
    if [_place(case) for case in cases] != [_place(case) for case in wanted] or golden.inputs != entry.inputs:
        raise BundleError(f"{what} is not of this graph and its profiles: quantize the voice again")
    return golden


def compare(golden: Golden, run: Run) -> Verdict:
    """Calls an engine with every case and judges its outputs. An EngineError of the engine is a failed verdict."""
    results: list[Result] = []
    for case, wanted_digest, expected in zip(golden.cases, golden.digests, golden.expected, strict=True):
        inputs = inputs_of(golden, case)
        if digest(inputs) != wanted_digest:
            return Verdict(False, f"this machine does not make the golden inputs of {case} as they were", ())
        try:
            outputs = run(inputs)
        except EngineError as error:
            return Verdict(False, f"{case}: {error}", tuple(results))
        results += [_judge(str(case), name, wanted, outputs.get(name)) for name, wanted in expected.items()]
    for result in results:
        if result.fault is not None:
            return Verdict(False, f"output {result.output!r} at {result.case} {result.fault}", tuple(results))
    return Verdict(True, "", tuple(results))


def inputs_of(golden: Golden, case: Case) -> dict[str, Array]:
    """All inputs of a case, adapters among them."""
    fill = SHAPES.index(case.shape) / 2
    inputs = {
        name: make(golden.rules[name], name, spec, case.sizes, seed=case.seed, fill=fill)
        for name, spec in golden.inputs.items()
    }
    for name, shape in golden.adapters.items():
        # A·B of variance strength² for an x of variance 1: the first factor keeps x's size, the second scales it.
        scale = (case.adapters if "lora_B" in name else 1.0) / np.sqrt(shape[0])
        drawn = make(Bell(float(scale)), name, TensorSpec("float16", shape), {}, seed=case.seed, fill=fill)
        inputs[name] = drawn if case.adapters else np.zeros_like(drawn)
    return inputs


def snr_db(expected: Array, actual: Array) -> float:
    """Signal to noise ratio in dB; infinite where nothing differs."""
    signal, found = expected.astype(np.float64), actual.astype(np.float64)
    noise = float(np.sum((signal - found) ** 2))
    if noise == 0:
        return float("inf")
    return float(10 * np.log10(max(float(np.sum(signal**2)), 1e-300) / noise))


def cases_of(entry: TensorRTGraphEntry, adapters: bool, seed: int) -> tuple[Case, ...]:
    """Least, usual and greatest sizes of each profile; adapters at the usual and the greatest. Equal ones once."""
    cases: list[Case] = []
    for index, profile in enumerate(entry.profiles):
        seen = []
        for at, shape in enumerate(SHAPES):
            sizes = {name: bounds[at] for name, bounds in profile.items()}
            if sizes in seen and shape != "max":
                continue
            seen.append(sizes)
            number = seed + 10 * index + at
            cases.append(Case(index, shape, sizes, 0.0, number))
            if adapters and shape != "min":
                cases.append(Case(index, shape, sizes, 1.0, number))
    return tuple(cases)


def _place(case: Case) -> tuple[Any, ...]:
    return case.profile, case.shape, dict(case.sizes), case.adapters > 0


def sampled(output: Array) -> Array:
    """All elements of a small output, the same _SAMPLE of a large one; [elements]."""
    flat = np.ascontiguousarray(output).reshape(-1)
    if output.nbytes <= _WHOLE_BYTES:
        return flat
    words = np.asarray(np.random.Philox(key=np.array([output.size, 0], np.uint64)).random_raw(_SAMPLE), np.uint64)
    chosen: Array = flat[(words % np.uint64(output.size)).astype(np.int64)]
    return chosen


def _judge(case: str, name: str, expected: Expected, output: Array | None) -> Result:
    def fails(fault: str, snr: float = float("-inf")) -> Result:
        return Result(case, name, snr, expected.bar_db, fault)

    if output is None:
        return fails("is missing")
    if output.shape != expected.shape or output.dtype.name != expected.dtype:
        return fails(f"is {output.dtype} {list(output.shape)}, not {expected.dtype} {list(expected.shape)}")
    found = sampled(output)
    if output.dtype.kind != "f":
        apart = int(np.abs(expected.values.astype(np.int64) - found.astype(np.int64)).max(initial=0))
        snr = float("inf") if apart == 0 else snr_db(expected.values, found)
        return fails(f"differs by {apart}", snr) if apart > 1 else Result(case, name, snr, expected.bar_db, None)
    if not np.isfinite(output).all():
        return fails("is not finite")
    if output.size and not output.any():
        return fails("is zeros alone")
    snr = snr_db(expected.values, found)
    if snr < expected.bar_db:
        return fails(f"has {snr:.1f} dB of {expected.bar_db:.1f} dB", snr)
    if name in DECISIONS and output.nbytes <= _WHOLE_BYTES and _decides_otherwise(expected, found):
        return fails("decides for another token", snr)
    return Result(case, name, snr, expected.bar_db, None)


def _decides_otherwise(expected: Expected, found: Array) -> bool:
    values = expected.values.astype(np.float64)
    if len(values) < 2:
        return False
    second, first = np.sort(values)[-2:]
    noise = np.sqrt(np.mean(values**2)) * 10 ** (-expected.bar_db / 20)
    return bool(first - second > 6 * noise and np.argmax(values) != np.argmax(found))


def _expected(archive: Mapping[str, NDArray[Any]], number: int, listed: Mapping[str, Any]) -> dict[str, Expected]:
    expected = {}
    for name, item in listed.items():
        values = archive[f"{number}/{name}"]
        shape = tuple(int(size) for size in item["shape"])
        whole = np.dtype(item["dtype"]).itemsize * int(np.prod(shape, dtype=np.int64)) <= _WHOLE_BYTES
        if values.shape != (int(np.prod(shape)) if whole else _SAMPLE,) or values.dtype.name != item["dtype"]:
            raise ValueError(f"{name!r} of case {number} has {len(values)} elements")
        expected[name] = Expected(shape, item["dtype"], float(item["bar_db"]), values)
    return expected
