"""Weights that others publish: a plain dictionary of tensors, saved by torch or as safetensors.

No code in such a file is run.
"""

from __future__ import annotations

import pickle
import struct
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from build_engines.errors import BuildError

__all__ = ["read_tensors"]

# What torch's restricted unpickler raises on files that are none, damaged or hostile; there is no common root.
_UNREADABLE = (
    *(pickle.UnpicklingError, struct.error, SafetensorError, RuntimeError, EOFError, OSError, MemoryError),
    *(LookupError, ValueError, TypeError, AttributeError, AssertionError, ArithmeticError),
)


def read_tensors(path: Path, what: str, advice: str) -> Mapping[str, Tensor]:
    """Tensors by name, mapped from the file where its format allows: then they take no memory until they are used.

    ``what`` names the content and ``advice`` says what to do, both for messages. A file that ends in ``.safetensors``
    is read as such, any other with ``torch.load(weights_only=True)``.

    Raises BuildError: the file is missing, can't be read, or holds anything but tensors.
    """
    if not path.is_file():
        raise BuildError(f"{what} {path} is missing: {advice}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        with path.open("rb") as file:
            archive = file.read(4) == b"PK\3\4"  # files of before 2020 are none, and only archives can be mapped
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pickles of another protocol, which are refused or read right
            state = torch.load(path, map_location="cpu", weights_only=True, mmap=archive)
    except _UNREADABLE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise BuildError(f"{what} {path} can't be read ({reason}): {advice}") from None
    if not isinstance(state, dict) or not all(_is_named_tensor(*item) for item in state.items()):
        raise BuildError(f"{what} {path} is not a plain dictionary of tensors: {advice}")
    return state


def _is_named_tensor(name: object, value: object) -> bool:
    return isinstance(name, str) and isinstance(value, Tensor) and value.layout == torch.strided
