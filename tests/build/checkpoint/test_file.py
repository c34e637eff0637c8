"""Tensors are views into the mapped file, each checked before anyone looks at it."""

import os
from collections import OrderedDict

import numpy as np
import pytest
import torch

from build_engines.checkpoint.errors import CheckpointError
from build_engines.checkpoint.file import check_tensor, open_file
from build_engines.checkpoint.objects import Storage, StoredTensor
from tests.build.checkpoint.tampering import resaved, with_records

ALPHA = "model.ar_text_position.alpha"
BIAS = "model.bert_proj.bias"


def tampered(gpt_path, tmp_path, change):
    return open_file(with_records(gpt_path, tmp_path / "x.ckpt", change))


def edit(old, new):
    """Changes the pickle."""

    def change(records):
        assert records["data.pkl"].count(old) == 1
        records["data.pkl"] = records["data.pkl"].replace(old, new)

    return change


def saved(tmp_path, weight, **more):
    path = tmp_path / "x.ckpt"
    torch.save({"weight": weight, "config": {}, "info": "", **more}, path)
    return path


def test_what_a_file_holds(gpt_path, pro_path):
    file = open_file(gpt_path)
    assert (file.tag, file.info, file.lora_rank) == ("PK", "GPT-e15", None)
    assert file.settings["model"]["hidden_dim"] == 16
    assert file.size_bytes == gpt_path.stat().st_size
    file = open_file(pro_path)
    assert (file.tag, file.info) == ("05", "8epoch_96iteration")
    assert file.settings["model"]["version"] == "v2Pro"


def test_views_are_torchs_tensors(gpt_path):
    file = open_file(gpt_path)
    weight = torch.load(gpt_path, weights_only=True)["weight"]
    assert list(file.tensors) == list(weight)
    for name, tensor in weight.items():
        view = file.view(name)
        assert view.dtype == np.float16
        assert np.array_equal(view, tensor.numpy())
        assert not view.flags.writeable
        assert not view.flags.owndata


def test_views_of_any_layout(tmp_path):
    base = torch.arange(60, dtype=torch.float16)
    weight = {
        "plain": base.reshape(3, 4, 5),
        "turned": base.reshape(3, 4, 5).permute(2, 0, 1),
        "part": base.reshape(6, 10)[1:4, 2:9:3],
        "scalar": base[7],
        "one": base[8:9].reshape(1, 1),
    }
    file = open_file(saved(tmp_path, {name: tensor.clone() if name == "plain" else tensor
                                      for name, tensor in weight.items()}))  # fmt: skip
    for name, tensor in weight.items():
        assert np.array_equal(file.view(name), tensor.numpy()), name


def test_a_stride_along_one_number_may_be_anything(tmp_path):
    weight = {"odd": torch.arange(5, dtype=torch.float16).as_strided((1, 5), (1 << 62, 1))}
    assert open_file(saved(tmp_path, weight)).view("odd").tolist() == [[0, 1, 2, 3, 4]]


def test_a_number_shown_twice(tmp_path):
    with pytest.raises(CheckpointError, match="more than once"):
        open_file(saved(tmp_path, {"a": torch.zeros(1, dtype=torch.float16).expand(1000, 1000)}))


def test_many_tensors_over_one_record(tmp_path):
    shared = torch.zeros(1000, dtype=torch.float16)
    with pytest.raises(CheckpointError, match="claim 200000 bytes"):
        open_file(saved(tmp_path, {str(i): shared for i in range(100)}))


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        (b"X\x01\x00\x00\x001q", b"X\x01\x00\x00\x009q", "needs a record of 16 halves, 'data/9' has"),
        (b"X\x01\x00\x00\x001q", b"X\x09\x00\x00\x00../../etcq", "which the file lacks"),
        (b"X\x01\x00\x00\x001q", b"X\x04\x00\x00\x00\x1b[2Jq", "which the file lacks"),
        (b"X\x04\x00\x00\x00infoq", b"X\x04\x00\x00\x00infaq", None),
        (b"X\x06\x00\x00\x00weightq", b"X\x06\x00\x00\x00weighsq", "'weight' is missing"),
        (b"X\x06\x00\x00\x00configq", b"X\x06\x00\x00\x00confifq", "'config' is missing"),
    ],
)
def test_an_edited_pickle(gpt_path, tmp_path, old, new, match):
    if match is None:
        assert tampered(gpt_path, tmp_path, edit(old, new)).info == ""
        return
    with pytest.raises(CheckpointError, match=match) as caught:
        tampered(gpt_path, tmp_path, edit(old, new))
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("shape", "strides", "offset", "match"),
    [
        ((3,), (1,), 14, "reaches 17 numbers into a record of 16"),
        ((16,), (1,), -1, "impossible"),
        ((0,), (1,), 0, "impossible"),
        ((-4,), (1,), 0, "impossible"),
        ((4,), (-1,), 0, "impossible"),
        ((4, 4), (0, 1), 0, "more than once"),
        ((1 << 70,), (1,), 0, "reaches an integer of 71 bits numbers"),
        ((2,), (1 << 70,), 0, "reaches an integer of 71 bits numbers"),
        ((1,), (1,), 1 << 70, "reaches an integer of 71 bits numbers"),
    ],
)
def test_views_beyond_their_record(gpt_path, tmp_path, shape, strides, offset, match):
    records = open_file(gpt_path).records
    with pytest.raises(CheckpointError, match=match):
        check_tensor("'x'", StoredTensor(Storage("1", 16), offset, shape, strides), records)


def test_a_pickle_that_is_too_large(gpt_path, tmp_path):
    with pytest.raises(CheckpointError, match=r"data\.pkl' has .* bytes, far more"):
        tampered(gpt_path, tmp_path, lambda records: records.update({"data.pkl": bytes(2 << 20)}))


def test_no_pickle(gpt_path, tmp_path):
    with pytest.raises(CheckpointError, match=r"holds no data\.pkl"):
        tampered(gpt_path, tmp_path, lambda records: records.pop("data.pkl"))


def test_big_endian_numbers(gpt_path, tmp_path):
    with pytest.raises(CheckpointError, match="big-endian"):
        tampered(gpt_path, tmp_path, lambda records: records.update(byteorder=b"big"))


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ([1, 2], r"data\.pkl holds a list"),
        ({"weight": {}, "config": [1], "info": "x"}, "'config' is a list"),
        ({"weight": {"a": 1}, "config": {}}, "weight 'a' is 1, not a tensor"),
        ({"weight": {"a": torch.zeros(1)}, "config": {}}, "float, not half"),
        ({"weight": {"a": torch.zeros(1, dtype=torch.int64)}, "config": {}}, "long, not half"),
    ],
)
def test_other_contents(tmp_path, content, match):
    path = tmp_path / "x.ckpt"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match=match):
        open_file(path)


def test_old_zipless_files(tmp_path):
    path = tmp_path / "x.ckpt"
    torch.save({"weight": {}}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(CheckpointError, match="bare pickle"):
        open_file(path)


def test_info_is_printable(gpt_path, tmp_path):
    def change(content):
        content["info"] = "GPT\n\x1b[2J" + "e" * 1000

    info = open_file(resaved(gpt_path, tmp_path / "x.ckpt", change)).info
    assert info.startswith("GPT??[2Jeee")
    assert len(info) == 200


def test_an_ordered_dict_with_attributes(gpt_path, tmp_path):
    def change(content):
        content["weight"] = OrderedDict(content["weight"])
        content["weight"]._metadata = OrderedDict(version=1)

    assert len(open_file(resaved(gpt_path, tmp_path / "x.ckpt", change)).tensors) == 19


def test_no_file(tmp_path):
    with pytest.raises(CheckpointError, match="No such file"):
        open_file(tmp_path / "absent.ckpt")
    with pytest.raises(CheckpointError, match="folder or a device"):
        open_file(tmp_path)
    with pytest.raises(CheckpointError, match="can't be opened"):
        open_file(tmp_path / "a\0b")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.ckpt")
    with pytest.raises(CheckpointError, match="folder or a device"):
        open_file(tmp_path / "pipe.ckpt")
