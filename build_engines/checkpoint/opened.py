"""Checkpoints that have passed every check: dimensions, and tensors as float32 on demand."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from build_engines.checkpoint.errors import CheckpointError
from build_engines.checkpoint.examination import Examination
from build_engines.checkpoint.file import CheckpointFile, open_file
from build_engines.checkpoint.gpt import GPT_PREFIX, examine_gpt
from build_engines.checkpoint.kinds import GPT, SOVITS, kind_of
from build_engines.checkpoint.sovits import examine_sovits
from build_engines.checkpoint.values import Progress, find_faults
from build_engines.models.sovits.config import SovitsConfig

if TYPE_CHECKING:  # it brings torch along, which reading a file doesn't need
    from build_engines.models.gpt import GPTConfig

__all__ = ["GptCheckpoint", "SovitsCheckpoint", "naming", "open_gpt", "open_sovits"]


@dataclass(frozen=True)
class _Checkpoint:
    """What both kinds have. ``shapes`` are in the file's order; names are without the prefix of GPT files."""

    path: Path
    version: str
    info: str
    shapes: Mapping[str, tuple[int, ...]]
    _file: CheckpointFile = field(repr=False)
    _prefix: str

    @property
    def names(self) -> tuple[str, ...]:
        """The model's tensors; what else the file holds isn't shown."""
        return tuple(self.shapes)

    def tensor(self, name: str) -> npt.NDArray[np.float32]:
        """A fresh float32 copy of a tensor. Raises KeyError: the model has none of that name."""
        if name not in self.shapes:
            raise KeyError(name)
        tensor = np.array(self._file.view(f"{self._prefix}{name}"), np.float32, order="C")
        self._file.release()
        return tensor


@dataclass(frozen=True)
class GptCheckpoint(_Checkpoint):
    """A GPT: ``version`` is v1 or v2; ``max_seconds`` of speech for one sentence, ``top_k`` of the sampler."""

    config: GPTConfig
    top_k: int
    max_seconds: float


@dataclass(frozen=True)
class SovitsCheckpoint(_Checkpoint):
    """An acoustic model: ``version`` is v1, v2, v2Pro or v2ProPlus. Weight norm is unfolded, as in the file."""

    config: SovitsConfig


def open_gpt(path: Path, progress: Progress | None = None) -> GptCheckpoint:
    """Open and check a .ckpt. Raises CheckpointError with the first fault; ``progress`` follows the reading."""
    from build_engines.models.gpt import GPTConfig

    with naming(path):
        file = _open(path, GPT)
        found = examine_gpt(file)
        names = _check(file, found, progress)
        dims, version = found.config, found.version
        if dims is None or version is None:
            raise CheckpointError("the GPT's version is unknown")
    config = GPTConfig(
        vocab_size=dims.vocab_size, phoneme_vocab_size=dims.phoneme_vocab_size, hidden_dim=dims.hidden_dim,
        head=dims.head, n_layer=dims.n_layer, linear_units=4 * dims.hidden_dim, feature_dim=1024, pointer_window=0,
    )  # fmt: skip
    shapes = {name.removeprefix(GPT_PREFIX): found.shapes[name] for name in names}
    return GptCheckpoint(
        path=path, version=version, info=file.info, shapes=shapes, config=config,
        top_k=dims.top_k, max_seconds=dims.max_seconds, _file=file, _prefix=GPT_PREFIX,
    )  # fmt: skip


def open_sovits(path: Path, progress: Progress | None = None) -> SovitsCheckpoint:
    """Open and check a .pth. Raises CheckpointError with the first fault; ``progress`` follows the reading."""
    with naming(path):
        file = _open(path, SOVITS)
        found = examine_sovits(file)
        names = _check(file, found, progress)
        if found.config is None:
            raise CheckpointError("the model's dimensions are unknown")
    shapes = {name: found.shapes[name] for name in names}
    return SovitsCheckpoint(
        path=path, version=found.config.version, info=file.info, shapes=shapes, config=found.config,
        _file=file, _prefix="",
    )  # fmt: skip


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors from within say which file they are about."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None


def _open(path: Path, wanted: str) -> CheckpointFile:
    file = open_file(path)
    if kind_of(file) != wanted:
        is_gpt = wanted == SOVITS
        raise CheckpointError(
            "this is a GPT (.ckpt), where a SoVITS model (.pth) is wanted"
            if is_gpt
            else "this is a SoVITS model (.pth), where a GPT (.ckpt) is wanted"
        )
    return file


def _check(file: CheckpointFile, found: Examination[object], progress: Progress | None) -> Sequence[str]:
    """The model's tensors, none of which is at fault."""
    for problem in found.problems:
        raise CheckpointError(problem)
    names = found.readable(file)
    for fault in find_faults(file, names, progress):
        raise CheckpointError(fault)
    return names
