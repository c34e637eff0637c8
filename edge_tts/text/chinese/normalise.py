"""Written Chinese to the text that is read: Chinese characters, letters and the marks `! ? … , . -`.

One pass from left to right, the first rule that fits at each place. The words are those of GPT-SoVITS's normaliser
(PaddleSpeech's rules) wherever those are right; the package's docstring says where they are not.
"""

import re

from edge_tts.text.chinese import codes, dates, quantities
from edge_tts.text.chinese.characters import fold, is_han
from edge_tts.text.chinese.readings import dictionary
from edge_tts.text.chinese.rules import Rule
from edge_tts.text.chinese.signs import spoken_sign
from edge_tts.text.symbols import PUNCTUATION

__all__ = ["normalise"]

_RULES: list[Rule] = [*dates.RULES, *codes.RULES, *quantities.RULES]
_START = re.compile(r"[-+.^/\d⁰¹²³⁴⁵⁶⁷⁸⁹$€£¥￥₩₹₽฿]|(?<=每)[A-Za-zμ]|US\$|HK\$|NT\$|RMB|CNY|USD|EUR|HKD|JPY")
_DOTS = re.compile(r"\.{3,}")
_WIDE_POINT = re.compile(r"(?<=\d)．(?=\d)")
_MARKS = re.compile(f"([{re.escape(''.join(PUNCTUATION))}])[{re.escape(''.join(PUNCTUATION))}]+")


def normalise(text: str) -> str:
    """`现在是8:30。` → 现在是八点半. Ideographs without a known reading are left out. Empty if nothing can be read.

    Raises TextError for what is no string.
    """
    text = _WIDE_POINT.sub(".", _DOTS.sub("…", fold(text))).strip(" \n")
    said: list[str] = []
    place = 0
    while place < len(text):
        end = _read_number(text, place, said) if _START.match(text, place) else place
        if end == place:
            char = text[place]
            said.append(_character(char) if is_han(char) else spoken_sign(text, place))
            end = place + 1
        place = end
    return _MARKS.sub(r"\1", "".join(said))


def _character(char: str) -> str:
    return char if dictionary().syllable(char) else ""


def _read_number(text: str, place: int, said: list[str]) -> int:
    """Appends what the first rule that fits makes of the text at `place`; returns where to go on, `place` if none."""
    for pattern, read in _RULES:
        match = pattern.match(text, place)
        if match is not None:
            words = read(match)
            if words is not None:
                said.append(words)
                return match.end()
    return place
