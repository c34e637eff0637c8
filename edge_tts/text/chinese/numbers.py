"""Written numbers to Chinese words. Digits come in as written (`1250`, `1,250`, `0.50`), without a sign.

Cardinals are standard Mandarin: 十五, not 一十五, at the beginning; one 零 for each gap; 万 and 亿 for every four
digits. What is longer than 16 digits, or begins with a zero, is read digit by digit.
"""

__all__ = ["cardinal", "digits", "is_round", "number", "telephone"]

_NAMES = "零一二三四五六七八九"
_PLACES = ("", "十", "百", "千")
_GROUPS = ("", "万", "亿", "万亿")
_MAX_DIGITS = 16


def digits(text: str) -> str:
    """Each digit by its name: `2024` → 二零二四. Other characters are left out."""
    return "".join(_NAMES[ord(char) - 48] for char in text if "0" <= char <= "9")


def telephone(text: str) -> str:
    """Each digit by its name, one as 幺, which can't be taken for seven: `119` → 幺幺九."""
    return digits(text).replace("一", "幺")


def cardinal(text: str) -> str:
    """`10250` → 一万零二百五十; `007` → 零零七."""
    plain = text.replace(",", "")
    if len(plain) > _MAX_DIGITS or (len(plain) > 1 and plain[0] == "0"):
        return digits(plain)
    words = ""
    groups = -(-len(plain) // 4)
    padded = plain.zfill(groups * 4)
    gap = False
    for place in range(groups):
        group = padded[place * 4 : place * 4 + 4]
        if group == "0000":
            gap = True
            continue
        words += _group(group, gap=bool(words) and (gap or group[0] == "0")) + _GROUPS[groups - place - 1]
        gap = False
    return _one_ten(_myriads(words)) or "零"


def number(text: str) -> str:
    """A whole number or a decimal: `3.14` → 三点一四, `.5` → 零点五, `2.00` → 二点零."""
    whole, point, part = text.replace(",", "").partition(".")
    if not point:
        return cardinal(whole)
    kept = part.rstrip("0") + ("0" if part.endswith("0") else "")
    return (cardinal(whole.lstrip("0")) if whole.strip("0") else "零") + "点" + digits(kept)


def is_round(text: str) -> bool:
    """Whether the number ends in at least two zeros and says little more: 100, 1500, 20000; not 545500."""
    return text.endswith("00") and text[0] != "0" and len(text) <= _MAX_DIGITS and len(text.rstrip("0")) <= 2


def _group(group: str, gap: bool) -> str:
    """Four digits, not all zero, with 零 for each gap inside, and before them if `gap`."""
    words = ""
    for place, digit in enumerate(group):
        if digit == "0":
            gap = gap or bool(words)
            continue
        words += ("零" if gap else "") + _NAMES[int(digit)] + _PLACES[3 - place]
        gap = False
    return words


def _myriads(words: str) -> str:
    """`一万亿零三亿` → 一万零三亿: 亿 is said once."""
    head, found, rest = words.partition("万亿")
    return head + ("万" if "亿" in rest else "万亿") + rest if found else words


def _one_ten(words: str) -> str:
    return words[1:] if words.startswith("一十") else words
