"""Values that no model can run on are found, wherever they are, and named."""

import numpy as np
import pytest
import torch

from build_engines.checkpoint.file import open_file
from build_engines.checkpoint.values import find_faults


def faults(tmp_path, **tensors):
    path = tmp_path / "x.ckpt"
    torch.save({"weight": tensors, "config": {}}, path)
    file = open_file(path)
    return list(find_faults(file, list(file.tensors)))


def zeros(*shape):
    return torch.zeros(shape, dtype=torch.float16)


def test_sound_values(tmp_path):
    extremes = torch.tensor([65504, -65504, 6e-8, -6e-8, 0, -0.0]).half()
    assert faults(tmp_path, a=extremes, b=zeros(3, 4), weight_v=zeros(3)) == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [(float("nan"), "not a number"), (float("inf"), "infinite"), (float("-inf"), "infinite")],
)
@pytest.mark.parametrize("index", [(0, 0, 0), (699, 31, 31), (512, 0, 1)])  # 0.7 M numbers: more than one piece
def test_one_wrong_number(tmp_path, value, kind, index):
    tensor = zeros(700, 32, 32)
    tensor[index] = value
    assert faults(tmp_path, a=zeros(5), b=tensor) == [f"tensor b{list(index)} is {kind}"]


def test_one_wrong_number_in_a_turned_tensor(tmp_path):
    tensor = zeros(30, 20).T
    tensor[3, 25] = float("nan")
    assert faults(tmp_path, a=tensor) == ["tensor a[3, 25] is not a number"]


def test_rows_whose_norm_is_zero(tmp_path):
    weight = torch.ones(4, 2, 3).half()
    weight[2] = -0.0
    weight[3] = 0
    weight[3, 1, 2] = 6e-8  # the smallest there is
    turned = weight.permute(2, 1, 0)
    found = faults(tmp_path, **{"dec.ups.0.weight_v": weight, "dec.ups.0.weight_g": zeros(4), "x.weight_v": turned})
    assert found == ["tensor dec.ups.0.weight_v[2] is all zero, so its weight norm can't be folded"]


def test_a_zero_row_far_into_a_large_tensor(tmp_path):
    weight = torch.ones(700, 32, 32).half()
    weight[698] = 0
    (line,) = faults(tmp_path, **{"x.weight_v": weight})
    assert line.startswith("tensor x.weight_v[698] is all zero")


def test_every_fault_is_told(tmp_path):
    nan = torch.full((2,), float("nan")).half()
    assert len(faults(tmp_path, a=nan, b=zeros(2), c=nan)) == 2


def test_flipped_bits(tmp_path, gpt_path):
    data = bytearray(gpt_path.read_bytes())
    file = open_file(gpt_path)
    record = file.record("model.bert_proj.weight")
    data[record.start + 11] ^= 1
    path = tmp_path / "x.ckpt"
    path.write_bytes(data)
    damaged = open_file(path)
    (line,) = find_faults(damaged, list(damaged.tensors))
    assert line.startswith("tensor model.bert_proj.weight doesn't match its checksum: the file is damaged")


def test_progress_ends_at_the_total(gpt_path):
    file = open_file(gpt_path)
    seen = []
    assert list(find_faults(file, list(file.tensors), lambda done, total: seen.append((done, total)))) == []
    total = sum(2 * int(np.prod(tensor.shape)) for tensor in file.tensors.values())
    assert [total] * len(file.tensors) == [whole for _, whole in seen]
    assert sorted(seen) == seen
    assert seen[-1] == (total, total)
