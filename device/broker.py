"""An MQTT broker inside the daemon, for a machine that has none: amqtt on 127.0.0.1, in a thread of its own.

Anonymous and never reachable from another machine. For more than trying things out use a real broker; docs/daemon.md
says what amqtt lacks.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING

from edge_tts.errors import EdgeTTSError

if TYPE_CHECKING:
    from amqtt.broker import Broker  # type: ignore[import-untyped]

__all__ = ["BrokerStartError", "EmbeddedBroker"]

_HOST = "127.0.0.1"
_START_S = 10.0
_STOP_S = 2.0
_CLOSING_S = 0.5


class BrokerStartError(EdgeTTSError):
    """The embedded broker can't run here; the message says why and what to do."""


class EmbeddedBroker:
    """A broker from `start` to `stop`. What it retains lives as long as it does."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._thread = threading.Thread(target=self._run, name="mqtt-broker", daemon=True)
        self._ready = threading.Event()
        self._failure: BrokerStartError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leave: asyncio.Event | None = None

    def start(self) -> None:
        """Return when it listens. BrokerStartError: amqtt isn't installed, or the port is taken."""
        # amqtt logs every refused packet and every lost connection; what matters comes out of `start` as an error.
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self._thread.start()
        self._ready.wait(_START_S)
        if self._failure is not None:
            self._thread.join(_STOP_S)
            raise self._failure

    def stop(self) -> None:
        """Close every connection and the port."""
        if self._loop is not None and self._leave is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._leave.set)
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        try:
            from amqtt.broker import Broker
            from amqtt.errors import BrokerError  # type: ignore[import-untyped]
        except ImportError:
            self._failure = BrokerStartError("no embedded broker installed: pip install 'edge-tts-jetson[broker]'")
            return
        broker: Broker = Broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"{_HOST}:{self.port}"}},
                "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
            }
        )
        self._loop, self._leave = asyncio.get_running_loop(), asyncio.Event()
        try:
            await broker.start()
        except BrokerError as error:
            self._failure = BrokerStartError(_port_problem(self.port, error.__cause__))
            return
        self._ready.set()
        await self._leave.wait()
        await broker.shutdown()
        # amqtt returns while its connections are still closing; a loop that ends now would leave their sockets open.
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        if rest:
            await asyncio.wait(rest, timeout=_CLOSING_S)


def _port_problem(port: int, cause: BaseException | None) -> str:
    if isinstance(cause, PermissionError):
        return f"port {port} may only be used by root: choose one above 1023, with --port or EDGETTS_PORT"
    reason = "is taken" if isinstance(cause, OSError) else f"can't be used ({cause})"
    return (
        f"port {port} on {_HOST} {reason}: choose another with --port or EDGETTS_PORT, "
        f"or use the broker that is there: --broker {_HOST}"
    )
