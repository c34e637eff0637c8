"""The zip directory: only what torch.save writes is followed, and only within the file."""

import io
import struct
import zipfile

import pytest

from build_engines.checkpoint.archive import read_directory
from build_engines.checkpoint.errors import CheckpointError
from tests.build.checkpoint.tampering import zipped

RECORDS = {"data.pkl": b"first", "data/0": bytes(range(100)), "data/1": b"", "version": b"3\n"}


@pytest.fixture
def sound():
    return bytearray(zipped(RECORDS))


def entry(data, number):
    """Where the directory's entry of that number begins."""
    at = struct.unpack_from("<L", data, len(data) - 6)[0]
    for _ in range(number):
        at += 46 + sum(struct.unpack_from("<3H", data, at + 28))
    return at


def refused(data, match):
    with pytest.raises(CheckpointError, match=match) as caught:
        read_directory(bytes(data))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("tag", [b"PK", b"05", b"06"])
def test_contents_whatever_the_first_bytes(sound, tag):
    sound[:2] = tag
    found = read_directory(bytes(sound))
    assert {name: bytes(sound[r.start : r.start + r.size_bytes]) for name, r in found.items()} == RECORDS


def test_what_torch_writes(gpt_path):
    data = gpt_path.read_bytes()
    with zipfile.ZipFile(gpt_path) as archive:
        wanted = {info.filename.split("/", 1)[1]: archive.read(info) for info in archive.infolist()}
    found = read_directory(data)
    assert {name: data[r.start : r.start + r.size_bytes] for name, r in found.items()} == wanted
    assert b"PK\6\6" in data[-100:]  # with zip64's end, which isn't needed


def test_every_cut_is_refused(sound):
    for size in range(len(sound)):
        refused(sound[:size], "cut short")


def test_appended_bytes(sound):
    refused(sound + b"\0", "appended")


def test_a_comment(sound):
    struct.pack_into("<H", sound, len(sound) - 2, 1)
    refused(sound, "directory")


def test_deflated_records_stay_packed():
    refused(zipped({"data.pkl": b"\0" * 10_000}, zipfile.ZIP_DEFLATED), "compressed")


def test_sizes_that_differ(sound):
    struct.pack_into("<L", sound, entry(sound, 1) + 24, 1 << 31)
    refused(sound, "compressed")


def test_an_encrypted_record(sound):
    struct.pack_into("<H", sound, entry(sound, 1) + 8, 1)
    refused(sound, "encrypted")


def test_a_record_that_says_deflated_itself(sound):
    struct.pack_into("<H", sound, sound.index(b"PK\3\4", 4) + 8, 8)
    refused(sound, "isn't where")


def test_overlapping_records(sound):
    first, second = entry(sound, 0), entry(sound, 1)
    struct.pack_into("<L", sound, second + 42, struct.unpack_from("<L", sound, first + 42)[0])
    refused(sound, "over another one")


def test_a_record_that_reaches_into_the_next(sound):
    for field in (20, 24):
        struct.pack_into("<L", sound, entry(sound, 0) + field, 60)
    refused(sound, "over another one")


@pytest.mark.parametrize("offset", [1, 1 << 20, (1 << 32) - 1])
def test_an_offset_to_nowhere(sound, offset):
    struct.pack_into("<L", sound, entry(sound, 3) + 42, offset)
    refused(sound, "outside the file|over another|isn't where")


def test_a_name_twice():
    with pytest.warns(UserWarning, match="Duplicate"):
        refused(_twice(), "twice")


def _twice():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for content in (b"one", b"two"):
            archive.writestr("archive/data.pkl", content)
    return buffer.getvalue()


def test_another_name_in_the_record_itself(sound):
    at = sound.index(b"archive/data/0")
    sound[at : at + 14] = b"archive/data/2"
    refused(sound, "another name")


def test_another_folder(sound):
    for at in (sound.index(b"archive/version"), sound.rindex(b"archive/version")):
        sound[at : at + 7] = b"archivf"
    refused(sound, "one folder")


@pytest.mark.parametrize(("field", "value"), [(4, 1), (6, 1), (8, 3), (8, 5), (10, 3), (16, 7)])
def test_an_odd_end(sound, field, value):
    struct.pack_into("<H", sound, len(sound) - 22 + field, value)
    refused(sound, "directory")


def test_a_directory_elsewhere(sound):
    at = len(sound) - 6
    struct.pack_into("<L", sound, at, struct.unpack_from("<L", sound, at)[0] - 1)
    refused(sound, "isn't where the end")


def test_too_many_records():
    refused(zipped({f"data/{i}": b"" for i in range(5000)}), "odd")


def test_no_records():
    assert read_directory(zipped({})) == {}


def test_a_name_of_odd_bytes(sound):
    for at in (sound.index(b"archive/version"), sound.rindex(b"archive/version")):
        sound[at + 8 : at + 15] = b"\xff\x1b[2J\n\r"
    assert len(read_directory(bytes(sound))) == len(RECORDS)
