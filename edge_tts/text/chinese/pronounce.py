"""Normalised Chinese to phones: words, their syllables, and the tones they get from each other."""

import re
from collections.abc import Sequence

from edge_tts.text.chinese.erhua import erhua
from edge_tts.text.chinese.merging import Unit, merge
from edge_tts.text.chinese.neutral import neutral
from edge_tts.text.chinese.particles import particle
from edge_tts.text.chinese.polyphones import polyphones
from edge_tts.text.chinese.readings import dictionary
from edge_tts.text.chinese.sandhi import bu, third, yi
from edge_tts.text.chinese.syllables import phones
from edge_tts.text.chinese.words import word_list
from edge_tts.text.english.pronounce import LETTERS
from edge_tts.text.symbols import PUNCTUATION

__all__ = ["pronounce"]

_SENTENCE = re.compile(f"[^{re.escape(''.join(PUNCTUATION))}]*[{re.escape(''.join(PUNCTUATION))}]?")


def pronounce(text: str) -> list[tuple[str, ...]]:
    """The phones of each character of `text`, which consists of characters with a reading, letters and marks."""
    return [row for part in _SENTENCE.findall(text) for row in _sentence(part)]


def _sentence(text: str) -> list[tuple[str, ...]]:
    units = merge(word_list().cut(text))
    start = 0
    for place, unit in enumerate(units):
        _fill_in(units, place, text, start)
        start += len(unit.text)
    for place, unit in enumerate(units):
        before = units[place - 1].text if place else ""
        bu(unit, before)
        yi(unit, before, units[place + 1].text if place + 1 < len(units) else "")
        neutral(units, place)
        third(unit)
        erhua(unit)
    return [_phones(char, syllable) for unit in units for char, syllable in zip(unit.text, unit.syllables, strict=True)]


def _fill_in(units: Sequence[Unit], place: int, text: str, start: int) -> None:
    unit = units[place]
    unit.syllables, unit.alone = dictionary().read(unit.text)
    for offset, is_alone in enumerate(unit.alone):
        if is_alone:
            better = polyphones().in_context(text, start + offset)
            unit.syllables[offset] = better or unit.syllables[offset]
    if unit.tag == "nr" and len(unit.text) > 1 and unit.alone[0]:
        unit.syllables[0] = polyphones().surnames.get(unit.text[0], unit.syllables[0])
    if unit.text[0] in "地得":
        unit.syllables[0] = particle(units, place) or unit.syllables[0]


def _phones(char: str, syllable: str) -> tuple[str, ...]:
    if syllable:
        return phones(syllable)
    return (char,) if char in PUNCTUATION else LETTERS[char.upper()]
