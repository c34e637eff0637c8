"""One socket option that speech over MQTT needs."""

from __future__ import annotations

import socket
from typing import Any

from paho.mqtt.client import Client

__all__ = ["send_at_once"]


def send_at_once(client: Client) -> None:
    """Switch Nagle's algorithm off for this client's connections.

    paho leaves it on: a command that follows an acknowledgement then waits for the peer's delayed ACK, 40 ms on Linux.
    """

    def opened(_client: Client, _data: Any, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    client.on_socket_open = opened
