"""Written Japanese to the characters that Open JTalk reads and the punctuation between them.

Full-width digits and letters, half-width kana and squared words are folded to their ordinary forms; symbols that are
spoken (`%`, `+`, …) become words, and so do times, dates, fractions, ranges and prices. What has no sound, such as
emoji and letters of other scripts, is left out.
"""

import re
import unicodedata
from functools import lru_cache

from edge_tts.text.symbols import PUNCTUATION

__all__ = ["JAPANESE", "folded"]

JAPANESE = "A-Za-z0-9々〆〇\u3041-\u3096\u309d\u309e\u30a1-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""The characters that Open JTalk is given, for a class of a regular expression."""

_MARKS = {
    "：": ":", "；": ",", ";": ",", "，": ",", "、": ",", "､": ",", "·": ",", "。": ".", "｡": ".", "．": ".",
    "！": "!", "？": "?", "\n": ".", "⋯": "…", "‥": "…", "〜": "~", "～": "~", "—": "-", "–": "-", "―": "-", "−": "-",
    "‐": "-", "‑": "-", "－": "-",
}  # fmt: skip
_SPOKEN = {
    "%": "パーセント", "‰": "パーミル", "&": "アンド", "+": "プラス", "=": "イコール", "@": "アットマーク", "℃": "度",
    "×": "かける", "÷": "わる", "°": "度", "£": "ポンド", "€": "ユーロ", "$": "ドル", "¥": "円", "√": "ルート",
    "α": "アルファ", "β": "ベータ", "γ": "ガンマ", "π": "パイ", "Ω": "オーム", "〒": "郵便番号",
}  # fmt: skip
_SONANT = {"\u3099", "\u309a"}
"""The voicing marks that stand behind a kana when it is written in two characters."""

_PATTERNS = [
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    (re.compile(r"(?<!\d)([01]?\d|2[0-4]):([0-5]\d)(?![\d:])"), r"\1時\2分"),
    (re.compile(r"(?<!\d)(\d{4})([/-])(1[0-2]|0?[1-9])\2(3[01]|[12]\d|0?[1-9])(?!\d)"), r"\1年\3月\4日"),
    (re.compile(r"(?<![\d/])(\d{1,4})/(\d{1,4})(?![\d/])"), r"\2分の\1"),
    (re.compile(r"(?<=\d)~(?=\d)"), "から"),
    (re.compile(r"(?<![\dA-Za-z])-(?=\d)"), "マイナス"),
    (re.compile(r"¥(\d{1,15}(?:\.\d{1,4})?)"), r"\1円"),
    (re.compile(r"\$(\d{1,15}(?:\.\d{1,4})?)"), r"\1ドル"),
    (re.compile(r"(?<!\d)0(\d)分"), r"\1分"),
    (re.compile(":"), ","),
]
_REPEATED = re.compile(f"([{re.escape(''.join(PUNCTUATION))}])[{re.escape(''.join(PUNCTUATION))}]+")
_LONE_LENGTH = re.compile(f"(^|[^{JAPANESE}]|[・ヶヵゝゞヽヾ])ー+")


def folded(text: str) -> str:
    """`text` of Japanese characters, punctuation of `PUNCTUATION` and other signs. Its length may differ."""
    out: list[str] = []
    for char in text:
        for part in _fold(char):
            if part in _SONANT:
                joined = unicodedata.normalize("NFC", out[-1] + part) if out else ""
                if len(joined) == 1:
                    out[-1] = joined
            else:
                out.append(part)
    line = "".join(out)
    for pattern, spoken in _PATTERNS:
        line = pattern.sub(spoken, line)
    line = _REPEATED.sub(r"\1", "".join(_SPOKEN.get(char, char) for char in line))
    return _LONE_LENGTH.sub(r"\1", line)


@lru_cache(maxsize=4096)
def _fold(char: str) -> str:
    if char in _MARKS:
        return _MARKS[char]
    if char in _SPOKEN or char in PUNCTUATION:
        return char
    if unicodedata.category(char) in ("Cs", "Cn", "Co", "Cc", "Cf"):
        return ""
    plain = unicodedata.normalize("NFKC", char)
    kept = (_MARKS.get(part, part) for part in plain if part in _SONANT or _is_read(part))
    return "".join(kept)


def _is_read(char: str) -> bool:
    """Japanese, ASCII letters and digits, spaces, and signs that are not pictures."""
    category = unicodedata.category(char)
    if category[0] in "LN":
        return re.match(f"[{JAPANESE}]", char) is not None
    return category[0] in "ZP" or category in ("Sm", "Sc", "Sk")
