"""地, 得 and 了 are particles or words; jieba's tags don't tell, so their neighbours do."""

from collections.abc import Sequence

from edge_tts.text.chinese.merging import Unit

__all__ = ["particle"]

_NOT_ADVERBS = frozenset("m q s ns nr t r x c uj f".split())
_GOT = frozenset("到了过出分奖病名胜知逞逮志空闲票主")
_MANNER = tuple("努力 小心 耐心 注意 勇敢 理智 冷静 认真 亲自 首先 现在 马上 今天 明天".split())
"""After 得 these tell how or when to do what must be done, whatever their tag."""


def particle(units: Sequence[Unit], place: int) -> str | None:
    """The syllable of the unit at `place` if it is one of these characters and its neighbours say so."""
    unit = units[place]
    before = units[place - 1] if place else None
    after = units[place + 1] if place + 1 < len(units) and units[place + 1].tag != "x" else None
    if unit.text == "地":
        return "de5" if _is_adverb_ending(before, after) else "di4"
    if unit.text == "地上":
        return "de5" if before is not None and after is not None and _is_repeated(before.text) else None
    if unit.text == "得":
        return _of_de(before, after)
    return None


def _is_adverb_ending(before: Unit | None, after: Unit | None) -> bool:
    """高兴地说, 一步一步地走; not 这块地, 种地, 农村地区."""
    if before is not None and _is_repeated(before.text):
        return True
    if before is None or after is None or len(before.text) < 2 or before.tag in _NOT_ADVERBS:
        return before is not None and after is not None and before.text in ("样", "般", "似")
    wanted = "v" if before.tag[0] == "n" else "vadpbzi"
    return after.tag[0] in wanted


def _is_repeated(text: str) -> bool:
    """慢慢, 高高兴兴."""
    return (len(text) == 2 and text[0] == text[1]) or (len(text) == 4 and text[0] == text[1] and text[2] == text[3])


def _of_de(before: Unit | None, after: Unit | None) -> str:
    """de5 after a verb or an adjective (跑得快), dei3 before a verb (你得去), de2 for getting (得了奖)."""
    if before is not None and (before.tag[0] in "vabzil" or before.text in "过着") and before.tag != "vn":
        return "de5"
    if after is None:
        return "de2" if before is None else "de5"
    if after.text.startswith(_MANNER):
        return "dei3"
    if after.text[0] in _GOT or after.tag[0] in "mnu":
        return "de2"
    return "dei3" if after.tag[0] in "vdpr" else "de2"
