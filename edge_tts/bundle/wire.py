"""Protobuf's wire format, as far as ONNX models need it: messages as lists of fields.

A message is taken apart, a few of its fields are changed, and it is put together again; what nobody looks at stays as
it was, byte for byte, whichever version of ONNX wrote it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from edge_tts.errors import BundleError

__all__ = ["BYTES", "VARINT", "Message", "fields"]

VARINT, BYTES = 0, 2
_FIXED_BYTES = {1: 8, 5: 4}

Value = int | bytes | memoryview


def fields(message: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
    """Every field's number, wire type and value: an integer, or the bytes. Raises BundleError: not a protobuf."""
    at, end = 0, len(message)
    while at < end:
        tag, at = _read_varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == VARINT:
            value, at = _read_varint(message, at)
            yield number, wire, value
            continue
        if wire == BYTES:
            length, at = _read_varint(message, at)
        elif wire in _FIXED_BYTES:
            length = _FIXED_BYTES[wire]
        else:
            raise BundleError("the graph is not an ONNX model")
        if at + length > end:
            raise BundleError("the graph is cut off")
        yield number, wire, message[at : at + length]
        at += length


class Message:
    """A message's fields in their order, to be read and changed by number."""

    def __init__(self, raw: bytes | memoryview = b"") -> None:
        """Raises BundleError: not a protobuf."""
        self.fields: list[tuple[int, int, Value]] = list(fields(memoryview(raw)))

    def all(self, number: int) -> list[bytes]:
        """Values of a repeated field of bytes."""
        return [bytes(value) for n, _, value in self.fields if n == number and not isinstance(value, int)]

    def integers(self, number: int) -> list[int]:
        """Values of a repeated integer field, written packed or one by one."""
        found: list[int] = []
        for n, _, value in self.fields:
            if n != number:
                continue
            if isinstance(value, int):
                found.append(value)
                continue
            view, at = memoryview(value), 0
            while at < len(view):
                one, at = _read_varint(view, at)
                found.append(one)
        return found

    def text(self, number: int) -> str:
        """A field of text, the empty one where it is missing."""
        found = self.all(number)
        return found[-1].decode("utf-8", "replace") if found else ""

    def replace(self, number: int, values: Iterable[int | bytes]) -> None:
        """The field with these values, where its first one was or else at the end."""
        new = [(number, VARINT if isinstance(value, int) else BYTES, value) for value in values]
        at = next((i for i, one in enumerate(self.fields) if one[0] == number), len(self.fields))
        rest = [one for one in self.fields[at:] if one[0] != number]
        self.fields = [*self.fields[:at], *new, *rest]

    def to_bytes(self) -> bytes:
        """The message on the wire."""
        parts: list[bytes | memoryview] = []
        for number, wire, value in self.fields:
            parts.append(_varint(number << 3 | wire))
            if isinstance(value, int):
                parts.append(_varint(value))
            else:
                if wire == BYTES:
                    parts.append(_varint(len(value)))
                parts.append(value)
        return b"".join(parts)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for index in range(10):
        if at + index >= len(message):
            raise BundleError("the graph is cut off")
        byte = message[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise BundleError("the graph is not an ONNX model")
