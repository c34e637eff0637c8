"""The packed files of Mandarin, made by `scripts/pack_mandarin` and loaded on first use."""

import io
from collections.abc import Mapping
from importlib import resources

import numpy as np
from numpy.typing import NDArray

__all__ = ["arrays", "lines"]


def arrays(name: str) -> Mapping[str, NDArray[np.generic]]:
    """All arrays of `edge_tts/text/data/<name>`, a numpy `.npz`."""
    with np.load(io.BytesIO(_file(name)), allow_pickle=False) as packed:
        return dict(packed)


def lines(name: str) -> list[str]:
    """The lines of a text file beside it."""
    return _file(name).decode("utf-8").splitlines()


def _file(name: str) -> bytes:
    return resources.files("edge_tts.text").joinpath(f"data/{name}").read_bytes()
