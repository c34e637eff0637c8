"""Facts about any checkpoint, also one that can't be used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from build_engines.checkpoint.examination import Examination
from build_engines.checkpoint.file import CheckpointFile, open_file
from build_engines.checkpoint.gpt import GptDimensions, examine_gpt
from build_engines.checkpoint.kinds import GPT, kind_of
from build_engines.checkpoint.opened import naming
from build_engines.checkpoint.sovits import examine_sovits
from build_engines.checkpoint.values import Progress, find_faults
from build_engines.models.sovits.config import SovitsConfig

__all__ = ["Facts", "identify"]


@dataclass(frozen=True)
class Facts:
    """``kind`` is "gpt" or "sovits"; ``header`` the first two bytes; ``version`` None where nothing tells it.

    ``parameters`` counts the numbers of all ``tensors`` tensors in the file; ``problems`` is everything that forbids
    making a voice of it, empty for a sound one.
    """

    path: Path
    size_bytes: int
    kind: str
    version: str | None
    header: str
    info: str
    tensors: int
    parameters: int
    dimensions: Mapping[str, object]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    problems: tuple[str, ...]


def identify(path: Path, progress: Progress | None = None) -> Facts:
    """Look at a checkpoint from all sides. Raises CheckpointError: the file can't be read as one at all."""
    with naming(path):
        file = open_file(path)
        kind = kind_of(file)
        found: Examination[GptDimensions | SovitsConfig]
        found = examine_gpt(file) if kind == GPT else examine_sovits(file)
        faults = tuple(find_faults(file, found.readable(file), progress))
    return Facts(
        path=path,
        size_bytes=file.size_bytes,
        kind=kind,
        version=found.version,
        header=file.tag,
        info=file.info,
        tensors=len(file.tensors),
        parameters=_parameters(file),
        dimensions={} if found.config is None else asdict(found.config),
        missing=found.missing,
        extra=found.extra,
        problems=found.problems + faults,
    )


def _parameters(file: CheckpointFile) -> int:
    return sum(math.prod(tensor.shape) for tensor in file.tensors.values())
