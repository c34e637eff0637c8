"""The pickle machine builds data, calls nothing, and stops early."""

import contextlib
import os
import pickle
import pickletools
import struct
import tracemalloc
from collections import OrderedDict

import pytest

from build_engines.checkpoint.errors import CheckpointError
from build_engines.checkpoint.objects import HParams, Storage, StoredTensor
from build_engines.checkpoint.pickles import MAX_BYTES, read_pickle

HALF = b"ctorch\nHalfStorage\n"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"
ORDERED = b"ccollections\nOrderedDict\n"
HPARAMS = b"cutils\nHParams\n"
SYSTEM = b"cos\nsystem\n"


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


KEY = text("0")


def storage(kind=HALF, key=KEY, count=b"K\x06"):
    return b"(" + text("storage") + kind + key + text("cpu") + count + b"tQ"


def tensor(shape=b"K\x02K\x03\x86", strides=b"K\x03K\x01\x86", tail=b"\x89" + ORDERED + b")R"):
    return REBUILD + b"(" + storage() + b"K\x00" + shape + strides + tail + b"tR"


def read(body):
    return read_pickle(b"\x80\x02" + body + b".")


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 2.5, "x", None, True, False], "b": (), "c": {"d": (1, 2, 3, 4)}, "e": 1 << 70, "f": -5, "g": 70000},
        {"a": list(range(2000)), "same": ["twice"] * 3},
        OrderedDict(a=1, b=OrderedDict()),
        "Stimme \U0001f600",
    ],
)
def test_plain_data_comes_out_as_python_reads_it(value):
    assert read_pickle(pickle.dumps(value, 2)) == value


def test_a_tensor_is_only_described():
    assert read(tensor()) == StoredTensor(Storage("0", 6), 0, (2, 3), (3, 1))


def test_settings_are_a_dict():
    found = read(HPARAMS + b")\x81}" + text("rate") + b"K\x07sb")
    assert type(found) is HParams
    assert found == {"rate": 7}


def test_attributes_of_an_ordered_dict_mean_nothing():
    assert read(ORDERED + b")R}" + text("_metadata") + b"}sb") == {}


CALLS = {
    "os.system": SYSTEM + text("exit 1") + b"\x85R",
    "a call within a call": ORDERED + b"(" + SYSTEM + text("exit 1") + b"\x85R\x85R",
    "builtins": b"cbuiltins\neval\n" + text("1") + b"\x85R",
    "python 2's": b"c__builtin__\neval\n" + text("1") + b"\x85R",
    "a name that hides a dot": b"ccollections.OrderedDict\n__init__\n",
    "an attribute of torch": b"ctorch\nload\n",
    "torch._utils of another name": b"ctorch._utils\n_rebuild_parameter\n",
    "a storage called": HALF + b")R",
    "OrderedDict of something": ORDERED + b"]\x85R",
    "HParams called": HPARAMS + b")R",
    "text called": text("os.system") + b")R",
    "a tensor of nothing": REBUILD + b")R",
    "a tensor without a storage": REBUILD + b"(K\x00K\x00K\x02\x85K\x01\x85\x89}tR",
    "a tensor with a text for a size": tensor(shape=text("2") + b"K\x03\x86"),
    "a tensor of truth": tensor(shape=b"\x88K\x03\x86"),
    "a tensor with a stride too few": tensor(strides=b"K\x01\x85"),
    "a tensor of nine dimensions": tensor(shape=b"(" + b"K\x01" * 9 + b"t", strides=b"(" + b"K\x01" * 9 + b"t"),
    "a tensor with hooks": tensor(tail=b"\x89]"),
    "a new OrderedDict": ORDERED + b")\x81",
    "HParams with arguments": HPARAMS + b"K\x01\x85\x81",
    "state of a list": b"]}b",
    "state of a global": HALF + b"}b",
    "state that is a text": HPARAMS + b")\x81" + text("x") + b"b",
    "state in two parts": HPARAMS + b")\x81}}\x86b",
    "a persistent number": b"K\x05Q",
    "a persistent text": text("storage") + b"Q",
    "another persistent thing": b"(" + text("module") + HALF + text("0") + text("cpu") + b"K\x06tQ",
    "a storage of text": storage(kind=text("HalfStorage")),
    "a storage's key is a number": storage(key=b"K\x00"),
    "a storage of many": storage(count=text("6")),
    "a short persistent tuple": b"(" + text("storage") + HALF + b"tQ",
    "EXT1": b"\x82\x01",
    "EXT2": b"\x83\x01\x00",
    "EXT4": b"\x84\x01\x00\x00\x00",
    "INST": b"(ios\nsystem\n",
    "OBJ": b"(" + SYSTEM + b"o",
    "STACK_GLOBAL": text("os") + text("system") + b"\x93",
    "NEWOBJ_EX": HPARAMS + b")}\x92",
    "PERSID": b"Pstorage\n",
    "LONG4": b"\x8b\xff\xff\xff\x7f",
    "BINBYTES8": b"\x8e" + b"\xff" * 8,
    "FRAME": b"\x95" + b"\xff" * 8,
    "NEXT_BUFFER": b"\x97",
    "a set": b"\x8f",
    "DUP": b"]2",
}


@pytest.mark.parametrize("body", CALLS.values(), ids=CALLS)
def test_nothing_is_called_or_made(body, monkeypatch):
    monkeypatch.setattr(os, "system", lambda *_: pytest.fail("it was called"))
    with pytest.raises(CheckpointError) as caught:
        read(body)
    assert "\n" not in str(caught.value)


BROKEN = {
    "empty": b"",
    "protocol 4": pickle.dumps({}, 4),
    "protocol 0": pickle.dumps({}, 0),
    "no end": b"\x80\x02}",
    "an end too early": b"\x80\x02}.}.",
    "two results": b"\x80\x02}}.",
    "nothing on the stack": b"\x80\x02.",
    "a mark left over": b"\x80\x02(}.",
    "no mark": b"\x80\x02}t.",
    "behind the mark": b"\x80\x02](a.",
    "nothing to put": b"\x80\x02q\x00.",
    "nothing to get": b"\x80\x02h\x00.",
    "a text that breaks off": b"\x80\x02X\xff\xff\xff\xffab.",
    "a text that isn't UTF-8": b"\x80\x02X\x01\x00\x00\x00\xff.",
    "a global without an end": b"\x80\x02c" + b"a" * 10_000,
    "a global of odd bytes": b"\x80\x02c\xff\n\xfe\n.",
    "a key without a value": b"\x80\x02}(" + text("a") + b"u.",
    "a list as a key": b"\x80\x02}]K\x01s.",
    "a number as a key": b"\x80\x02}K\x01K\x01s.",
    "items of a list": b"\x80\x02](K\x01K\x01u.",
    "items of settings": b"\x80\x02" + HPARAMS + b")\x81" + text("a") + b"K\x01s.",
    "an element of a dict": b"\x80\x02}K\x01a.",
    "elements of a tuple": b"\x80\x02)(K\x01e.",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_broken_pickle_is_refused(data):
    with pytest.raises(CheckpointError, match=r"data\.pkl"):
        read_pickle(data)


def test_float32_weights_get_advice():
    with pytest.raises(CheckpointError, match=r"float, not half.*GPT_weights or SoVITS_weights"):
        read(storage(kind=b"ctorch\nFloatStorage\n"))


def nested(depth):
    return b"]" * depth + b"a" * (depth - 1)


def laughs(levels):
    """Lists of ten times the same list: 10 ** levels elements to whoever walks over them."""
    return b"]q\x00" + b"".join(b"](" + b"h" + bytes([i]) + (b"h" + bytes([i])) * 9 + b"eq" + bytes([i + 1])
                                for i in range(levels))  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"}r\xff\xff\xff\xff",
        b"}" + b"".join(b"r" + struct.pack("<I", (1 << 32) - 1 - i) for i in range(10_000)),
        b"}" + b"".join(b"p" for _ in range(10)),
        nested(40_000),
        b"(" * 90_000,
        b"]" * 200_000,
        laughs(30)[:-1],
        b"\x8a\xff" + b"\xff" * 255,
        b"X\xff\xff\xff\x7f",
    ],
    ids=["far memo", "many far memos", "PUT", "deep", "marks", "too many steps", "laughs", "long", "long text"],
)
def test_bombs_stay_small(body):
    tracemalloc.start()
    with contextlib.suppress(CheckpointError):
        read(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 << 20


def test_a_pickle_has_a_largest_size():
    with pytest.raises(CheckpointError, match="bytes"):
        read_pickle(b"\x80\x02" + b" " * MAX_BYTES)
    with pytest.raises(CheckpointError, match="steps"):
        read(b"N" * 100_000)


def test_genuine_pickles_need_a_third_of_what_is_allowed(pro_path):
    data = pro_path.read_bytes()
    start = data.index(b"\x80\x02c")
    steps = sum(1 for _ in pickletools.genops(data[start : start + (1 << 18)]))
    # 678 tensors in a real file, 534 here
    assert steps * 678 / 534 < 100_000 / 3
