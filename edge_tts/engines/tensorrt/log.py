"""TensorRT's own log: its last error becomes a part of our message, the rest goes to Python's logging."""

from __future__ import annotations

import logging
from typing import Any, Protocol

__all__ = ["EngineLog", "make_log"]

_log = logging.getLogger("edge_tts.tensorrt")


class EngineLog(Protocol):
    """What TensorRT takes as its logger."""

    last: str
    """The last error in one line, empty if there was none since `clear`."""

    def clear(self) -> None:
        """Forgets the last error."""


def make_log(trt: Any) -> EngineLog:
    """A logger for trt.Runtime; it must live as long as all that is made with it."""

    class Log(trt.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.last = ""

        def clear(self) -> None:
            self.last = ""

        def log(self, severity: Any, msg: str) -> None:
            line = " ".join(str(msg).split())[:300]
            if severity in (trt.ILogger.ERROR, trt.ILogger.INTERNAL_ERROR):
                self.last = line
                _log.info("%s", line)
            elif severity == trt.ILogger.WARNING:
                _log.debug("%s", line)

    return Log()
