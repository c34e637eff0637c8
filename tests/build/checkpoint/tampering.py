"""Changing a checkpoint in one place: a record, or its content as torch saves it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from tests.checkpoints import utils_module

Records = dict[str, bytes]


def zipped(records: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A zip with everything in one folder, as torch writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in records.items():
            archive.writestr(f"archive/{name}", content)
    return buffer.getvalue()


def with_records(source: Path, target: Path, change: Callable[[Records], object], tag: bytes = b"PK") -> Path:
    """A copy whose records `change` has changed in place."""
    with zipfile.ZipFile(io.BytesIO(_plain(source))) as archive:
        records = {info.filename.split("/", 1)[1]: archive.read(info) for info in archive.infolist()}
    change(records)
    target.write_bytes(tag + zipped(records)[2:])
    return target


def resaved(source: Path, target: Path, change: Callable[[dict[str, Any]], object], tag: bytes = b"PK") -> Path:
    """A copy whose content (weight, config, info) `change` has changed in place."""
    with utils_module(), target.open("wb") as file:
        content = torch.load(io.BytesIO(_plain(source)), weights_only=False)
        change(content)
        torch.save(content, file)
        file.seek(0)
        file.write(tag)
    return target


def _plain(path: Path) -> bytes:
    return b"PK" + path.read_bytes()[2:]
