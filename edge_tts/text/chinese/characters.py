"""Any string to the characters that the rules know: simplified Chinese, ASCII, Greek, marks and mathematical signs.

Full-width and compatibility forms are unfolded (`３㎡` → `3m2`), numbers in circles and Roman ones become plain, white
space goes between Chinese characters and stays between others. Emoji and other scripts leave a space behind, so that
what stood apart stays apart; what has no width leaves nothing.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache

from edge_tts.errors import TextError
from edge_tts.text.chinese.data import lines

__all__ = ["as_text", "fold", "is_han"]

_KEPT = frozenset("，。！？；、．·…—–―⋯‥・•‧｡〜→￥¥£€₩₹₽฿±×÷≤≥≠≈∞√∵∴°℃℉%‰№²³¹⁰⁴⁵⁶⁷⁸⁹")
_CHANGED = {
    "〇": "零", "−": "-", "‐": "-", "‑": "-", "‒": "-", "－": "-", "⁓": "~", "∶": ":", "⁄": "/", "∕": "/", "µ": "μ",
    "∙": "·", "⋅": "·", "﹏": "…", "✕": "×", "✖": "×", "Ⅰ": "一", "Ⅱ": "二", "Ⅲ": "三", "Ⅳ": "四", "Ⅴ": "五",
    "Ⅵ": "六", "Ⅶ": "七", "Ⅷ": "八", "Ⅸ": "九", "Ⅹ": "十", "Ⅺ": "十一", "Ⅻ": "十二", "ß": "ss", "æ": "ae", "ø": "o",
    "đ": "d", "ł": "l",
}  # fmt: skip

# These are simplified characters too, so they change only in a text that has others of the traditional kind.
_TRADITIONAL_ONLY = (
    (re.compile("乾(?![坤隆陵清卦嘉])"), "干"),
    (re.compile("(?<!角)徵"), "征"),
    (re.compile("夥"), "伙"),
    (re.compile("瞭(?!望)"), "了"),
    (re.compile("祇(?=[有是能要会])"), "只"),
    (re.compile("彷(?=佛)"), "仿"),
    (re.compile("(?<![名原显巨专论土卓昭编遗合译])著(?![名作称者述]|书立)"), "着"),
)

_SPACE_AT_HAN = re.compile(r"(?<=[^\x00-\x7f]) | (?=[^\x00-\x7f])")


def fold(text: str) -> str:
    """`text` as the module's docstring says. Raises TextError for what is no string."""
    folded = "".join(map(_fold, as_text(text).replace("\r\n", "\n")))
    simple = folded.translate(_simplified())
    if simple != folded:
        for pattern, character in _TRADITIONAL_ONLY:
            simple = pattern.sub(character, simple)
    simple = re.sub("(?<=[零一二三四五六七八九])[○◯]|[○◯](?=[零一二三四五六七八九])", "零", simple)
    simple = re.sub("([一-龥])々", r"\1\1", simple)
    simple = re.sub(" {2,}", " ", simple)
    return _SPACE_AT_HAN.sub("", simple.translate(dict.fromkeys(map(ord, "○◯々"))))


def as_text(text: object) -> str:
    """`text` itself. Raises TextError for what is no string."""
    if not isinstance(text, str):
        raise TextError(f"text must be a string, not {type(text).__name__}")
    return text


def is_han(character: str) -> bool:
    """Whether it is an ideograph, of any of Unicode's blocks."""
    return (
        "一" <= character <= "鿿"
        or "㐀" <= character <= "䶿"
        or "\U00020000" <= character <= "\U000323af"
        or character == "々"
    )


@cache
def _simplified() -> Mapping[int, str]:
    return {ord(line[0]): line[1] for line in lines("zh_simplified.txt") if line[0] not in "乾徵夥"}


@lru_cache(maxsize=8192)
def _fold(char: str) -> str:
    if " " <= char <= "~" or char == "\n" or char in _KEPT or is_han(char) or char in "○◯":
        return char
    if char in _CHANGED:
        return _CHANGED[char]
    if char in "\r\x0b\x0c\x85\u2028\u2029":
        return "\n"
    category = unicodedata.category(char)
    if category in ("Cc", "Cf", "Cs", "Co", "Cn", "Mn", "Me", "Mc"):
        return ""
    if "Α" <= char <= "ω":
        return char
    if category == "Nd":
        return str(unicodedata.decimal(char))
    plain = unicodedata.normalize("NFKC", char)
    if plain == char:
        plain = unicodedata.normalize("NFKD", char)
    plain = "".join(_CHANGED.get(part, part) for part in plain)
    parts = "".join(part for part in plain if " " <= part <= "~" or part in _KEPT or is_han(part))
    apart = category in ("No", "Nl") or not parts
    return f" {parts} " if apart else parts
