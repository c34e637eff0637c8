"""Written Cantonese to Chinese characters and punctuation: numbers, units, dates and signs become characters.

Quotes and brackets have no sound; nor have Latin letters, emoji and other scripts, which are left out.
"""

import re
import unicodedata
from functools import lru_cache

from edge_tts.text.symbols import PUNCTUATION

__all__ = ["folded"]

_MARKS = {
    "：": ":", "；": ",", ";": ",", "，": ",", "、": ",", "·": ",", "・": ",", "。": ".", "．": ".", "！": "!",
    "？": "?", "\n": ".", "⋯": "…", "‥": "…", "—": ",", "―": ",", "–": "-", "−": "-", "‐": "-", "‑": "-", "－": "-",
    "～": "~", "〜": "~",
}  # fmt: skip
_SIGNS = {
    "℃": "度", "°": "度", "+": "加", "×": "乘", "÷": "除", "=": "等於", "%": "巴仙", "$": "蚊", "&": "同",
    "㎡": "平方米", "○": "零",
}  # fmt: skip
_UNITS = {
    "km/h": "公里每小時", "km": "公里", "cm": "厘米", "mm": "毫米", "kg": "公斤", "mg": "毫克", "ml": "毫升",
    "m": "米", "g": "克", "l": "公升", "°c": "度", "℃": "度",
}  # fmt: skip
_DIGITS = "零一二三四五六七八九"
_SMALL = ("", "十", "百", "千")
_LARGE = ("", "萬", "億", "兆")
_NUMBER = r"\d{1,3}(?:,\d{3})+(?!\d)|\d+"
_PATTERN = re.compile(
    r"(?<!\d)(?P<year>\d{4})(?P<sign>[-/.])(?P<month>1[0-2]|0?[1-9])(?P=sign)(?P<day>3[01]|[12]\d|0?[1-9])(?!\d)"
    r"|(?<!\d)(?P<year_alone>\d{4}|\d\d(?=年代))(?=\s?年)"
    r"|(?<!\d)(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?!\d)"
    r"|(?<!\d)(?P<upper>\d{1,4})/(?P<lower>\d{1,4})(?!\d)"
    r"|(?P<phone>(?<![\d-])\d{3,4}(?:[- ]\d{3,4}){1,2}(?![\d-]))"
    r"|(?P<money>\$(?=\d))?(?P<minus>(?<![\dA-Za-z一-鿿])-)?"
    rf"(?P<number>{_NUMBER})(?:\.(?P<decimals>\d+))?(?P<rest>%|\s?(?:{'|'.join(map(re.escape, _UNITS))})(?![A-Za-z]))?",
    re.IGNORECASE,
)
_TO = re.compile(r"(?<=\d)\s?~\s?(?=\d)")
_REPEATED = re.compile(f"([{re.escape(''.join(PUNCTUATION))}])[{re.escape(''.join(PUNCTUATION))}]+")
_TWO = re.compile("二(?=個|隻|位|條|件|本|張|杯|碗|次|蚊|點|公斤|公里)")


def folded(text: str) -> str:
    """`text` of Chinese characters and punctuation of `PUNCTUATION`."""
    line = _TO.sub("至", "".join(map(_fold, text)))
    line = _PATTERN.sub(_spoken, line)
    line = "".join(_SIGNS.get(char, char) for char in line).replace(":", ",")
    line = "".join(char for char in line if char in PUNCTUATION or _is_chinese(char))
    return _REPEATED.sub(r"\1", line)


def _spoken(match: re.Match[str]) -> str:
    parts = match.groupdict()
    if parts["year"]:
        return f"{_one_by_one(parts['year'])}年{_cardinal(parts['month'])}月{_cardinal(parts['day'])}日"
    if parts["year_alone"]:
        return _one_by_one(parts["year_alone"])
    if parts["hour"]:
        minute = int(parts["minute"])
        end = {0: "", 30: "半"}.get(minute, ("零" if minute < 10 else "") + _cardinal(parts["minute"]) + "分")
        return f"{_counted(parts['hour'])}點{end}"
    if parts["upper"]:
        return f"{_cardinal(parts['lower'])}分之{_cardinal(parts['upper'])}"
    if parts["phone"]:
        return _one_by_one(re.sub(r"\D", "", parts["phone"]))
    rest = (parts["rest"] or "").strip()
    words = _cardinal(parts["number"].replace(",", ""))
    if parts["decimals"]:
        words += "點" + _one_by_one(parts["decimals"])
    elif rest or parts["money"] or _counts(match):
        words = "兩" if words == "二" else words
    if rest == "%":
        words = "百分之" + ("二" if words == "兩" else words)
    else:
        words += _UNITS.get(rest.lower(), "") + ("蚊" if parts["money"] else "")
    return ("負" if parts["minus"] else "") + words


def _counts(match: re.Match[str]) -> bool:
    return _TWO.match("二" + match.string[match.end() : match.end() + 2].lstrip()) is not None


def _counted(digits: str) -> str:
    return "兩" if int(digits) == 2 else _cardinal(digits)


def _one_by_one(digits: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in digits)


def _cardinal(digits: str) -> str:
    """The number in characters; digit by digit if it has too many or begins with a zero."""
    if digits.strip("0") == "":
        return _one_by_one(digits)
    if (digits[0] == "0" and len(digits) > 2) or len(digits) > 4 * len(_LARGE):
        return _one_by_one(digits)
    digits = digits.lstrip("0")
    words = ""
    for place in range(-(-len(digits) // 4) - 1, -1, -1):
        group = digits[max(0, len(digits) - 4 * place - 4) : len(digits) - 4 * place]
        if group.strip("0"):
            gap = "零" if words and group[0] == "0" else ""
            words += gap + _thousands(group.lstrip("0")) + _LARGE[place]
    return words[1:] if words.startswith("一十") else words


def _thousands(group: str) -> str:
    words = ""
    for place, digit in enumerate(group):
        if digit != "0":
            words += _DIGITS[int(digit)] + _SMALL[len(group) - place - 1]
        elif words and words[-1] != "零" and group[place:].strip("0"):
            words += "零"
    return words


def _is_chinese(char: str) -> bool:
    return char == "〇" or "\u3400" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff" or char >= "\U00020000"


@lru_cache(maxsize=8192)
def _fold(char: str) -> str:
    if char in _MARKS or char in _SIGNS:
        return _MARKS.get(char, char)
    if unicodedata.category(char) in ("Cs", "Cn", "Co", "Cc", "Cf"):
        return ""
    return char if char == "…" else unicodedata.normalize("NFKC", char)
