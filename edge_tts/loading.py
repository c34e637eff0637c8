"""A voice's graphs for ONNX Runtime: packed, where this machine has packed them, else from the bundle.

Packing is a matter of speed alone. Whatever is wrong with the cache, the voice is loaded from the bundle and speaks,
and one line says why it took longer.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from edge_tts.bundle import Bundle, home_folder
from edge_tts.engines import Graph
from edge_tts.errors import BundleError, EngineError
from edge_tts.graphs import VoiceGraphs, load_graphs

__all__ = ["load_on_cpu"]

_log = logging.getLogger("edge_tts")


def load_on_cpu(bundle: Bundle, accelerated: Mapping[str, Graph] | None = None) -> VoiceGraphs:
    """Loads the graphs; those that are `accelerated` run on the GPU already. What is not packed yet is packed for the
    next start, by a process of its own, unless $EDGETTS_PACKED is "off". Raises BundleError, EngineError."""
    from edge_tts.engines.onnx import OnnxEngine
    from edge_tts.engines.packed.cache import PackedCache
    from edge_tts.engines.packed.parts import packed_parts

    engine, cache = OnnxEngine(), _cache()
    parts = packed_parts(bundle) if cache is not None else None
    if cache is None or parts is None:
        return load_graphs(bundle, engine, accelerated)
    damage: str | None = None
    try:
        with PackedCache(cache).reading(parts) as packed:
            if packed is not None:
                return load_graphs(bundle, engine, accelerated, packed)
    except EngineError as error:
        damage = str(error)
        PackedCache(cache).discard(parts)  # its hashes may be right: ONNX Runtime refuses it
    except BundleError as error:
        damage = str(error)
    graphs = load_graphs(bundle, engine, accelerated)  # raises what is wrong with the bundle, if that is what it was
    _pack_for_next_time(bundle, cache, damage)
    return graphs


def _cache() -> Path | None:
    from edge_tts.engines.store import cache_folder

    if os.environ.get("EDGETTS_PACKED") == "off":
        return None
    return cache_folder(os.environ, home_folder())


def _pack_for_next_time(bundle: Bundle, cache: Path, damage: str | None) -> None:
    """Never raises; warns with one line where something is wrong."""
    from edge_tts.engines.packed.background import start_packing, why_not

    try:
        problem = why_not(bundle, cache)
        if problem is None:
            start_packing(bundle, cache)
    except OSError as error:
        problem = error.strerror or str(error)
    if damage is not None:
        _log.warning("voice %r is loaded from its bundle: %s", bundle.manifest.name, damage)
    elif problem is not None:
        _log.warning("voice %r can't be packed, so it loads slowly: %s", bundle.manifest.name, problem)
