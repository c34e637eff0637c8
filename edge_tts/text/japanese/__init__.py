"""Japanese: written text becomes phones with accent marks. Needs pyopenjtalk-plus (the extra `ja`), no network."""

import re

from edge_tts.text.japanese.prosody import phones
from edge_tts.text.japanese.written import JAPANESE, folded
from edge_tts.text.reading import Reading
from edge_tts.text.symbols import PUNCTUATION, UNKNOWN

__all__ = ["read"]

# A point between digits is read as one.
_PART = re.compile(rf"(?:[{JAPANESE}]|(?<=\d)\.(?=\d))+|.", re.DOTALL)


def read(text: str) -> Reading:
    """A run of Japanese. Quotes, brackets and other signs are UNK, as in GPT-SoVITS; spaces are nothing.

    Raises TextError if pyopenjtalk is not installed.
    """
    line = folded(text)
    row: list[str] = []
    for match in _PART.finditer(line):
        part = match[0]
        if part in PUNCTUATION:
            row.append(part)
        elif re.match(f"[{JAPANESE}]", part):
            row += phones(part)
        elif not part.isspace() and row[-1:] != [UNKNOWN]:
            row.append(UNKNOWN)
    return Reading(line, tuple(row))
