"""The CMU Pronouncing Dictionary, packed into one blob that is searched where it lies.

126,000 words as Python objects would take 60 MB and half a second; here they are 2 MB of bytes, ready in 15 ms.
Blob (after zlib): lines sorted by their word's bytes, each `\\n word (\\t phones)+`, where a phone is one byte,
0x80 + its index in `PHONES`; the first phones are the default pronunciation. The blob ends with a newline.

Data: cmudict (https://github.com/cmusphinx/cmudict), BSD-2-clause, licence in `data/cmudict.LICENSE`.
"""

import zlib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

from edge_tts.text.symbols import CONSONANTS, VOWELS

__all__ = ["PHONES", "PackedDictionary", "cmudict", "pack", "parse", "pronunciations"]

PHONES = (*CONSONANTS, *(vowel + stress for vowel in VOWELS for stress in "012"))
"""The 69 phones of the dictionary, in the order of their byte codes."""

_CODES = {phone: 0x80 + index for index, phone in enumerate(PHONES)}

Pronunciation = tuple[str, ...]


class PackedDictionary:
    """Words and their pronunciations in a sorted blob (layout in the module's docstring)."""

    def __init__(self, blob: bytes) -> None:
        self._blob = blob

    def __contains__(self, word: str) -> bool:
        return self._line(word) is not None

    def pronunciations(self, word: str) -> list[Pronunciation]:
        """All variants of the lower-case `word`, the default first; an empty list if it is unknown."""
        line = self._line(word)
        if line is None:
            return []
        return [tuple(PHONES[code - 0x80] for code in variant) for variant in line.split(b"\t")[1:]]

    def _line(self, word: str) -> bytes | None:
        """Binary search over byte offsets: any offset is inside a line, whose start is the newline before it."""
        if not word.isascii():
            return None
        key = word.encode("ascii")
        blob, low, high = self._blob, 0, len(self._blob) - 1
        while low < high:
            start = blob.rfind(b"\n", low, (low + high) // 2 + 1)
            end = blob.index(b"\n", start + 1)
            line = blob[start + 1 : end]
            found = line[: line.index(b"\t")]
            if found == key:
                return line
            if found < key:
                low = end
            else:
                high = start
        return None


def parse(text: str) -> dict[str, list[Pronunciation]]:
    """Reads the text form: `word P H0 NZ`, further variants as `word(2)`, comments after `#`."""
    words: dict[str, list[Pronunciation]] = {}
    for line in text.splitlines():
        fields = line.split("#", 1)[0].split()
        if len(fields) > 1:
            words.setdefault(fields[0].split("(", 1)[0], []).append(tuple(fields[1:]))
    return words


def pack(words: Mapping[str, Iterable[Pronunciation]]) -> bytes:
    """The compressed blob for `words` (ASCII, without tab or newline); the inverse is `PackedDictionary`."""
    lines = [
        word.encode("ascii") + b"".join(b"\t" + bytes(_CODES[phone] for phone in variant) for variant in variants)
        for word, variants in words.items()
    ]
    return zlib.compress(b"".join(b"\n" + line for line in sorted(lines)) + b"\n", 9)


@cache
def cmudict() -> PackedDictionary:
    """The dictionary that comes with the package, loaded on first use."""
    return PackedDictionary(zlib.decompress(resources.files(__package__).joinpath("data/cmudict.bin").read_bytes()))


def pronunciations(word: str) -> list[Pronunciation]:
    """All CMUdict pronunciations of `word` (any case), the default first; an empty list if it is unknown."""
    return cmudict().pronunciations(word.lower())
