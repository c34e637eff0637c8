"""Tones that change beside others: 不 and 一 before the tone that follows, third tones before third tones.

Works on units whose `syllables` are filled in, before the neutral tones (`neutral`) are set.
"""

import re

from edge_tts.text.chinese.merging import Unit
from edge_tts.text.chinese.words import word_list

__all__ = ["bu", "seam", "third", "tone", "with_tone", "yi"]

_NUMERALS = frozenset("零一二三四五六七八九十百千万亿")
_POWERS = "百千万亿"

_NOT_BETWEEN = frozenset("只决绝前殊莫且倒岂天鬼眼君神岳人毫从并也都永再若既何亦尚还才就又更最我你他她谁这那真心")
"""Before 不 these say when or who, so that it isn't the weak 不 of 看不懂 and 好不好."""

_DECIMAL = re.compile("点[零一二三四五六七八九]+(?![零一二三四五六七八九十分刻])")
"""After 一 in 一点五, not in 一点十五分."""

_FIRST = "月 楼 班 线 流 期 审 战 把手 中 院 环 区 哥 姐 一".split()
_FIRST_OF_MANY = "月份 号 等 级 年级 季度".split()
"""What 一 is the first of, as a whole unit or as its beginning: it keeps its tone."""

_ADVERBS = frozenset("起样定直共般边些点会旦向再律切齐同下")
"""一 with one of these is a word of its own, whatever number stands before."""


def tone(syllable: str) -> str:
    """The tone's digit; empty for what is no syllable."""
    return syllable[-1:]


def with_tone(syllable: str, new: str) -> str:
    """`ni3` with tone `2` → ni2."""
    return syllable[:-1] + new if syllable else syllable


def seam(unit: Unit) -> int:
    """Where the unit falls into two: the seam of two words, otherwise the end or the beginning of a shorter word in it.

    0 if there is none.
    """
    if unit.seam or len(unit.text) < 3:
        return unit.seam
    for size in (2, 3):
        for start in range(len(unit.text) - size + 1):
            if size < len(unit.text) and unit.text[start : start + size] in word_list():
                return size if start == 0 else len(unit.text) - size
    return 0


def bu(unit: Unit, before: str) -> None:
    """bu2 before a fourth tone, neutral between two: 不怕, 看不懂, 要不要. before: the text of the unit before."""
    text, syllables = unit.text, unit.syllables
    if text[0] == "不" and text[1:] == before:
        syllables[0] = with_tone(syllables[0], "5")
        return
    if len(text) == 3 and text[1] == "不" and text[0] not in _NOT_BETWEEN:
        syllables[1] = with_tone(syllables[1], "5")
        return
    for place, char in enumerate(text[:-1]):
        if char == "不" and tone(syllables[place + 1]) == "4":
            syllables[place] = with_tone(syllables[place], "2")


def yi(unit: Unit, before: str, after: str) -> None:
    """yi2 before a fourth tone, yi4 before others, neutral in 看一看; yi1 as a digit, in a row and before a mark.

    before, after: the texts of the units on both sides.
    """
    text, syllables = unit.text, unit.syllables
    if len(text) == 3 and text[1] == "一" and text[0] == text[2]:
        syllables[1] = with_tone(syllables[1], "5")
        return
    for place, char in enumerate(text):
        if char == "一":
            right = text[place + 1 :]
            is_decimal = _DECIMAL.match(right + after) is not None
            if is_decimal or _keeps_its_tone(text[:place] or _leaning(before, right), right):
                syllables[place] = with_tone(syllables[place], "1")
            elif right:
                syllables[place] = with_tone(syllables[place], "2" if tone(syllables[place + 1]) == "4" else "4")


def _leaning(before: str, right: str) -> str:
    """What of the unit before belongs to the number that 一 is in."""
    if right[:1] in _ADVERBS:
        return ""
    is_date = before.endswith("月") and right[:1] in ("日", "号")
    return before if is_date or before == "第" or (before and _NUMERALS.issuperset(before)) else ""


def _keeps_its_tone(left: str, right: str) -> bool:
    """Whether 一 between `left` and `right` is a digit or an ordinal, or nothing follows that it could lean on."""
    if not right or not "一" <= right[0] <= "鿿" or right[0] in "和与或加减乘除" or left.endswith(("第", "初")):
        return True
    if right[0] in _POWERS:
        return left.endswith("十")
    if right[0] in _NUMERALS or (left and (left[-1] in _NUMERALS or left[-1] == "月")):
        return True
    return not left and (right in _FIRST or right.startswith(tuple(_FIRST_OF_MANY)))


def third(unit: Unit) -> None:
    """The first of two third tones becomes a second one: 老虎, 展览/馆, 纸/老虎; in four characters, in each half."""
    syllables = unit.syllables
    if len(syllables) == 2:
        _pair(syllables, 0, 2)
    elif len(syllables) == 3:
        _three(syllables, seam(unit))
    elif len(syllables) == 4:
        _pair(syllables, 0, 2)
        _pair(syllables, 2, 4)


def _pair(syllables: list[str], start: int, end: int) -> None:
    if all(tone(syllable) == "3" for syllable in syllables[start:end]):
        syllables[start] = with_tone(syllables[start], "2")


def _three(syllables: list[str], cut: int) -> None:
    if all(tone(syllable) == "3" for syllable in syllables):
        if cut != 1:
            syllables[0] = with_tone(syllables[0], "2")
        syllables[1] = with_tone(syllables[1], "2")
    elif cut == 2:
        _pair(syllables, 0, 2)
        if tone(syllables[1]) == tone(syllables[2]) == "3":
            syllables[1] = with_tone(syllables[1], "2")
    else:
        _pair(syllables, 1, 3)
        if tone(syllables[0]) == tone(syllables[1]) == "3":
            syllables[0] = with_tone(syllables[0], "2")
