"""Whether the numbers in a checkpoint are ones that a model can run on; the file is read once, in pieces."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from build_engines.checkpoint.archive import Record
from build_engines.checkpoint.file import CheckpointFile, Half

__all__ = ["Progress", "find_faults"]

Progress = Callable[[int, int], None]
"""Called with the bytes checked so far and the bytes to check."""

_PIECE_BYTES = 1 << 20
_EXPONENT = np.uint16(0x7C00)  # all ones: infinite or not a number
_MAGNITUDE = np.uint16(0x7FFF)
_FRACTION = np.uint16(0x03FF)


def find_faults(file: CheckpointFile, names: Sequence[str], progress: Progress | None = None) -> Iterator[str]:
    """What is wrong with the values of the tensors ``names``, a line for each fault.

    Looked for: bytes that don't match the zip's checksum, numbers that aren't finite, and rows of ``weight_v`` that are
    all zero, since folding the weight norm would divide zero by zero.
    """
    total = sum(_size_bytes(file, name) for name in names)
    done = 0
    checked: set[Record] = set()
    for name in names:
        record = file.record(name)
        fault = None
        if record not in checked:  # tensors may share one
            checked.add(record)
            fault = _damage(file, record)
        fault = fault or _not_finite(file, name)
        if fault is None and name.endswith(".weight_v"):
            fault = _zero_row(file, name)
        if fault is not None:
            yield f"tensor {name}{fault}"
        file.release()
        done += _size_bytes(file, name)
        if progress is not None:
            progress(done, total)


def _size_bytes(file: CheckpointFile, name: str) -> int:
    return 2 * math.prod(file.tensors[name].shape)


def _damage(file: CheckpointFile, record: Record) -> str | None:
    found, end = 0, record.start + record.size_bytes
    with memoryview(file.data) as data:
        for at in range(record.start, end, _PIECE_BYTES):
            with data[at : min(at + _PIECE_BYTES, end)] as piece:
                found = zlib.crc32(piece, found)
    if found == record.crc:
        return None
    return " doesn't match its checksum: the file is damaged, copy or download it again"


def _not_finite(file: CheckpointFile, name: str) -> str | None:
    view = file.view(name)
    for start, bits in _pieces(view):
        wrong = (bits & _EXPONENT) == _EXPONENT
        if wrong.any():
            where = int(np.argmax(wrong))
            index = [int(i) for i in np.unravel_index(start + where, view.shape)]
            kind = "not a number" if bits[where] & _FRACTION else "infinite"
            return f"{index} is {kind}"
    return None


def _pieces(view: Half) -> Iterator[tuple[int, npt.NDArray[np.uint16]]]:
    """The bits of a tensor in row-major order, piece by piece, each with the index of its first number."""
    size, start = _PIECE_BYTES // 2, 0
    reader = np.nditer(
        [view.view(np.uint16)], ["external_loop", "buffered"], [["readonly"]], order="C", buffersize=size
    )
    for piece in reader:
        bits = np.asarray(piece)
        yield start, bits
        start += bits.size


def _zero_row(file: CheckpointFile, name: str) -> str | None:
    bits = file.view(name).view(np.uint16)
    step = max(1, _PIECE_BYTES // (2 * math.prod(bits.shape[1:])))
    for start in range(0, len(bits), step):
        rows = bits[start : start + step] & _MAGNITUDE
        zero = ~rows.reshape(len(rows), -1).any(axis=1)
        if zero.any():
            return f"[{start + int(np.argmax(zero))}] is all zero, so its weight norm can't be folded"
    return None
