"""What a look at names, shapes and settings finds out about a checkpoint; no weight is read for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from build_engines.checkpoint.errors import show
from build_engines.checkpoint.file import CheckpointFile
from build_engines.checkpoint.layout import is_training_only

__all__ = ["Examination", "compare"]

Config = TypeVar("Config", covariant=True)


@dataclass(frozen=True)
class Examination(Generic[Config]):
    """``problems`` each forbid the use of the file; the first is the one to tell.

    ``config`` is None where the settings make no sense; ``shapes`` are the tensors that a model of that config has, by
    the file's names; ``missing`` and ``extra`` say how the file's differ.
    """

    version: str | None
    config: Config | None
    shapes: Mapping[str, tuple[int, ...]]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    problems: tuple[str, ...]

    def readable(self, file: CheckpointFile) -> list[str]:
        """The tensors that are there as they should be, in the file's order."""
        return [name for name, tensor in file.tensors.items() if self.shapes.get(name) == tensor.shape]


def compare(
    file: CheckpointFile,
    version: str | None,
    config: Config | None,
    shapes: Mapping[str, tuple[int, ...]],
    problems: Collection[str],
) -> Examination[Config]:
    """The examination's result: ``problems`` known before, then what the file's tensors lack."""
    found = list(problems)
    missing = tuple(name for name in shapes if name not in file.tensors)
    if missing:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        found.append(f"tensor {missing[0]} is missing{more}")
    for name, shape in shapes.items():
        if name in file.tensors and file.tensors[name].shape != shape:
            found.append(f"tensor {name} is {list(file.tensors[name].shape)}, its config asks for {list(shape)}")
    extra = [name for name in file.tensors if name not in shapes and not is_training_only(name)] if shapes else []
    return Examination(version, config, shapes, missing, tuple(show(name)[1:-1] for name in extra), tuple(found))
