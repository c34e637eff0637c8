"""The topics under `<root>` and what an event looks like on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["FINAL_EVENTS", "Topics", "event_payload", "root_problem"]

# After one of these an id is done with.
FINAL_EVENTS = frozenset({"duplicate", "finished", "interrupted", "expired", "rejected", "failed"})
_MAX_ROOT_BYTES = 200


@dataclass(frozen=True)
class Topics:
    """The topics of one device. `root` is usually `edgetts/<device id>`."""

    root: str

    @property
    def say(self) -> str:
        return f"{self.root}/say"

    @property
    def stop(self) -> str:
        return f"{self.root}/stop"

    @property
    def event(self) -> str:
        return f"{self.root}/event"

    @property
    def state(self) -> str:
        return f"{self.root}/state"

    @property
    def status(self) -> str:
        return f"{self.root}/status"


def root_problem(root: str) -> str | None:
    """Why `root` can't begin a topic name (MQTT 3.1.1 §4.7), or None."""
    if not root or root.startswith("$"):
        return "must not be empty or begin with $"
    if not root.isprintable() or any(sign in root for sign in "+#"):
        return "must not contain +, # or control characters"
    if root.startswith("/") or root.endswith("/"):
        return "must not begin or end with /"
    if len(root.encode()) > _MAX_ROOT_BYTES:
        return f"must not be longer than {_MAX_ROOT_BYTES} bytes"
    return None


def event_payload(id_: str, event: str, t_ms: int, reason: str | None, details: Mapping[str, Any]) -> bytes:
    """One event as JSON. `t_ms` is the device's clock in unix milliseconds. ASCII only: a reason may quote anything."""
    fields: dict[str, Any] = {"id": id_, "event": event, "t_ms": t_ms}
    if reason is not None:
        fields["reason"] = reason
    return json.dumps(fields | dict(details)).encode("ascii")
