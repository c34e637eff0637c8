"""Dates and times of day: `2024-10-12`, `98年`, `8:30`, `9:00-17:30`, `3:05pm`."""

import re

from edge_tts.text.chinese.numbers import cardinal, digits
from edge_tts.text.chinese.rules import TO, Rule, follows

__all__ = ["RULES"]

_TIME = r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?(?![\d:])"
_HALF_DAY = r"(?: ?([AaPp])\.?[Mm](?![A-Za-z])\.?)?"
_SCORE = "比分|比例|比值|赔率|大比|[胜负败平]$|以$|成$|为$"
_SPAN_BEFORE = "[近约第满这每整几共长达超过了花用隔]$|未来$|过去$"
_SPAN_AFTER = re.compile("[来前后内间里以多代之]|的(?!时候)|历史|时间|左右|期|[有余]")


def _date(match: re.Match[str]) -> str | None:
    year, month, day = match.group(1, 3, 4)
    padded = len(month) == len(day) == 2
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31) or not (padded or year[:2] in ("19", "20")):
        return None
    return f"{digits(year)}年{cardinal(month.lstrip('0'))}月{cardinal(day.lstrip('0'))}日"


def _month(match: re.Match[str]) -> str:
    return f"{digits(match[1])}年{cardinal(match[2].lstrip('0'))}月"


def _season(match: re.Match[str]) -> str:
    return f"{digits(match[1])}到{digits(match[2])}"


def _year(match: re.Match[str]) -> str:
    year, month, day = match[1], match[2], match[3]
    said = (cardinal if _is_span(match) else digits)(year) + "年"
    said += cardinal(month.lstrip("0")) + "月" if month else ""
    return said + (cardinal(day.lstrip("0")) if day else "")


def _is_span(match: re.Match[str]) -> bool:
    """Whether `20年` is a length of time, or 八十年代, and not the year 2020. Four digits mostly are a year."""
    year = match[1]
    if match[2] or year[0] == "0" or match.string[match.start() - 1 : match.start()] == "(":
        return False
    if len(year) == 4:
        return year.endswith("000") and year != "2000"
    if follows(match, _SPAN_BEFORE) or _SPAN_AFTER.match(match.string, match.end()):
        return True
    return int(year) < 60 if len(year) == 2 else year.endswith("00") or (int(year) < 200 and year.endswith("0"))


def _time(match: re.Match[str]) -> str | None:
    hour, minute, second, half_day = match.groups()
    if follows(match, r"[\d:.]$", 1) or (not half_day and follows(match, _SCORE, 6)):
        return None
    before = {"a": "上午", "p": "下午"}[half_day.lower()] if half_day else ""
    return before + _clock(hour, minute, second)


def _time_range(match: re.Match[str]) -> str | None:
    if follows(match, r"[\d:.]$", 1):
        return None
    return _clock(*match.group(1, 2, 3)) + "至" + _clock(*match.group(4, 5, 6))


def _clock(hour: str, minute: str, second: str | None) -> str:
    said = ("两" if int(hour) == 2 else cardinal(str(int(hour)))) + "点"
    if minute == "30" and not second:
        return said + "半"
    if minute != "00" or (second and second != "00"):
        said += cardinal(minute) + "分" if minute != "00" else ""
        said += cardinal(second) + "秒" if second and second != "00" else ""
    return said


RULES: list[Rule] = [
    (re.compile(r"(?<!\d)(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d|\2\d)日?"), _date),
    (re.compile(r"(?<!\d)((?:19|20)\d\d)[-/](\d\d)(?=赛季|学年|年度)"), _season),
    (re.compile(r"(?<!\d)((?:19|20)\d\d)[-/](0[1-9]|1[0-2])(?![\d/-])"), _month),
    (re.compile(r"(?<![\d.])(\d{2,4})年(?:(0?[1-9]|1[0-2])月(?:(0?[1-9]|[12]\d|3[01])(?=[日号]))?)?"), _year),
    (re.compile(_TIME + TO + _TIME), _time_range),
    (re.compile(_TIME + _HALF_DAY), _time),
]
