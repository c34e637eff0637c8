"""The records of a torch zip, from its central directory; nothing is unpacked, nothing is copied.

Only what torch.save writes is understood: one folder, stored records (never deflated), none over another. The first
two bytes are not looked at: GPT-SoVITS writes its version there. Sizes and offsets are checked against the file and
against each other before anyone follows them.
Source: PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass

from build_engines.checkpoint.errors import CheckpointError, show

__all__ = ["Record", "read_directory"]

_LOCAL = struct.Struct("<4s5H3L2H")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END_64_BYTES = 56 + 20  # zip64's end and its locator, which torch always writes and a small file doesn't need
_MAX_RECORDS = 4096
_MAX_NAME_BYTES = 1024
_ENCRYPTED = 0x1 | 0x40 | 0x2000


@dataclass(frozen=True)
class Record:
    """A stored record: ``size_bytes`` from ``start`` on are its content, whose CRC-32 should be ``crc``."""

    name: str
    start: int
    size_bytes: int
    crc: int


def read_directory(data: bytes | mmap.mmap) -> dict[str, Record]:
    """The records by their name within the archive's folder ("data.pkl", "data/0"). Raises CheckpointError."""
    end = len(data) - _END.size
    if end < 0 or data[end : end + 4] != b"PK\5\6":
        raise CheckpointError("the zip directory at its end is missing: the file is cut short or has bytes appended")
    _, disk, first_disk, here, count, size, offset, comment = _END.unpack_from(data, end)
    if disk or first_disk or here != count or count > _MAX_RECORDS:
        raise CheckpointError(f"its zip directory is odd: {here} of {count} records on disk {disk}")
    if comment or (offset + size != end and not _only_zip64(data, offset + size, end)):
        raise CheckpointError("its zip directory isn't where the end of the file says: the file is damaged")
    entries = []
    at = offset
    for _ in range(count):
        entry, at = _read_entry(data, at, offset + size)
        entries.append(entry)
    if at != offset + size:
        raise CheckpointError("its zip directory holds something else than records")
    return _records(data, entries, offset)


def _only_zip64(data: bytes | mmap.mmap, start: int, end: int) -> bool:
    return (
        end - start == _END_64_BYTES and data[start : start + 4] == b"PK\6\6" and data[end - 20 : end - 16] == b"PK\6\7"
    )


def _read_entry(data: bytes | mmap.mmap, at: int, end: int) -> tuple[tuple[int, bytes, int, int], int]:
    """(offset of the local header, name, size, CRC) of one entry, and where the next one begins."""
    if at + _ENTRY.size > end:
        raise CheckpointError("its zip directory breaks off")
    fields = _ENTRY.unpack_from(data, at)
    magic, flags, method, crc, packed, size = fields[0], fields[3], fields[4], fields[7], fields[8], fields[9]
    name_bytes, extra_bytes, comment_bytes, offset = fields[10], fields[11], fields[12], fields[16]
    after = at + _ENTRY.size + name_bytes + extra_bytes + comment_bytes
    if magic != b"PK\1\2" or after > end or name_bytes > _MAX_NAME_BYTES:
        raise CheckpointError("its zip directory is damaged")
    name = data[at + _ENTRY.size : at + _ENTRY.size + name_bytes]
    label = _label(name)
    if flags & _ENCRYPTED:
        raise CheckpointError(f"record {label} is encrypted")
    if method != 0 or packed != size:
        raise CheckpointError(f"record {label} is compressed, which torch.save never does; it isn't unpacked")
    return (offset, name, size, crc), after


def _records(data: bytes | mmap.mmap, entries: list[tuple[int, bytes, int, int]], directory: int) -> dict[str, Record]:
    """Follow the entries to their contents, in the order of the file, where none may reach into the next."""
    folder = entries[0][1].split(b"/")[0] + b"/" if entries else b""
    records: dict[str, Record] = {}
    ordered = sorted(entries)
    for i, (offset, name, size, crc) in enumerate(ordered):
        label = _label(name)
        limit = min(ordered[i + 1][0], directory) if i + 1 < len(ordered) else directory
        start = offset + _LOCAL.size
        if start > limit:
            raise CheckpointError(f"record {label} lies outside the file or over another one")
        magic, _, _, method, *_, name_bytes, extra_bytes = _LOCAL.unpack_from(data, offset)
        if (magic != b"PK\3\4" and (offset or magic[2:] != b"\3\4")) or method != 0:
            raise CheckpointError(f"record {label} isn't where the zip directory says")
        if data[start : start + name_bytes] != name:
            raise CheckpointError(f"record {label} goes by another name in its own header")
        start += name_bytes + extra_bytes
        if start + size > limit:
            raise CheckpointError(f"record {label} lies outside the file or over another one")
        if not name.startswith(folder):
            raise CheckpointError(f"record {label} isn't in the one folder that torch.save makes")
        short = name[len(folder) :].decode("utf-8", "replace")
        if short in records:
            raise CheckpointError(f"record {label} occurs twice")
        records[short] = Record(short, start, size, crc)
    return records


def _label(name: bytes) -> str:
    return show(name.decode("utf-8", "replace"))
