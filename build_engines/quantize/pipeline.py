"""A float bundle → an INT8 bundle: calibrate, measure every layer, choose, write, certify.

All that takes long is kept in a folder beside the target until the bundle is there; the same command goes on where it
was interrupted. Nothing is decided by a stopwatch or a random number: the same input gives the same bytes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import onnx
import onnxruntime as ort  # type: ignore[import-untyped]

from build_engines.bundles.exchange import check_replaceable
from build_engines.errors import BuildError
from build_engines.forced import ForcedVoice
from build_engines.quantize.calibrate import Measured, Recorder
from build_engines.quantize.choose import CPU, TENSORRT, Chooser, Scheme, is_reached
from build_engines.quantize.layers import FloatGraph, Layer
from build_engines.quantize.measure import Trial
from build_engines.quantize.profiles import tensorrt_names
from build_engines.quantize.qdq import check_layers
from build_engines.quantize.restore import is_quantized
from build_engines.quantize.state import State
from build_engines.quantize.stored import load_measured, store_measured
from build_engines.sentences import sentences
from edge_tts.bundle import Bundle
from edge_tts.bundle.manifest import GRAPHS
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.graphs import load_graphs

__all__ = [
    "BARS_DB", "Choices", "Progress", "check_source", "check_target", "choose_layers", "settings", "work_folder",
]  # fmt: skip

Progress = Callable[[str, int, int], None]
"""(what is done, steps done, steps in all)."""

RECIPE = 1
"""Counted up whenever the same bundle would become another one."""

BARS_DB = {
    "cpu": {"gpt_step": 24.0, "latents": 35.0, "vocoder": 33.0},
    "tensorrt": {"gpt_step": 24.0, "latents": 35.0, "vocoder": 33.0},
}
"""Least SNR of each graph's output; the prefill takes the step's layers, whose weights it shares."""

# Calibration: so many sentences in all, shared by the speakers, and so many tokens of each at most.
_UTTERANCES, _LEAST_PER_SPEAKER, _TOKENS = 24, 2, 300
# Every how manieth call of a graph becomes an example, so that they come from all over the speech.
_STRIDES = {"gpt_prefill": 1, "gpt_step": 37, "latents": 3, "vocoder": 5}


@dataclass(frozen=True)
class Choices:
    """What was measured and chosen: per target and graph the account of its layers (quantization.json)."""

    measured: dict[str, Measured]
    accounts: dict[str, dict[str, dict[str, Any]]]
    graphs: dict[str, FloatGraph]

    def chosen(self, target: str, graph: str) -> set[str]:
        """Names of a graph's INT8 layers."""
        source = "gpt_step" if graph == "gpt_prefill" else graph
        names = {layer["name"] for layer in self.accounts[target][source]["layers"] if layer["kept"] == "int8"}
        if graph == "gpt_prefill":  # what only the prefill has is read once a sentence and costs little
            own = {layer.name for layer in self.graphs[graph].layers if self._reached(target, layer)}
            shared = {layer.name for layer in self.graphs["gpt_step"].layers}
            names = (names & own) | (own - shared)
        return names

    def _reached(self, target: str, layer: Layer) -> bool:
        """Whether a scale is known, where one is needed."""
        return target == CPU.name or is_reached(layer, self.measured["gpt_prefill"])


def work_folder(target: Path) -> Path:
    """Where an interrupted run is kept."""
    return target.with_name(f".{target.name}.quantize")


def check_source(bundle: Bundle) -> None:
    """Raises BuildError: the bundle is INT8 already, or has nobody who could speak for its calibration; and what a
    bundle raises that doesn't speak (BundleError, EngineError)."""
    manifest = bundle.manifest
    load_graphs(bundle, OnnxEngine())
    for name in GRAPHS:
        model = onnx.load(str(bundle.path / manifest.graphs[name].file), load_external_data=False)
        if manifest.quantization is not None or is_quantized(model):
            raise BuildError(
                f"{bundle.path} is INT8 already: give its float bundle (edgetts-build dequantize makes one of it)"
            )
    if not manifest.speakers:
        raise BuildError(
            f"{bundle.path} has no speaker to calibrate with: run edgetts-build enroll {bundle.path} --audio FILE"
        )


def choose_layers(
    bundle: Bundle, state: State, targets: Sequence[str], texts: Sequence[str] | None, progress: Progress
) -> Choices:
    """Calibrates and chooses. `texts` replace the repository's sentences. Raises BuildError, BundleError, OSError."""
    graphs = _graphs(bundle, state.folder)
    if TENSORRT.name in targets:  # before an hour has passed
        for name in tensorrt_names(bundle.manifest):
            check_layers(graphs[name].model(), name)
    pairs = _pairs(bundle, texts)
    layers = {name: len({layer.name for layer in graph.layers}) for name, graph in graphs.items()}
    judged = [(scheme, name) for scheme in (CPU, TENSORRT) if scheme.name in targets for name in BARS_DB[scheme.name]]
    total = len(pairs) + sum(layers[name] for _, name in judged)
    measured = _calibrate(bundle, graphs, state, pairs, lambda done: progress("calibrating", done, total))
    steps = len(pairs)
    accounts: dict[str, dict[str, dict[str, Any]]] = {target: {} for target in targets}
    for scheme, name in judged:
        accounts[scheme.name][name] = _choose(graphs[name], measured[name], scheme, state, steps, total, progress)
        steps += layers[name]
    progress("chosen", total, total)
    choices = Choices(measured, accounts, graphs)
    for scheme in (scheme for scheme in (CPU, TENSORRT) if scheme.name in targets):
        accounts[scheme.name]["gpt_prefill"] = _prefill(choices, scheme, state)
    return choices


def _prefill(choices: Choices, scheme: Scheme, state: State) -> dict[str, Any]:
    """The account of the prefill, which takes the step's layers."""
    graph, measured = choices.graphs["gpt_prefill"], choices.measured["gpt_prefill"]
    method = choices.accounts[scheme.name]["gpt_step"]["method"]

    def snr() -> float:
        trial = Trial("gpt_prefill", graph.path.parent, measured.examples)
        return trial.score(scheme.variant(graph, choices.chosen(scheme.name, "gpt_prefill"), measured, method)).snr_db

    return {
        "snr_db": round(state.get(f"{scheme.name}/gpt_prefill", snr), 2),
        "method": method, "methods": {}, "layers_as_in": "gpt_step", "layers": [], "search": [],
    }  # fmt: skip


def _choose(
    graph: FloatGraph, measured: Measured, scheme: Scheme, state: State, start: int, total: int, progress: Progress
) -> dict[str, Any]:
    done = start

    def step(what: str) -> None:
        nonlocal done
        done += 1
        progress(f"{scheme.name} {what}", done, total)

    trial = Trial(graph.path.stem, graph.path.parent, measured.examples)
    return Chooser(graph, measured, scheme, trial, state, step).run(BARS_DB[scheme.name][graph.path.stem])


def _graphs(bundle: Bundle, work: Path) -> dict[str, FloatGraph]:
    """The float graphs, linked into the work folder: variants are written beside their external weights there."""
    folder = work / "graphs"
    folder.mkdir(exist_ok=True)
    found = {}
    for name in GRAPHS:
        entry = bundle.manifest.graphs[name]
        _, files = bundle.graph(entry)  # checked against the manifest
        for file in files:
            to = folder / (f"{name}.onnx" if file == entry.file else PurePosixPath(file).name)
            if not to.exists():
                try:
                    os.link((bundle.path / file).resolve(), to)
                except OSError:
                    shutil.copyfile(bundle.path / file, to)
        found[name] = FloatGraph(folder / f"{name}.onnx")
    return found


def _pairs(bundle: Bundle, texts: Sequence[str] | None) -> list[tuple[str, str, str]]:
    """(text, speaker, language): every speaker says sentences of the language that he speaks, in turns; and of those
    that have text features, or the layers that read them would never be reached."""
    speakers, featured = bundle.manifest.speakers, bundle.manifest.text_features
    each = max(_LEAST_PER_SPEAKER, _UTTERANCES // len(speakers))
    pairs: list[tuple[int, str, str, str]] = []
    for name, entry in speakers.items():
        if texts is not None:
            pairs += [(index, text, name, entry.language) for index, text in enumerate(texts[:each])]
            continue
        for language in dict.fromkeys((entry.language, *featured)):
            own = sentences(language, "calibration")[:each]
            pairs += [(index, text, name, language) for index, text in enumerate(own)]
    return [pair[1:] for pair in sorted(pairs, key=lambda pair: pair[0])]


def _calibrate(
    bundle: Bundle, graphs: dict[str, FloatGraph], state: State, pairs: Sequence[tuple[str, str, str]],
    done: Callable[[int], object],
) -> dict[str, Measured]:  # fmt: skip
    file = state.folder / "calibration.npz"
    if "calibration" not in state or not file.exists():
        recorder = Recorder(graphs, state.folder / "graphs", lambda name, call: call % _STRIDES[name] == 0)
        voice = ForcedVoice(bundle, recorder)
        for number, (text, speaker, language) in enumerate(pairs):
            done(number)
            for utterance in voice.read(text, speaker, language):
                drawn = voice.draw(utterance, speaker, number, _TOKENS)
                if drawn.tokens:
                    z = voice.latents(utterance, speaker, drawn, number)
                    voice.sound(z, speaker, number)
        for name, seen in recorder.measured.items():
            if not seen.examples:
                raise BuildError(f"the voice said nothing of the calibration's sentences (graph {name!r} never ran)")
        store_measured(file, recorder.measured)
        state.get("calibration", lambda: {"utterances": len(pairs)})
    return load_measured(file)


def settings(bundle: Bundle, targets: Sequence[str], texts: Sequence[str] | None, **more: Any) -> dict[str, Any]:
    """All that the result hangs on; whoever changes one of them begins anew."""
    return {
        "recipe": RECIPE, "source": bundle.id, "targets": list(targets),
        "texts": None if texts is None else list(texts), "bars_db": BARS_DB,
        "onnxruntime": ort.__version__, "onnx": onnx.__version__, **more,
    }  # fmt: skip


def check_target(bundle: Bundle, target: Path, replace: bool) -> None:
    """Raises BuildError: there is something at `target` already, or it is the bundle itself or lies in it."""
    source = bundle.path.resolve()
    if source == target.resolve():
        raise BuildError(f"{target} is the bundle itself: choose another folder with -o")
    if source in target.resolve().parents:
        raise BuildError(f"{target} lies in the bundle {bundle.path}: choose another folder with -o")
    if target.exists() and not replace:
        raise BuildError(f"{target} exists: choose another folder, or add --force to replace it")
    check_replaceable(target)
