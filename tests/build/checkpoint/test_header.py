import pytest

from build_engines.checkpoint.errors import CheckpointError
from build_engines.checkpoint.header import read_tag, tag_version


@pytest.mark.parametrize(
    ("tag", "version"),
    [
        ("PK", None), ("00", "v1"), ("01", "v2"), ("02", "v3"), ("03", "v3 LoRA"), ("04", "v4 LoRA"),
        ("05", "v2Pro"), ("06", "v2ProPlus"),
    ],
)  # fmt: skip
def test_tags(tag, version):
    assert read_tag(tag.encode() + b"\3\4\0\0") == tag
    assert tag_version(tag) == version


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"", "empty"),
        (b"P", "only 1 byte$"),
        (b"07\3\4", "30 37 are no version"),
        (b"\xff\x00\3\4", "ff 00 are no version"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", "git lfs pull"),
        (b"\n <!DOCTYPE html><html>", "web page"),
        (b"<!DOCTYPE", "web page"),
        (b"<HTML><head>", "web page"),
        (b"<?xml version='1.0'?><Error>AccessDenied", "XML"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "before 1.6"),
        (b"\x80\x04\x95\x05", "pickle"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07", "RAR"),
        (b"GGUF\3\0\0\0", "GGUF"),
        (b'\x10\0\0\0\0\0\0\0{"__metadata__"', "safetensors"),
        ("Not Found: 日本語".encode()[:-1], "a text"),
        (b"PK\5\6" + bytes(18), "begins with 50 4b 05 06"),
        (bytes(256), "begins with 00 00 00 00"),
    ],
)  # fmt: skip
def test_other_files_are_recognised(head, said):
    with pytest.raises(CheckpointError, match=said):
        read_tag(head)
