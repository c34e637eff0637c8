"""Damage at random places never shows as anything but a CheckpointError of one line."""

import random

import pytest

from build_engines.checkpoint import CheckpointError, open_gpt
from build_engines.checkpoint.archive import read_directory
from build_engines.checkpoint.pickles import read_pickle


def flipped(data, random_, start, end, most):
    changed = bytearray(data)
    for _ in range(random_.randint(1, most)):
        changed[random_.randrange(start, end)] = random_.randrange(256)
    return bytes(changed)


def outcome(path, data):
    path.write_bytes(data)
    try:
        open_gpt(path)
    except CheckpointError as error:
        assert str(error).isprintable()
        return "refused"
    return "opened"


@pytest.mark.parametrize("part", ["anywhere", "pickle", "directory", "first header"])
def test_flipped_bytes(gpt_path, tmp_path, part):
    data, random_ = gpt_path.read_bytes(), random.Random(part)
    pickled = read_directory(data)["data.pkl"]
    start, end = {
        "anywhere": (0, len(data)),
        "pickle": (pickled.start, pickled.start + pickled.size_bytes),
        "directory": (len(data) - 2000, len(data)),
        "first header": (0, pickled.start),
    }[part]
    outcomes = [outcome(tmp_path / "x.ckpt", flipped(data, random_, start, end, 4)) for _ in range(150)]
    assert outcomes.count("refused") > 50


def test_cut_files(gpt_path, tmp_path):
    data, random_ = gpt_path.read_bytes(), random.Random(0)
    sizes = [*range(1, 40), *(random_.randrange(len(data)) for _ in range(100))]
    assert {outcome(tmp_path / "x.ckpt", data[:size]) for size in sizes} == {"refused"}
    start = random_.randrange(1, 1000)
    assert outcome(tmp_path / "x.ckpt", data[start:]) == "refused"


def test_pickles_with_flipped_bytes(gpt_path):
    data, random_ = gpt_path.read_bytes(), random.Random(1)
    record = read_directory(data)["data.pkl"]
    sound = data[record.start : record.start + record.size_bytes]
    refused = 0
    for _ in range(800):
        try:
            read_pickle(flipped(sound, random_, 0, len(sound), 3))
        except CheckpointError:
            refused += 1
    assert refused > 300


def test_pickles_of_random_opcodes():
    random_ = random.Random(2)
    codes = b"(XKMJ\x8aGN\x88\x89]})\x85\x86\x87taesuqrhjcR\x81bQ.\x00\x01\x02"
    names = [b"ccollections\nOrderedDict\n", b"ctorch\nHalfStorage\n", b"cutils\nHParams\n", b"X\x01\x00\x00\x00a"]
    names += [b"ctorch._utils\n_rebuild_tensor_v2\n", b"X\x07\x00\x00\x00storage", b")R", b")\x81", b"q\x00", b"h\x00"]
    read = 0
    for _ in range(4000):
        body = b"".join(
            random_.choice(names) if random_.random() < 0.4 else bytes([random_.choice(codes)])
            for _ in range(random_.randint(1, 30))
        )
        try:
            read_pickle(b"\x80\x02" + body + b".")
        except CheckpointError:
            continue
        read += 1
    assert 0 < read < 4000
