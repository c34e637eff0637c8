"""A checkpoint file, opened: its tag, settings and tensors, each tensor a checked view into the mapped file.

The file is mapped read-only, so a weight is in memory only while somebody looks at it.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from build_engines.checkpoint.archive import Record, read_directory
from build_engines.checkpoint.errors import CheckpointError, show
from build_engines.checkpoint.header import ENOUGH_BYTES, read_tag
from build_engines.checkpoint.objects import StoredTensor
from build_engines.checkpoint.pickles import MAX_BYTES, read_pickle

__all__ = ["CheckpointFile", "Half", "check_tensor", "open_file"]

Half = npt.NDArray[np.float16]

_HALF_BYTES = 2
_MAX_TEXT = 200


@dataclass(frozen=True)
class CheckpointFile:
    """``tensors`` by the file's own names; ``tag`` is "PK" or the version number in the first two bytes."""

    size_bytes: int
    tag: str
    info: str
    settings: Mapping[str, object]
    lora_rank: int | None
    tensors: Mapping[str, StoredTensor]
    records: Mapping[str, Record]
    data: mmap.mmap

    def view(self, name: str) -> Half:
        """A tensor as it lies in the file; read-only."""
        tensor = self.tensors[name]
        start = self.record(name).start + _HALF_BYTES * tensor.offset
        # A stride along a single number says nothing and may be anything.
        pairs = zip(tensor.strides, tensor.shape, strict=True)
        strides = tuple(_HALF_BYTES * (step if size > 1 else 1) for step, size in pairs)
        view: Half = np.ndarray(tensor.shape, np.dtype("<f2"), self.data, start, strides)
        return view

    def record(self, name: str) -> Record:
        """The record that holds a tensor."""
        return self.records[f"data/{self.tensors[name].storage.key}"]

    def release(self) -> None:
        """Tell the system that the pages looked at so far aren't needed in memory; looking again brings them back."""
        if hasattr(mmap, "MADV_DONTNEED"):
            self.data.madvise(mmap.MADV_DONTNEED)


def open_file(path: Path) -> CheckpointFile:
    """Map and understand a file; no weight is read. Raises CheckpointError: not a sound torch zip of half tensors."""
    data = _map(path)
    tag = read_tag(data[:ENOUGH_BYTES])
    records = read_directory(data)
    content = _mapping(read_pickle(_pickle_bytes(data, records)), "data.pkl holds")
    weight = _mapping(content.get("weight"), "its entry 'weight' is")
    total = 0
    tensors: dict[str, StoredTensor] = {}
    for name, tensor in weight.items():
        if not isinstance(tensor, StoredTensor):
            raise CheckpointError(f"weight {show(name)} is {show(tensor)}, not a tensor")
        total += check_tensor(show(name), tensor, records)
        tensors[name] = tensor
    if _HALF_BYTES * total > len(data):
        raise CheckpointError(f"its tensors claim {_HALF_BYTES * total} bytes, the file has {len(data)}")
    if records.get("byteorder") and _content(data, records["byteorder"], 16) != b"little":
        raise CheckpointError("its numbers are big-endian: save it again on an ordinary computer")
    info, rank = content.get("info", ""), content.get("lora_rank")
    file = CheckpointFile(
        size_bytes=len(data),
        tag=tag,
        info=_printable(info) if isinstance(info, str) else "",
        settings=_mapping(content.get("config"), "its entry 'config' is"),
        lora_rank=rank if isinstance(rank, int) else None,
        tensors=tensors,
        records=records,
        data=data,
    )
    file.release()
    return file


def _map(path: Path) -> mmap.mmap:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise CheckpointError("a folder or a device, not a checkpoint file")
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise CheckpointError("the file is empty")
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise CheckpointError(error.strerror or "can't be read") from None
    except ValueError:  # a NUL in the name, or emptied since
        raise CheckpointError("can't be opened") from None


def _pickle_bytes(data: mmap.mmap, records: Mapping[str, Record]) -> bytes:
    record = records.get("data.pkl")
    if record is None:
        raise CheckpointError("the zip holds no data.pkl: it wasn't written by torch.save")
    return _content(data, record, MAX_BYTES)


def _content(data: mmap.mmap, record: Record, most: int) -> bytes:
    if record.size_bytes > most:
        raise CheckpointError(f"record {show(record.name)} has {record.size_bytes} bytes, far more than a genuine one")
    return data[record.start : record.start + record.size_bytes]


def _mapping(value: object, subject: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise CheckpointError(f"{subject} {'missing' if value is None else show(value)}; GPT-SoVITS writes a dict")
    return value


def check_tensor(label: str, tensor: StoredTensor, records: Mapping[str, Record]) -> int:
    """How many numbers a tensor has. Raises CheckpointError: its view leaves its record or meets a number twice."""
    storage, shape, strides = tensor.storage, tensor.shape, tensor.strides
    record = records.get(f"data/{storage.key}")
    if record is None:
        raise CheckpointError(f"tensor {label} lies in record {show('data/' + storage.key)}, which the file lacks")
    if storage.count * _HALF_BYTES != record.size_bytes:
        raise CheckpointError(
            f"tensor {label} needs a record of {show(storage.count)} halves, {show(record.name)} has "
            f"{record.size_bytes} bytes"
        )
    if tensor.offset < 0 or min(shape, default=1) < 1 or min(strides, default=0) < 0:
        raise CheckpointError(f"tensor {label} has an impossible shape, offset or stride")
    numbers = extent = 1
    for step, size in sorted(zip(strides, shape, strict=True)):
        if size > 1 and step < extent:
            raise CheckpointError(f"tensor {label} shows numbers of its record more than once")
        numbers *= size
        extent += step * (size - 1)
    if tensor.offset + extent > storage.count:
        raise CheckpointError(f"tensor {label} reaches {show(tensor.offset + extent)} numbers into a record of "
                              f"{storage.count}")  # fmt: skip
    return numbers


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:_MAX_TEXT])
