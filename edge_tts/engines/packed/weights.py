"""One file for the weights of several graphs: every stretch of bytes is in it once.

ONNX Runtime saves each graph with a file of its own, which holds every weight twice: as it was (the kernel packs it at
each start, to see whether the packed one fits) and packed (which is then mapped, and takes no private memory). Prefill
and step of a GPT have the same weights, so together they are half as large; the pages of a file are in memory once.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from edge_tts.bundle.external import CHILDREN
from edge_tts.bundle.wire import BYTES, Message
from edge_tts.errors import EngineError

__all__ = ["WeightsFile", "moved"]

_EXTERNAL_DATA = 13
_PAGE, _LINE = 4096, 64
_LARGE_BYTES = 1 << 16


class WeightsFile:
    """A file that grows; `close` says what it has become."""

    def __init__(self, path: Path) -> None:
        """Raises OSError."""
        self._file = path.open("xb")
        self._places: dict[tuple[int, bytes], int] = {}
        self._digest, self._size = hashlib.sha256(), 0

    def add(self, data: bytes) -> int:
        """Where these bytes are from now on. Raises OSError."""
        name = len(data), hashlib.sha256(data).digest()
        if name not in self._places:
            step = _PAGE if len(data) >= _LARGE_BYTES else _LINE  # where a mapping starts, and a load
            self._append(bytes(-self._size % step))
            self._places[name] = self._size
            self._append(data)
        return self._places[name]

    def flush(self) -> None:
        """Makes what was added so far readable by others. Raises OSError."""
        self._file.flush()

    def close(self) -> tuple[int, str]:
        """Size and SHA-256 of the file, which is on the disk then. Raises OSError."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        return self._size, self._digest.hexdigest()

    def _append(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self._size += len(data)


def moved(model: bytes, data: Path, weights: WeightsFile, name: str) -> bytes:
    """A saved model with all its external data taken from `data` into `weights`, which lies beside it as `name`.

    Raises EngineError: the model was not saved as a whole; BundleError: it is no model; OSError.
    """
    if not data.exists():
        return model  # all weights were small enough to stay inside
    with data.open("rb") as source:

        def move(offset: int, length: int) -> int:
            source.seek(offset)
            found = source.read(length)
            if len(found) != length:
                raise EngineError(f"{data.name} is cut off")
            return weights.add(found)

        return _edited(memoryview(model), "model", lambda tensor: _move_tensor(tensor, move, name, source))


def _edited(raw: bytes | memoryview, kind: str, edit: Callable[[Message], None]) -> bytes:
    """The message with `edit` applied to every tensor in it."""
    message = Message(raw)
    if kind == "tensor":
        edit(message)
        return message.to_bytes()
    children = CHILDREN[kind]
    message.fields = [
        (number, wire, _edited(value, children[number], edit))
        if wire == BYTES and number in children and not isinstance(value, int)
        else (number, wire, value)
        for number, wire, value in message.fields
    ]
    return message.to_bytes()


def _move_tensor(tensor: Message, move: Callable[[int, int], int], name: str, source: BinaryIO) -> None:
    entries = {pair.text(1): pair.text(2) for pair in map(Message, tensor.all(_EXTERNAL_DATA))}
    if not entries:
        return
    if entries.get("location") != Path(source.name).name:
        raise EngineError(f"a weight is in {entries.get('location', '')[:60]!r}")
    made = {"location": name}
    for key, value in entries.items():
        if key == "offset":
            made[key] = str(move(int(value), int(entries["length"])))
        elif key.startswith("prepacked"):
            made[key] = _move_packed(value, move)
        elif key != "location":
            made[key] = value
    tensor.replace(_EXTERNAL_DATA, [_pair(key, value) for key, value in made.items()])


def _move_packed(value: str, move: Callable[[int, int], int]) -> str:
    """ONNX Runtime's "kernel|offset;length;checksum|...": one stretch for each buffer of the kernel."""
    kernel, *stretches = value.split("|")
    made = [kernel]
    for stretch in stretches:
        offset, length, checksum = stretch.split(";")
        made.append(f"{move(int(offset), int(length))};{length};{checksum}")
    return "|".join(made)


def _pair(key: str, value: str) -> bytes:
    message = Message()
    message.replace(1, [key.encode()])
    message.replace(2, [value.encode()])
    return message.to_bytes()
