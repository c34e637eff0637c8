"""Makes the packed form of a voice, and keeps only what computes the same.

Every graph is loaded as ever, written down as ONNX Runtime has optimized and packed it, loaded from there, and both are
run with the same inputs: outputs must be equal to the last bit. A graph for which they are not is left out, and goes on
being loaded from the bundle.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edge_tts.bundle import Bundle
from edge_tts.bundle.spec import GraphEntry
from edge_tts.engines.api import Array
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.engines.packed.background import all_graphs, needed_bytes
from edge_tts.engines.packed.cache import PackedCache
from edge_tts.engines.packed.kernels import Chooser
from edge_tts.engines.packed.probe import SHORT, probe
from edge_tts.engines.packed.weights import WeightsFile, moved
from edge_tts.engines.store import write
from edge_tts.errors import EngineError

__all__ = ["pack"]

_WEIGHTS = "weights"
_SPARE_BYTES = 16 << 20


def pack(bundle: Bundle, cache: PackedCache, parts: Mapping[str, Any], chooser: Chooser) -> bool:
    """Puts a voice's packed form into the cache; False where it is there, or somebody else is at it.

    Raises OSError (the disk is full), BundleError, EngineError; then nothing is left behind.
    """
    try:
        with cache.store.writing(wait=False):
            if _is_there(cache, parts):
                return False
            made = cache.store.put_locked(parts, lambda folder: _fill(folder, bundle, chooser))
            cache.evict(made)
            return True
    except BlockingIOError:
        return False


def _is_there(cache: PackedCache, parts: Mapping[str, Any]) -> bool:
    try:
        with cache.reading(parts) as found:
            return found is not None
    except EngineError:
        return False


def _fill(folder: Path, bundle: Bundle, chooser: Chooser) -> dict[str, Any]:
    """Packs into the folder and returns the record."""
    _check_room(folder, needed_bytes(bundle))
    weights = WeightsFile(folder / _WEIGHTS)
    graphs, left_out, sizes = {}, {}, dict[str, tuple[int, str]]()
    try:
        for name, entry in all_graphs(bundle):
            try:
                graphs[name] = _pack_graph(folder, weights, bundle, name, entry, chooser)
            except EngineError as error:
                _check_room(folder, 0)  # ONNX Runtime doesn't say that a disk is full
                left_out[name] = str(error)
    finally:
        sizes[_WEIGHTS] = weights.close()
    for graph in graphs.values():
        sizes[graph["file"]] = _measured(folder / graph["file"])
    for path in folder.iterdir():
        path.chmod(0o644)
    return {
        "bundle_path": str(bundle.path.resolve()),
        "graphs": graphs,
        "left_out": left_out,
        "files": {name: {"bytes": size, "sha256": sha256} for name, (size, sha256) in sizes.items()},
    }


def _pack_graph(
    folder: Path, weights: WeightsFile, bundle: Bundle, name: str, entry: GraphEntry, chooser: Chooser
) -> dict[str, Any]:
    """Raises EngineError: the graph can't be packed, or computes something else when it is."""
    model, files = bundle.graph(entry)
    choice = chooser.choose(name, model, entry, bundle.manifest)
    inputs = probe(entry, bundle.manifest, SHORT)
    file = f"{name}.onnx"
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        saved = Path(temporary) / file
        expected = OnnxEngine(settings=choice.settings).pack(name, choice.model, saved).run(inputs)
        data = saved.with_name(f"{file}.data")
        write(folder / file, moved(saved.read_bytes(), data, weights, _WEIGHTS))
    weights.flush()
    try:
        found = OnnxEngine(settings=choice.settings, packed=True).load(name, folder / file).run(inputs)
        _compare(name, expected, found)
    except EngineError:
        (folder / file).unlink()
        raise
    return {
        "file": file,
        "settings": dict(choice.settings),
        "kernels": choice.note,
        "stands_for": sorted(files),
    }


def _compare(name: str, expected: Mapping[str, Array], found: Mapping[str, Array]) -> None:
    for output, values in expected.items():
        if values.dtype != found[output].dtype or not np.array_equal(values, found[output]):  # NaN fails this too
            raise EngineError(f"graph {name!r} gives another {output!r} when it is packed")


def _check_room(folder: Path, needed: int) -> None:
    """Raises OSError: the disk has less than that, and a little to spare."""
    if shutil.disk_usage(folder).free < needed + _SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _measured(path: Path) -> tuple[int, str]:
    raw = path.read_bytes()
    return len(raw), hashlib.sha256(raw).hexdigest()
