"""Digits that are read one by one: telephone numbers, versions, addresses, numbers of rooms, flights and years."""

import re

from edge_tts.text.chinese.numbers import cardinal, digits, is_round, telephone
from edge_tts.text.chinese.rules import Rule, follows
from edge_tts.text.chinese.units import MEASURE

__all__ = ["RULES", "bare"]

_CODE = (
    "电话|热线|手机|号码|编[号码]|房间|密码|代码|验证码|邮编|尾号|[工学座账卡帐单代型牌]号"
    "|航班|车次|拨打?|致电|[A-Za-z]$"
)
_NO_MEASURE = f"(?!{MEASURE})"


def _groups(match: re.Match[str]) -> str:
    """Groups of digits with a pause between them."""
    return ",".join(telephone(part) for part in re.split(r"[- ]", match[0].lstrip("+")) if part)


def _version(match: re.Match[str]) -> str:
    return "点".join(map(digits, match[0].split(".")))


def bare(match: re.Match[str]) -> str:
    """A whole number (group 0) that nothing explains. Up to two digits it is a number; more are mostly a code.

    Round ones are numbers too, and 1900 to 2099 mostly is a year, unless a word for a code stands before.
    """
    number = match[0]
    if number[0] == "0" and len(number) > 1:
        return telephone(number)
    if len(number) < 3:
        return cardinal(number)
    if not follows(match, _CODE):
        if len(number) == 4 and number[:2] in ("19", "20") and not number.endswith("000"):
            return digits(number)
        if is_round(number):
            return cardinal(number)
    return telephone(number)


RULES: list[Rule] = [
    (re.compile(r"(?<![\d.])(?:\+?86[- ]?)?1[3-9]\d(?:\d{8}|-\d{4}-\d{4}| \d{4} \d{4})(?![\d.%])"), _groups),
    (re.compile(r"(?<![\d.])[48]00(?:\d{7}|-\d{3}-?\d{4}|-\d{4}-\d{3}| \d{3} \d{4})(?!\d)"), _groups),
    (re.compile(r"(?<![\d.])0(?:10|2\d|[3-9]\d{2})[- ]?\d{7,8}(?:-\d{1,6})?(?!\d)"), _groups),
    (re.compile(rf"(?<![\d.])[1-9]\d{{6,7}}(?![\d.%]){_NO_MEASURE}"), _groups),
    (re.compile(r"\d+(?:\.\d+){2,}"), _version),
    (re.compile(r"\d+(?:-\d+){2,}"), _groups),
]
