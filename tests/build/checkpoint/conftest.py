"""Small checkpoints to read and to tamper with."""

import lzma
from pathlib import Path

import pytest

from tests.checkpoints import SMALL_SOVITS, write_gpt, write_sovits

MICRO = {"hidden_dim": 16, "head": 2, "n_layer": 1}


@pytest.fixture(scope="session")
def gpt_path(tmp_path_factory):
    """A sound GPT of 0.1 MB; not to be changed."""
    return write_gpt(tmp_path_factory.mktemp("checkpoints") / "micro.ckpt", **MICRO)


@pytest.fixture(scope="session")
def pro_path(tmp_path_factory):
    """A sound v2Pro acoustic model of 30 MB; not to be changed."""
    return write_sovits(
        tmp_path_factory.mktemp("checkpoints") / "pro.pth", "v2Pro", **SMALL_SOVITS, gin_channels=64
    )  # fmt: skip


@pytest.fixture(scope="session")
def unpacked(reference, tmp_path_factory):
    """The folder of the reference's malformed files, the compressed ones unpacked."""
    folder = tmp_path_factory.mktemp("bad")
    for path in sorted((reference / "bad").iterdir()):
        if path.suffix == ".xz":
            (folder / path.stem).write_bytes(lzma.decompress(path.read_bytes()))
        else:
            (folder / path.name).write_bytes(path.read_bytes())
    yield folder
    for path in Path(folder).iterdir():  # 0.3 GB
        path.unlink()
