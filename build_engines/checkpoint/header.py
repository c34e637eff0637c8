"""What a file begins with: GPT-SoVITS writes a version over the first two bytes of some of its zips.

Source: ``process_ckpt.py`` of RVC-Boss/GPT-SoVITS. 03 to 06 are written, 00 to 02 only read.
"""

from __future__ import annotations

from build_engines.checkpoint.errors import CheckpointError

__all__ = ["ENOUGH_BYTES", "PLAIN", "read_tag", "tag_version"]

PLAIN = "PK"
ENOUGH_BYTES = 256

_VERSIONS = {"00": "v1", "01": "v2", "02": "v3", "03": "v3 LoRA", "04": "v4 LoRA", "05": "v2Pro", "06": "v2ProPlus"}
_MEMBER = b"\x03\x04"  # what follows the tag
_FOREIGN = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself: fetch it with git lfs pull"),
    (b"<!", "a web page, not a checkpoint: the download went wrong"),
    (b"<html", "a web page, not a checkpoint: the download went wrong"),
    (b"<?xml", "an XML document, not a checkpoint: the download went wrong"),
    *(
        (b"\x80" + bytes([n]), "a bare pickle (torch before 1.6, or not torch at all), not torch's zip")
        for n in range(2, 6)
    ),
    (b"\x1f\x8b", "compressed with gzip: unpack it first"),
    (b"\xfd7zXZ", "compressed with xz: unpack it first"),
    (b"7z\xbc\xaf", "a 7z archive: unpack it first"),
    (b"Rar!", "a RAR archive: unpack it first"),
    (b"GGUF", "a GGUF model, not a GPT-SoVITS checkpoint"),
    (b"RIFF", "a WAV file, not a checkpoint"),
)


def read_tag(head: bytes) -> str:
    """The tag ("PK", "00" .. "06") of a file that begins with ``head``. Raises CheckpointError: not a torch zip."""
    if len(head) < 4:
        raise CheckpointError(
            "the file is empty" if not head else f"the file has only {len(head)} byte{'s' if len(head) > 1 else ''}"
        )
    if head[2:4] == _MEMBER:
        tag = head[:2].decode("latin-1")
        if tag == PLAIN or tag in _VERSIONS:
            return tag
        known = ", ".join(f"{tag} {version}" for tag, version in _VERSIONS.items())
        raise CheckpointError(f"its first bytes {head[:2].hex(' ')} are no version that GPT-SoVITS writes ({known})")
    for start, meaning in _FOREIGN:
        if head.lstrip()[: len(start)].lower() == start.lower():
            raise CheckpointError(f"the file is {meaning}")
    if head[8:10] in (b'{"', b"{ ") and not any(head[4:8]):
        raise CheckpointError("the file is a safetensors file, not a GPT-SoVITS checkpoint")
    if _is_text(head):
        raise CheckpointError("the file is a text, not a checkpoint")
    raise CheckpointError(f"the file begins with {head[:4].hex(' ')}: it isn't a zip written by torch.save")


def tag_version(tag: str) -> str | None:
    """The version that a tag stands for; None for a plain zip, which says nothing."""
    return _VERSIONS.get(tag)


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:  # else the last character is cut
            return False
        text = head[: error.start].decode("utf-8")
    return all(c.isprintable() or c in "\r\n\t\ufeff" for c in text)
