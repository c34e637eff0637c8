"""Words to the units that change their tones together: 不 and 一 go with what follows, 儿 with what precedes.

Two short words join where third tones meet. The steps and their limits are those of the tone sandhi in GPT-SoVITS
(PaddleSpeech's).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from edge_tts.text.chinese.neutral_words import FULL_ZI
from edge_tts.text.chinese.readings import syllables

__all__ = ["Unit", "merge"]


@dataclass
class Unit:
    """text and tag: of a word, or of several joined (the tag is one of theirs). seam: where the first of several ends,
    0 for one word. Filled in later: syllables, one per character; alone, whether no phrase decides how it is read."""

    text: str
    tag: str
    seam: int = 0
    syllables: list[str] = field(default_factory=list)
    alone: list[bool] = field(default_factory=list)


def merge(words: Iterable[tuple[str, str]]) -> list[Unit]:
    """The units of one sentence in order."""
    units = _repeat_around([Unit(text, tag) for text, tag in words])
    for step in (_not, _one, _twice, _wholly_third, _third_at_the_seam, _er):
        units = step(units)
    return units


def _join(first: Unit, second: Unit, tag: str) -> Unit:
    return Unit(first.text + second.text, tag, first.seam or len(first.text))


def _repeat_around(units: list[Unit]) -> list[Unit]:
    """看一看, 去不去: a word of one character on both sides of 一 or 不."""
    found: list[Unit] = []
    for unit in units:
        if len(found) > 1 and _is_around(found[-2], found[-1].text, unit):
            middle = found.pop()
            found[-1] = _join(_join(found[-1], middle, unit.tag), unit, unit.tag)
        else:
            found.append(unit)
    return found


def _is_around(first: Unit, middle: str, last: Unit) -> bool:
    if first.text != last.text or len(last.text) > 1 or last.tag == "x":
        return False
    return middle == "不" or (middle == "一" and first.tag == last.tag == "v")


def _not(units: list[Unit]) -> list[Unit]:
    """不 and the word after it."""
    found: list[Unit] = []
    for unit in units:
        if found and found[-1].text == "不":
            found[-1] = _join(found[-1], unit, unit.tag)
        else:
            found.append(unit)
    return found


def _one(units: list[Unit]) -> list[Unit]:
    """一 and the word after it."""
    found: list[Unit] = []
    for unit in units:
        if found and found[-1].text == "一":
            found[-1] = _join(found[-1], unit, found[-1].tag)
        else:
            found.append(unit)
    return found


def _twice(units: list[Unit]) -> list[Unit]:
    """The same word again: 看 看."""
    found: list[Unit] = []
    for unit in units:
        if found and found[-1].text == unit.text:
            found[-1] = _join(found[-1], unit, found[-1].tag)
        else:
            found.append(unit)
    return found


def _wholly_third(units: list[Unit]) -> list[Unit]:
    """Two words with nothing but third tones, up to three characters."""
    return _join_thirds(units, whole=True)


def _third_at_the_seam(units: list[Unit]) -> list[Unit]:
    """Two words where a third tone meets another, up to three characters."""
    return _join_thirds(units, whole=False)


def _join_thirds(units: list[Unit], whole: bool) -> list[Unit]:
    found: list[Unit] = []
    joined = False
    for place, unit in enumerate(units):
        before = units[place - 1] if place else None
        joined = (
            before is not None
            and not joined
            and len(before.text) + len(unit.text) <= 3
            and not (len(before.text) == 2 and before.text[0] == before.text[1])
            and _is_third(before, -1, whole)
            and _is_third(unit, 0, whole)
        )
        if joined:
            found[-1] = _join(found[-1], unit, found[-1].tag)
        else:
            found.append(unit)
    return found


def _is_third(unit: Unit, place: int, whole: bool) -> bool:
    """By the dictionary. An ending that will be neutral is no third tone: 桌子, 家里."""
    text = unit.text
    is_ending = (text[-1] == "子" and not text.endswith(FULL_ZI)) or (text[-1] == "里" and unit.tag in ("s", "f"))
    if place < 0 and len(text) > 1 and is_ending:
        return False
    found = syllables(text)
    return all(syllable.endswith("3") for syllable in (found if whole else (found[place],)))


def _er(units: list[Unit]) -> list[Unit]:
    """儿 and the word before it."""
    found: list[Unit] = []
    for unit in units:
        if found and unit.text == "儿":
            found[-1] = _join(found[-1], unit, found[-1].tag)
        else:
            found.append(unit)
    return found
