"""Writes golden vectors: runs a quantized graph at the shapes of all its profiles (edge_tts.engines.golden reads them).

Two right engines differ: each rounds to FP16 and INT8 in its own order, and deep networks carry that on. How far is
measured here, case by case: the graph with FP32 in place of FP16, and inputs moved by FP16's own rounding, give its
floor. A float output's bar is BARS_DB, or MARGIN_DB below the floor where that is lower (roundings of two kinds add up
to twice the noise of one, 3 dB), never under LEAST_DB. An engine that computes something else has about 0 dB.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from edge_tts.bundle.spec import TensorRTGraphEntry
from edge_tts.engines.api import Array
from edge_tts.engines.golden import FORMAT, Case, Golden, Run, cases_of, inputs_of, sampled, snr_db
from edge_tts.engines.golden_inputs import Bell, Rule, digest, nudged, rule_to_json

__all__ = ["BARS_DB", "LEAST_DB", "MARGIN_DB", "OTHERS_DB", "record"]

BARS_DB: Mapping[str, float] = {"logits": 30.0}
"""The bar of an output by its name; the others have OTHERS_DB."""
OTHERS_DB = 25.0
MARGIN_DB, LEAST_DB = 6.0, 10.0

_STRENGTHS = (0.2, 1.0, 5.0, 25.0)  # of adapters; the first that can't be overlooked is taken


def record(
    entry: TensorRTGraphEntry,
    adapter_inputs: Mapping[str, tuple[int, ...]],
    run: Run,
    rules: Mapping[str, Rule],
    *,
    other: Run | None = None,
    seed: int = 0,
    bars: Mapping[str, float] = BARS_DB,
) -> bytes:
    """Runs a graph at the shapes of all its profiles and returns the file's bytes; equal calls give equal bytes.

    `run` computes the very graph that engines are built of, `other` the same with FP32 in place of FP16
    (build_engines.quantize.widened); without it, a graph of integer inputs alone has no floor. `adapter_inputs` are the
    float16 inputs that the manifest doesn't list, name → shape. `rules` say how an input's values are made; one that
    isn't named there is `Bell()`.

    Raises ValueError: an integer input without a rule, or an output that no engine can be judged by (not finite, zeros
    alone, or deaf to adapters of any strength).
    """
    rules = {name: rules.get(name, Bell()) for name in entry.inputs}
    golden = Golden(entry.inputs, rules, adapter_inputs, cases_of(entry, bool(adapter_inputs), seed), (), ())
    arrays: dict[str, Array] = {}
    described: list[dict[str, Any]] = []
    unadapted: dict[tuple[int, str], dict[str, Array]] = {}
    for number, case in enumerate(golden.cases):
        if case.adapters:
            case, outputs = _heard(golden, case, run, unadapted[case.profile, case.shape], bars)
        else:
            outputs = run(inputs_of(golden, case))
            unadapted[case.profile, case.shape] = outputs
        inputs = inputs_of(golden, case)
        floors = _floors(inputs, outputs, run, other, case.seed)
        listed = {}
        for name, output in sorted(outputs.items()):
            _check_usable(str(case), name, output)
            bar = _bar(floors[name], bars.get(name, OTHERS_DB))
            listed[name] = {"shape": list(output.shape), "dtype": output.dtype.name, "bar_db": bar}
            arrays[f"{number}/{name}"] = sampled(output)
        described.append({**dataclasses.asdict(case), "inputs_sha256": digest(inputs), "outputs": listed})
    meta = {
        "format": FORMAT,
        "inputs": {name: [spec.dtype, list(spec.shape)] for name, spec in entry.inputs.items()},
        "rules": {name: rule_to_json(rule) for name, rule in rules.items()},
        "adapters": {name: list(shape) for name, shape in adapter_inputs.items()},
        "cases": described,
    }
    arrays["meta"] = np.frombuffer(json.dumps(meta, sort_keys=True).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _heard(
    golden: Golden, case: Case, run: Run, without: Mapping[str, Array], bars: Mapping[str, float]
) -> tuple[Case, dict[str, Array]]:
    """The case with adapters just strong enough that an engine which overlooks them fails."""
    for strength in _STRENGTHS:
        stronger = dataclasses.replace(case, adapters=strength)
        outputs = run(inputs_of(golden, stronger))
        for name, output in outputs.items():
            bar = bars.get(name, OTHERS_DB)
            if output.dtype.kind == "f" and snr_db(sampled(output), sampled(without[name])) < min(bar, LEAST_DB) - 3:
                return stronger, outputs
    raise ValueError(f"{case}: adapters of any strength change nothing")


def _floors(
    inputs: dict[str, Array], outputs: Mapping[str, Array], run: Run, other: Run | None, seed: int
) -> dict[str, float]:
    """Per output the SNR that is left when the same is computed with other roundings."""
    alike = [run({name: nudged(array, name, seed + 1000) for name, array in inputs.items()})]
    if other is not None:
        alike.append(other(inputs))
    return {n: min(snr_db(sampled(output), sampled(found[n])) for found in alike) for n, output in outputs.items()}


def _bar(floor_db: float, most_db: float) -> float:
    return round(max(LEAST_DB, min(most_db, floor_db - MARGIN_DB)), 1)


def _check_usable(case: str, name: str, output: Array) -> None:
    if output.dtype.kind == "f" and not np.isfinite(output).all():
        raise ValueError(f"output {name!r} at {case} is not finite")
    if output.dtype.kind == "f" and output.size and not output.any():
        raise ValueError(f"output {name!r} at {case} is zeros alone")
