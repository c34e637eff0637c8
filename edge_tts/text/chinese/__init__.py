"""Mandarin: written Chinese comes in, the normalised text and its phones go out. Imports numpy only.

The phones are those of GPT-SoVITS's front end as it is without its neural model, but for its errors: `docs/text.md`.
"""

import re

from edge_tts.text.chinese.normalise import normalise
from edge_tts.text.chinese.pronounce import pronounce
from edge_tts.text.chinese.readings import dictionary
from edge_tts.text.chinese.characters import is_han
from edge_tts.text.reading import Reading

__all__ = ["normalise", "read"]

_LONG_PAUSES = ((re.compile(r"￥(?! ?\d)"), "SP2"), (re.compile(r"(?<![\dA-Za-z)])\^|\^(?!\d)"), "SP3"))
"""As in GPT-SoVITS: with one of these signs in a run of text, all commas of the run are this symbol."""

_SAME_SOUND = str.maketrans("嗯呣", "恩母")
"""Syllables without a vowel have no symbols of their own."""


def read(text: str) -> Reading:
    """A run of Mandarin. Latin letters are read by their names, other scripts and characters nobody reads left out.

    Empty if nothing is left. Raises TextError for what is no string.
    """
    comma = ","
    for sign, pause in _LONG_PAUSES:
        if sign.search(text):
            text, comma = sign.sub("，", text), pause
            break
    known = dictionary()
    written = normalise(text).translate(_SAME_SOUND)
    said = "".join(char for char in written if not is_han(char) or known.syllable(char))
    row = pronounce(said)
    return Reading(
        text=said,
        phones=tuple(comma if phone == "," else phone for phones in row for phone in phones),
        word_to_phone=tuple(map(len, row)),
    )
