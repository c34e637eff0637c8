"""How `edgetts-build quantize` is called in tests, and what its bundles are asked for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from build_engines.bundles.writer import graph_entry
from build_engines.cli import main
from build_engines.forced import ForcedVoice
from build_engines.quantize.measure import Trial
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from tests.build.quantize.voices import TEXT
from tests.tiny_bundle import read_manifest, write_manifest

__all__ = ["CPU", "INT8_OPERATORS", "TOKENS", "Stopwatch", "changed", "kinds", "quantized", "refused", "spoken"]

CPU = ("--target", "cpu", "--kv-cache", "float32")
INT8_OPERATORS = {"MatMulInteger", "QLinearConv"}
TOKENS = 40
"""As many are drawn of a sentence that calibrates, so that it takes a moment."""


class Stopwatch:
    """Counts measurements, and interrupts one of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, at: int | None = None) -> None:
        self.count, score = 0, Trial.score

        def counted(trial, *arguments, **more):
            self.count += 1
            if self.count == at:
                raise KeyboardInterrupt
            return score(trial, *arguments, **more)

        monkeypatch.setattr(Trial, "score", counted)


def quantized(source: Path, target: Path, text: Path, *more: str) -> Path:
    """Runs the command without certification; returns the bundle."""
    assert main(["quantize", str(source), "-o", str(target), "--no-certify", "--text", str(text), *more]) == 0
    return target


def changed(bundle: Path, target: Path, name: str, change: Callable[[onnx.ModelProto], None]) -> Path:
    """A copy of a bundle whose graph `name` was changed."""
    shutil.copytree(bundle, target)
    path = target / "graphs" / f"{name}.onnx"
    model = onnx.load(str(path), load_external_data=False)
    change(model)
    onnx.save(model, str(path))
    manifest = read_manifest(target)
    manifest["graphs"][name] = graph_entry(target, f"graphs/{name}.onnx")
    write_manifest(target, manifest)
    return target


def kinds(path: Path) -> set[str]:
    """The operators of a graph."""
    return {node.op_type for node in onnx.load(str(path), load_external_data=False).graph.node}


def spoken(folder: Path) -> np.ndarray:
    """A second of sound, by the runtime's code but for the guard: what random weights say never ends."""
    voice = ForcedVoice(open_bundle(folder), OnnxEngine())
    speaker = voice.speakers[0]
    (utterance,) = voice.read(TEXT, speaker)
    drawn = voice.draw(utterance, speaker, 0, 25)
    assert drawn.tokens
    return voice.sound(voice.latents(utterance, speaker, drawn, 0), speaker, 0)


def refused(place: Path, code: int, err: list[str], before: tuple[str, ...] = ()) -> str:
    """The one line; in the folder `place` nothing has been left behind but what was there before."""
    assert code == 1
    assert len(err) == 1, err
    assert err[0].startswith("edgetts-build: ")
    assert sorted(path.name for path in place.iterdir()) == sorted(before)
    return err[0].removeprefix("edgetts-build: ")
