"""A voice on the GPU goes on without it: ONNX Runtime's graphs stand by, and are loaded when they are first needed."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

from edge_tts.bundle import Bundle, home_folder
from edge_tts.engines.select import check_choice, open_accelerated
from edge_tts.errors import DeviceError, EngineError
from edge_tts.graphs import VoiceGraphs
from edge_tts.loading import load_on_cpu

__all__ = ["Spare", "open_graphs"]

_log = logging.getLogger("edge_tts")


class Spare:
    """ONNX Runtime's graphs for when the GPU's can't do it. Several threads may ask."""

    def __init__(self, voice: str, load: Callable[[], VoiceGraphs], release: Callable[[], None]) -> None:
        """`load` makes the graphs, `release` gives the GPU back."""
        self._voice, self._load, self._release = voice, load, release
        self._graphs: VoiceGraphs | None = None
        self._lock = threading.Lock()
        self.lasting = False
        """Whether the GPU has failed: from then on these graphs are the voice's."""

    def graphs(self) -> VoiceGraphs:
        """The graphs. Raises EngineError, BundleError: they can't be loaded either."""
        with self._lock:
            if self._graphs is None:
                self._graphs = self._load()
            return self._graphs

    def take_over(self, error: EngineError) -> VoiceGraphs:
        """The graphs to go on with after an error: for good if the GPU failed, else for this sentence. Warns once."""
        with self._lock:
            first = not self.lasting
            self.lasting = self.lasting or isinstance(error, DeviceError)
            lasting = self.lasting
        if first:
            span = "from now on" if lasting else "for this sentence"
            _log.warning("voice %r is spoken by ONNX Runtime %s: %s", self._voice, span, error)
        if first and lasting:
            self._release()
        return self.graphs()


def open_graphs(bundle: Bundle, choice: str) -> tuple[VoiceGraphs, Spare | None]:
    """A bundle's graphs on the engine of choice (edge_tts.engines.select.ENGINES), and a spare if that is the GPU.

    Raises ParameterError, EngineError, BundleError.
    """

    def plain() -> VoiceGraphs:
        return load_on_cpu(bundle)

    if check_choice(choice) == "onnx" or (choice == "auto" and bundle.manifest.tensorrt is None):
        return plain(), None
    from edge_tts.engines.store import cache_folder
    from edge_tts.engines.tensorrt.cache import EngineCache

    found = open_accelerated(bundle, choice, EngineCache(cache_folder(os.environ, home_folder())))
    if found is None:
        return plain(), None
    try:
        graphs = load_on_cpu(bundle, found.graphs)
    except BaseException:
        found.engine.close()
        raise
    return graphs, Spare(bundle.manifest.name, plain, found.engine.close)
