"""儿 as an ending. GPT-SoVITS has no symbol for a final with r: the ending is a syllable er in the tone before it."""

from edge_tts.text.chinese.merging import Unit
from edge_tts.text.chinese.sandhi import tone, with_tone

__all__ = ["erhua"]

_CHILD_AFTER = frozenset("女婴幼孤男健胎少小患宠弃乞侄孙妻孩我吾俺聋为护瞒救替育托虐生有一花虫马鸟猪猫狗")
_CHILDREN = tuple("混血儿 流浪儿 早产儿 连体儿 畸形儿 新生儿 低能儿 脑瘫儿 体弱儿 弄潮儿 幸运儿".split())
_ENDING_AFTER = tuple("媳妇儿 小院儿 老汉儿".split())


def erhua(unit: Unit) -> None:
    """这儿 is zhe4 er4; 儿 keeps er2 where it is a child, and after the animals and flowers of songs: 女儿, 鸟儿."""
    text, syllables = unit.text, unit.syllables
    if text[-1] != "儿" or len(text) < 2:
        return
    is_word = text[-2] in _CHILD_AFTER or text.endswith(_CHILDREN) or unit.tag in ("a", "j", "nr")
    if is_word and not text.endswith(_ENDING_AFTER):
        return
    syllables[-1] = with_tone(syllables[-1], tone(syllables[-2]) or "2")
