"""Published weights: read whole or refused in one line, and never run."""

import pickle

import pytest
import torch
from safetensors.torch import save_file

from build_engines.errors import BuildError
from build_engines.importing.tensor_files import read_tensors

STATE = {"a.weight": torch.arange(6.0).view(2, 3), "b": torch.ones(2, dtype=torch.float16)}


def read(path):
    return read_tensors(path, "model", "put another there")


@pytest.mark.parametrize("name", ["w.bin", "w.ckpt", "old.bin", "w.safetensors"])
def test_tensors_come_back(tmp_path, name):
    path = tmp_path / name
    if name == "w.safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=not name.startswith("old"))
    found = read(path)
    assert set(found) == set(STATE)
    for key, tensor in STATE.items():
        assert found[key].dtype == tensor.dtype
        assert torch.equal(found[key], tensor)


def test_a_missing_file(tmp_path):
    with pytest.raises(BuildError, match=r"^model .*none\.bin is missing: put another there$"):
        read(tmp_path / "none.bin")
    with pytest.raises(BuildError, match="is missing"):
        read(tmp_path)


class Hostile:
    def __reduce__(self):
        return pytest.fail, ("code of the file was run",)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_not_run(tmp_path, zipped):
    torch.save({"a": Hostile()}, tmp_path / "bad.bin", _use_new_zipfile_serialization=zipped)
    with pytest.raises(BuildError, match=r"^model .*bad\.bin can't be read \(.*\): put another there$"):
        read(tmp_path / "bad.bin")


@pytest.mark.parametrize("content", [{"weight": STATE, "info": 3}, {1: STATE["b"]}, [STATE["b"]], STATE["b"]])
def test_other_contents(tmp_path, content):
    torch.save(content, tmp_path / "other.bin")
    with pytest.raises(BuildError, match=r"other\.bin is not a plain dictionary of tensors: put another there"):
        read(tmp_path / "other.bin")


def test_a_pickle_of_another_kind(tmp_path):
    (tmp_path / "plain.bin").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(BuildError, match=r"plain\.bin (can't be read|is not a plain dictionary)"):
        read(tmp_path / "plain.bin")


@pytest.mark.parametrize("name", ["w.bin", "old.bin", "w.safetensors"])
def test_damage_anywhere_is_one_line_or_none(tmp_path, name):
    path = tmp_path / name
    if name == "w.safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path, _use_new_zipfile_serialization=not name.startswith("old"))
    whole = path.read_bytes()
    damaged = [b"", b"\n", b"version https://git-lfs.github.com/spec/v1\n", *(whole[:n] for n in range(1, 200, 7))]
    damaged += [whole[:n] + bytes([whole[n] ^ 0x5A]) + whole[n + 1 :] for n in range(0, len(whole), 11)]
    refused = 0
    for raw in damaged:
        path.write_bytes(raw)
        try:
            found = read(path)
        except BuildError as error:
            refused += 1
            assert "\n" not in str(error)
        else:  # the damage is in the numbers, in a name or in what nobody reads
            assert all(isinstance(tensor, torch.Tensor) for tensor in found.values())
    assert refused >= 30
