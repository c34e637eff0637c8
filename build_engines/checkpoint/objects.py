"""The few things that the pickle of a checkpoint may name or make."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from build_engines.checkpoint.errors import CheckpointError, show

__all__ = ["Global", "HParams", "Storage", "StoredTensor", "called", "find_global", "make_tensor"]

_MAX_DIMENSIONS = 8


class HParams(dict[str, object]):
    """Stands for ``utils.HParams``, GPT-SoVITS's settings."""


class Global(Enum):
    """The globals that a checkpoint may name."""

    ORDERED_DICT = "collections.OrderedDict"
    HALF_STORAGE = "torch.HalfStorage"
    REBUILD_TENSOR = "torch._utils._rebuild_tensor_v2"
    HPARAMS = "utils.HParams"


@dataclass(frozen=True)
class Storage:
    """``count`` numbers of 16 bits in the record ``data/<key>``; as the file claims."""

    key: str
    count: int


@dataclass(frozen=True)
class StoredTensor:
    """A view of a storage; offset and strides count numbers, not bytes. As the file claims."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def make_tensor(arguments: tuple[object, ...]) -> StoredTensor:
    """What ``_rebuild_tensor_v2`` is called with, as a description. Raises CheckpointError for other arguments."""
    match arguments:
        case (Storage() as storage, int(offset), tuple(shape), tuple(strides), bool(), {}) | (
            Storage() as storage, int(offset), tuple(shape), tuple(strides), bool(), {}, None | {},
        ):  # fmt: skip
            sizes, steps = _whole(shape), _whole(strides)
            if sizes is not None and steps is not None and len(sizes) == len(steps) <= _MAX_DIMENSIONS:
                return StoredTensor(storage, offset, sizes, steps)
    raise CheckpointError("data.pkl describes a tensor by something else than storage, offset, shape and strides")


def _whole(numbers: tuple[object, ...]) -> tuple[int, ...] | None:
    found = tuple(n for n in numbers if type(n) is int)
    return found if len(found) == len(numbers) else None


def called(target: object) -> str:
    """A name for what a pickle uses wrongly."""
    return target.value if isinstance(target, Global) else show(target)


def find_global(name: str) -> Global:
    """The global of that full name. Raises CheckpointError for any but the four."""
    try:
        return Global(name)
    except ValueError:
        raise CheckpointError(_refusal(name)) from None


def _refusal(name: str) -> str:
    if name.startswith("torch.") and name.endswith("Storage"):
        kind = name[len("torch.") : -len("Storage")]
        return (
            f"its weights are {kind.lower()}, not half: give a file from GPT_weights or SoVITS_weights, "
            "not the training's own state"
        )
    return f"data.pkl asks for {show(name)}, which no checkpoint needs; nothing was called"
