"""Japanese without punctuation to phones with accent marks, by Open JTalk's full-context labels.

The marks are those that GPT-SoVITS v2 was trained with (after Kurihara et al., IEICE Trans. 104-D(2), 2021): `[` where
the pitch rises, `]` where it falls. Its third mark, the border of an accent phrase, is missing from its phone table and
therefore UNK; so it is here.
"""

import re
import threading
import warnings
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from edge_tts.errors import TextError
from edge_tts.text.optional import library
from edge_tts.text.symbols import SYMBOLS_V2, UNKNOWN

__all__ = ["BORDER", "FALL", "PAUSE", "RISE", "phones"]

RISE, FALL, BORDER, PAUSE = "[", "]", UNKNOWN, "_"

_MOST_CHARACTERS = 100
"""Open JTalk's time grows with the square of the text, and its buffer is short."""

_ONE_AT_A_TIME = threading.Lock()

_LABEL = re.compile(r"-([^+]*)\+.*?/A:(-?\d+|xx)\+(\d+|xx)\+(\d+|xx)/.*?/F:(\d+|xx)_")
_CHUNK = re.compile(rf".{{1,{_MOST_CHARACTERS}}}(?=[\u4e00-\u9fff]|$)|.{{1,{_MOST_CHARACTERS}}}", re.DOTALL)
_MORA_ENDS = frozenset("a i u e o N cl".split())
_KNOWN = frozenset(SYMBOLS_V2)


class _Place(NamedTuple):
    """One phone of a label: its distance from the accent, its mora from the front and from the back, the phrase's."""

    phone: str
    from_accent: int | None
    mora: int | None
    mora_from_end: int | None
    moras: int | None


def phones(text: str) -> list[str]:
    """Phones, accent marks and pauses of `text`, which has no punctuation. Empty if nothing in it is pronounced.

    Raises TextError if pyopenjtalk is not installed.
    """
    result: list[str] = []
    for chunk in _CHUNK.findall(text):
        said = list(_chunk_phones(chunk))
        if said:
            result += [BORDER, *said] if result else said
    return result


def _chunk_phones(text: str) -> Iterator[str]:
    jtalk = library("pyopenjtalk", "pyopenjtalk", "Japanese", "ja")
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        # For a rare Han character pyopenjtalk asks Sudachi, through a name that Sudachi calls outdated.
        warnings.simplefilter("ignore", DeprecationWarning)
        words = list(_pronounced(jtalk.run_frontend(text, use_sudachi_kanji_yomi=False)))
    if not words:
        return
    places = [_place(label) for label in jtalk.make_label(words)]
    for here, following in pairwise(places):
        if here.phone == "sil":
            continue
        if here.phone == "pau":
            yield PAUSE
            continue
        name = here.phone.lower() if here.phone in ("A", "I", "U", "E", "O") else here.phone  # devoiced vowels
        yield from (name,) if name in _KNOWN else (letter if letter in _KNOWN else UNKNOWN for letter in name)
        if here.mora_from_end == 1 and following.mora == 1 and name in _MORA_ENDS:
            yield BORDER
        elif here.mora is None or following.mora is None:
            continue
        elif here.from_accent == 0 and following.mora == here.mora + 1 and here.mora != here.moras:
            yield FALL
        elif here.mora == 1 and following.mora == 2:
            yield RISE


def _pronounced(words: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The words without a length mark that lengthens nothing; none if there is no sound at all.

    Open JTalk's label maker writes complaints about such words to stderr.
    """
    held: list[dict[str, Any]] = []
    long_after = sounds = False
    for word in words:
        pronounced = word["pron"] if long_after else word["pron"].lstrip("ー")
        moras = word["mora_size"] - (len(word["pron"]) - len(pronounced))
        if moras <= 0 < word["mora_size"]:
            continue
        long_after = moras > 0
        sounds = sounds or long_after
        held.append({**word, "pron": pronounced, "mora_size": moras})
        if sounds:
            yield from held
            held.clear()


def _place(label: str) -> _Place:
    match = _LABEL.search(label)
    if match is None:
        raise TextError(f"Open JTalk gave a label that can't be read: {label[:60]!r}")
    numbers = (None if field == "xx" else int(field) for field in match.groups()[1:])
    return _Place(match[1], *numbers)
