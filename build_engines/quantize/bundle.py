"""A bundle with other graphs: everything else is taken over, goldens are recorded anew, the rest is hashed as it is."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import onnx

from build_engines.bundles.writer import graph_entry, seal
from build_engines.errors import BuildError
from build_engines.export.weights import WeightFile, move_out
from build_engines.quantize.calibrate import session
from edge_tts.bundle import Bundle
from edge_tts.bundle.external import external_files

__all__ = ["CERTIFICATE", "REPORT", "fill", "finish", "save_graphs", "tree_of"]

CERTIFICATE = "certificate.json"
REPORT = "quantization.json"
_OWN = {"format", "format_version", "files"}  # what `seal` adds
_NOT_TAKEN = ("tensorrt", "quantization", "certificate")
_LARGE_BYTES = 8 << 20


def tree_of(bundle: Bundle) -> dict[str, Any]:
    """The manifest as it lies there, without what says how the bundle was made INT8."""
    tree = json.loads((bundle.path / "manifest.json").read_bytes())
    return {key: value for key, value in tree.items() if key not in _OWN and key not in _NOT_TAKEN}


def fill(part: Path, source: Bundle, graphs: Mapping[str, onnx.ModelProto], tree: dict[str, Any]) -> None:
    """Fills the folder `part` with the source's files and these graphs in place of its own; enters them in the tree.

    Weights that lay beside a graph lie beside the new one; the GPT's two graphs share theirs. Goldens of replaced
    graphs hold the new graphs' outputs. Raises BuildError: one has not what its graph takes.
    """
    _take_over(part, source, {source.manifest.graphs[name].file for name in graphs})
    (part / "graphs").mkdir(exist_ok=True)
    if graphs:
        origin = source.path / PurePosixPath(source.manifest.graphs[next(iter(graphs))].file).parent
        save_graphs(graphs, origin, part / "graphs")
    for name in graphs:
        tree["graphs"][name] = graph_entry(part, f"graphs/{name}.onnx")
        golden = part / "golden" / f"{name}.npz"
        if golden.exists():
            _record_again(golden, part / "graphs" / f"{name}.onnx")


def finish(part: Path, target: Path, tree: Mapping[str, Any]) -> None:
    """Hashes the folder and gives it its name. Raises BundleError."""
    seal(part, target, tree)


def _take_over(part: Path, source: Bundle, replaced: set[str]) -> None:
    """Copies every listed file but replaced graphs with their weights, and what earlier quantization left."""
    manifest = source.manifest
    gone = set(replaced)
    for file in replaced:
        model, folder = source.read(file), PurePosixPath(file).parent
        gone |= {str(folder / location) for location in external_files(model)}
    for name in manifest.files:
        if name in gone or name in (CERTIFICATE, REPORT) or name.startswith(("tensorrt/", "golden/tensorrt/")):
            continue
        to = part / name
        to.parent.mkdir(parents=True, exist_ok=True)
        _link(source.path / name, to)


def _link(source: Path, to: Path) -> None:
    """A hard link where the file system can, since bundles never change; else a copy. Small files are copied: a
    golden is recorded again in place."""
    if source.stat().st_size < _LARGE_BYTES:
        shutil.copyfile(source, to)
        return
    try:
        os.link(source.resolve(), to)  # of a symbolic link, the file behind it
    except OSError:
        shutil.copyfile(source, to)


def save_graphs(graphs: Mapping[str, onnx.ModelProto], origin: Path, folder: Path) -> None:
    """Writes the graphs into `folder`, large weights beside them, those of the GPT's two graphs in one file.

    Weights that are not in a graph are read from the folder `origin`.
    """
    groups: dict[str, list[str]] = {}
    for name in graphs:
        groups.setdefault("gpt" if name.startswith("gpt_") else name, []).append(name)
    for group, names in groups.items():
        if not _are_large([graphs[name] for name in names]):
            for name in names:
                onnx.save(graphs[name], str(folder / f"{name}.onnx"))
            continue
        with WeightFile(folder / f"{group}.weights") as file:
            for name in names:
                move_out(graphs[name], file, origin)
                onnx.save(graphs[name], str(folder / f"{name}.onnx"))


def _are_large(models: Sequence[onnx.ModelProto]) -> bool:
    """Whether weights of graphs that share them belong beside the graphs."""
    tensors = [tensor for model in models for tensor in model.graph.initializer]
    inside = sum(len(tensor.raw_data) for tensor in tensors)
    return inside > _LARGE_BYTES or any(t.data_location == onnx.TensorProto.EXTERNAL for t in tensors)


def _record_again(golden: Path, graph: Path, make: Callable[[Path], Any] = session) -> None:
    with np.load(golden, allow_pickle=False) as data:
        arrays = {name: data[name] for name in data.files if name.startswith("in_")}
    loaded = make(graph)
    names = [output.name for output in loaded.get_outputs()]
    if missing := [arg.name for arg in loaded.get_inputs() if f"in_{arg.name}" not in arrays]:
        raise BuildError(f"golden/{golden.name} lacks the input {missing[0]!r}: import or train the voice again")
    outputs = loaded.run(names, {arg.name: arrays[f"in_{arg.name}"] for arg in loaded.get_inputs()})
    made: dict[str, Any] = arrays | {f"out_{name}": array for name, array in zip(names, outputs, strict=True)}
    np.savez_compressed(golden, **made)
