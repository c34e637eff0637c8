"""Writes a bundle: graphs, speakers, goldens, the card, and last the manifest that hashes them (docs/bundle.md)."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from build_engines.bundles.exchange import check_replaceable, exchange
from edge_tts.bundle.manifest import FORMAT, FORMAT_VERSION, parse_manifest

__all__ = ["draft", "graph_entry", "seal", "write_goldens"]

_DTYPES = {
    onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.FLOAT16: "float16", onnx.TensorProto.INT8: "int8",
    onnx.TensorProto.INT64: "int64", onnx.TensorProto.INT32: "int32",
}  # fmt: skip
_BLOCK_BYTES = 1 << 20


@contextmanager
def draft(target: Path) -> Iterator[Path]:
    """A folder beside ``target`` in which a bundle is made; it goes away, unless `seal` has renamed it into place.

    Raises BuildError: at ``target`` is something that is no bundle.
    """
    check_replaceable(target)
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


def seal(part: Path, target: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest of all that lies in ``part`` and rename it to ``target``; an older bundle is replaced.

    ``manifest`` lacks what is the same for all: format and files. Raises BundleError, and leaves an older bundle as it
    was, when a reader would refuse the manifest.
    """
    written = sorted(p for p in part.rglob("*") if p.is_file() and p != part / "manifest.json")
    files = {p.relative_to(part).as_posix(): _file_entry(p) for p in written}
    whole = {"format": FORMAT, "format_version": FORMAT_VERSION, **manifest, "files": files}
    raw = json.dumps(whole, indent=1, ensure_ascii=False).encode()
    parse_manifest(raw)
    (part / "manifest.json").write_bytes(raw)
    exchange(part, target)


def graph_entry(part: Path, file: str) -> dict[str, Any]:
    """The manifest's entry for the graph at ``part / file``. Inputs that have a default are not listed."""
    graph = onnx.load(str(part / file), load_external_data=False).graph
    defaults = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in defaults]
    return {"file": file, "inputs": _tensors(inputs), "outputs": _tensors(graph.output)}


def write_goldens(part: Path, goldens: Mapping[str, Mapping[str, NDArray[Any]]]) -> None:
    """Write inputs (``in_*``) and expected outputs (``out_*``) of each graph, to certify an engine where it runs."""
    (part / "golden").mkdir(exist_ok=True)
    for stem, tensors in goldens.items():
        arrays: dict[str, Any] = dict(tensors)
        np.savez_compressed(part / "golden" / f"{stem}.npz", **arrays)


def _tensors(values: Any) -> dict[str, dict[str, Any]]:
    described = {}
    for value in values:
        tensor = value.type.tensor_type
        shape = [d.dim_param or d.dim_value for d in tensor.shape.dim]
        described[value.name] = {"dtype": _DTYPES[tensor.elem_type], "shape": shape}
    return described


def _file_entry(path: Path) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            size += len(block)
    return {"sha256": digest.hexdigest(), "bytes": size}
