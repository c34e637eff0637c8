"""Cantonese: written text becomes initials and finals with tones. Needs ToJyutping (the extra `yue`), no network.

A phone is `Y` and an initial or a final with its tone, as in GPT-SoVITS v2. It divides syllables by a list of
beginnings that holds some finals too: 屋 `uk1` is `Yuk Yk1`, 五 `ng5` is `Yng Yg5`.
"""

import re

from edge_tts.text.cantonese.written import folded
from edge_tts.text.optional import library
from edge_tts.text.reading import Reading
from edge_tts.text.symbols import PUNCTUATION, SYMBOLS_V2, UNKNOWN

__all__ = ["read", "syllable_phones"]

_BEGINNINGS = (
    "aa ai au ap at ak a p b e t d kw k gw g f h l m ng n s w c z j ong on ou oi ok o uk ung"
).split()  # the first that fits is taken
_SYLLABLE = re.compile(r"([a-z]+)([1-6])")
_KNOWN = frozenset(SYMBOLS_V2)


def read(text: str) -> Reading:
    """A run of Cantonese. Characters that ToJyutping doesn't know are left out of the reading's text.

    Raises TextError if ToJyutping is not installed.
    """
    converter = library("ToJyutping", "ToJyutping", "Cantonese", "yue")
    said: list[str] = []
    row: list[str] = []
    counts: list[int] = []
    for char, jyutping in converter.get_jyutping_list(folded(text)):
        phones = [char] if char in PUNCTUATION else _phones(jyutping or "")
        if phones:
            said.append(char)
            row += phones
            counts.append(len(phones))
    return Reading("".join(said), tuple(row), tuple(counts))


def _phones(jyutping: str) -> list[str]:
    return [phone for match in _SYLLABLE.finditer(jyutping) for phone in syllable_phones(match[1], match[2])]


def syllable_phones(sounds: str, tone: str) -> tuple[str, ...]:
    """Phones of one syllable of Jyutping without its tone (`hoeng`) and its tone (`1`)."""
    for beginning in _BEGINNINGS:
        if sounds.startswith(beginning):
            rest = sounds[len(beginning) :] or beginning[-1]
            return _known(f"Y{beginning}"), _known(f"Y{rest}{tone}")
    return (_known(f"Y{sounds}{tone}"),)


def _known(phone: str) -> str:
    return phone if phone in _KNOWN else UNKNOWN
