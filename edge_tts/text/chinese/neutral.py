"""The neutral tone: particles, endings, reduplications, complements of direction and words that always have it."""

from collections.abc import Iterator, Sequence

from edge_tts.text.chinese.merging import Unit
from edge_tts.text.chinese.neutral_words import (
    DONE_A_LITTLE,
    FULL_LOCATIVE,
    FULL_VERB,
    FULL_ZI,
    KIN,
    NEUTRAL,
    NEUTRAL_BELOW,
    ONLY_ALONE,
    TWICE,
)
from edge_tts.text.chinese.sandhi import seam, tone, with_tone
from edge_tts.text.chinese.words import word_list

__all__ = ["neutral"]

_PARTICLES = frozenset("吧呢啊呐噻嘛吖哒哟喽啰耶喔诶哩呀啦哇吗呗嘞哦咧")
_COUNTED = frozenset("零一二三四五六七八九十百千万亿几有两半多每做是这那哪")
_DIRECTIONS = frozenset("上下进出回过起开")
_IN_FRONT = NEUTRAL - ONLY_ALONE
_MODALS = frozenset("想 要 会 能 可以 应该 应 敢 肯 愿意 打算".split())

_ALSO_VERBS = frozenset(
    "遭遇 哺育 采访 参观 访问 调查 研究 学习 经历 教育 批评 表扬 帮助 影响 讨论 考虑 创作 领导"
    " 指导 设计 组织 代表 翻译 报告 证明 合作 工作 生活 治疗 培训 训练 比赛 检查 接触 处理 计划"
    " 尝试 努力 思考 介绍 使用 演出 服务 编辑 导演 表演 获奖 出版 任职".split()
)
"""Verbs that jieba tags as nouns."""


def neutral(units: Sequence[Unit], place: int) -> None:
    """Sets the tone 5 in the syllables of the unit at `place`; the others are its sentence."""
    unit = units[place]
    before = units[place - 1] if place else None
    _twice(unit)
    if _is_particle(unit, before) if len(unit.text) == 1 else _ends_neutral(unit, before):
        _set(unit, len(unit.text) - 1)
    for end in _inner_ends(unit):
        _set(unit, end - 1)
    counted = unit.text.find("个")
    if unit.text == "个" or (counted > 0 and unit.text[counted - 1] in _COUNTED):
        _set(unit, counted)


def _set(unit: Unit, place: int) -> None:
    unit.syllables[place] = with_tone(unit.syllables[place], "5")


def _twice(unit: Unit) -> None:
    """看看 (想想 has tones 2 and 5), 妈妈, 老奶奶, 散散步."""
    text, tag = unit.text, unit.tag
    for place in range(1, len(text)):
        char = text[place]
        if char != text[place - 1]:
            continue
        is_pair = len(text) == 2
        if char in KIN or (is_pair and char in TWICE):
            _set(unit, place)
        elif (is_pair and tag[0] == "v" and char not in FULL_VERB) or (
            len(text) == 3 and place == 1 and char in DONE_A_LITTLE
        ):
            if tone(unit.syllables[0]) == tone(unit.syllables[1]) == "3":
                unit.syllables[0] = with_tone(unit.syllables[0], "2")
            _set(unit, place)


def _is_particle(unit: Unit, before: Unit | None) -> bool:
    """At the beginning of a sentence it is an exclamation and keeps its tone."""
    if before is None or before.tag == "x":
        return False
    if unit.text == "过":
        return (before.tag[0] in "vaibz" and before.text not in _MODALS) or before.text in _ALSO_VERBS
    return unit.text in _PARTICLES


def _ends_neutral(unit: Unit, before: Unit | None) -> bool:
    text, tag, last = unit.text, unit.tag, unit.text[-1]
    if last == "子":
        is_name = (tag == "nr" and len(text) > 2) or (tag == "m" and len(text) == 2)
        return not is_name and not text.endswith(FULL_ZI)
    if last in "上里":
        is_place = tag in ("s", "f") or (tag == "l" and len(text) == 3 and text[1] not in "不得")
        is_counted = before is not None and before.tag == "m"
        return is_place and not is_counted and text not in FULL_LOCATIVE
    if last == "下":
        return text.endswith(NEUTRAL_BELOW)
    if last in "来去" and text[-2] in _DIRECTIONS:
        is_after_verb = before is not None and before.tag[0] == "v"
        return tag != "i" and (text != "过去" or is_after_verb)
    return last in _PARTICLES and tag[0] in "yvlaxdc" and text not in ("干嘛", "干吗")


def _inner_ends(unit: Unit) -> Iterator[int]:
    """Where words end in the unit, or with it, whose last character is neutral."""
    text, cut = unit.text, seam(unit)
    if unit.tag != "i" or len(text) < 4:
        yield from (len(text) for word in (text, text[-2:]) if word in NEUTRAL)
    if cut:
        yield from (cut for word in (text[:cut], text[max(0, cut - 2) : cut]) if word in _IN_FRONT)
        yield from (len(text) for word in (text[cut:],) if word in NEUTRAL)
    if len(text) > 2 and text[1] == "子" and unit.alone[1]:
        stem = word_list().tag(text[:2])
        if stem in ("n", "r") and text[:2] not in FULL_ZI:
            yield 2
