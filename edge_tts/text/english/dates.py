"""Dates and times of day. Numeric dates are read month/day, as in America, unless only day/month is possible."""

import re

from edge_tts.text.english.numbers import cardinal, ordinal, plural_year, year
from edge_tts.text.english.rules import END, Rule, Scan, closes_sentence

__all__ = ["APOSTROPHE_RULES", "FULL_MONTHS", "MONTHS", "RULES"]

FULL_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip

MONTHS = {**{name: name for name in FULL_MONTHS}, **{name[:3]: name for name in FULL_MONTHS}, "sept": "september"}
"""Lower-case month names and short forms → full name."""

_MONTH = "(" + "|".join(name.capitalize() for name in sorted(MONTHS, key=len, reverse=True)) + r")\b\.?"
_DAY = r"(3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?\b(?![:/]\d|[.,]\d|\s?[ap]\.?m\b|%)"
_YEAR = r"(1\d{3}|20\d\d)(?![\d%]|[.,:]\d)"

Match = re.Match[str]


def _date(month: str, day: str, year_text: str) -> list[str]:
    return [month, *ordinal(str(int(day))), *(year(year_text) if year_text else [])]


def _month_day(match: Match, scan: Scan) -> list[str]:
    month, day, last, comma, year_text = match.groups()
    words = _date(MONTHS[month.lower()], day, "")
    if last:
        words += ["to", *ordinal(last)]
    return words + ([*([","] if comma else []), *year(year_text)] if year_text else [])


def _month_year(match: Match, scan: Scan) -> list[str]:
    return [MONTHS[match[1].lower()], *year(match[2])]


def _day_month(match: Match, scan: Scan) -> list[str]:
    day, month, year_text = match.groups()
    article = [] if scan.before() == "the" else ["the"]
    return [*article, *ordinal(day), "of", MONTHS[month.lower()], *(year(year_text) if year_text else [])]


def _short_month(match: Match, scan: Scan) -> list[str]:
    return [MONTHS[match[1].lower()], *([END] if closes_sentence(scan.text, match.end()) else [])]


def _iso(match: Match, scan: Scan) -> list[str] | None:
    year_text, month, day = match.groups()
    return _date(FULL_MONTHS[int(month) - 1], day, year_text)


def _numeric(match: Match, scan: Scan) -> list[str] | None:
    first, sign, second, year_text = match.groups()
    month, day = (int(second), int(first)) if sign == "." or int(first) > 12 else (int(first), int(second))
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    if len(year_text) == 2:
        year_text = ("20" if int(year_text) < 70 else "19") + year_text
    return _date(FULL_MONTHS[month - 1], str(day), year_text)


def _half_of_day(text: str | None) -> list[str]:
    return [text[0].upper(), "M"] if text else []


def _ended(match: Match, words: list[str], half: str | None) -> list[str]:
    ends = half is not None and half.endswith(".") and closes_sentence(match.string, match.end())
    return [*words, END] if ends else words


def _clock(match: Match, scan: Scan) -> list[str] | None:
    hours, minutes, seconds, half = match.groups()
    if int(hours) > 24 or int(minutes) > 59 or (seconds and int(seconds) > 59):
        return None
    words = cardinal(str(int(hours)))
    if int(minutes) == 0 and not seconds:
        if not half:
            words += ["hundred"] if int(hours) > 12 else ["o'clock"]
        if int(hours) == 0:
            words = ["midnight"]
    else:
        words += [*(["oh"] if minutes[0] == "0" else []), *cardinal(str(int(minutes)))]
    if seconds:
        words += ["and", *cardinal(str(int(seconds))), "second" if int(seconds) == 1 else "seconds"]
    return _ended(match, words + _half_of_day(half), half)


def _hour(match: Match, scan: Scan) -> list[str] | None:
    if not 1 <= int(match[1]) <= 12:
        return None
    return _ended(match, cardinal(str(int(match[1]))) + _half_of_day(match[2]), match[2])


def _decade(match: Match, scan: Scan) -> list[str]:
    return plural_year(match[1])


def _short_year(match: Match, scan: Scan) -> list[str]:
    return cardinal(match[1]) if match[1][0] != "0" else ["oh", *cardinal(match[1][1])]


_HALF = r"([ap]\.m\.|[AP]\.M\.|[ap]m\b|[AP]M\b)"

RULES: list[Rule] = [
    (
        re.compile(rf"{_MONTH}\s{{1,3}}{_DAY}(?:\s?[–-]\s?(3[01]|[12]\d|[1-9])\b)?(?:(\s?,)?\s{{1,3}}{_YEAR})?"),
        _month_day,
    ),
    (re.compile(rf"{_MONTH}(?:\s?,|\s+of)?\s{{1,3}}{_YEAR}"), _month_year),
    (re.compile(r"(Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\."), _short_month),
    (re.compile(rf"(3[01]|[12]\d|0?[1-9])(?:st|nd|rd|th)?\s(?:of\s)?{_MONTH}(?:,?\s{{1,3}}{_YEAR})?"), _day_month),
    (re.compile(r"(1\d{3}|20\d\d)-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])(?!\d|-)T?"), _iso),
    (re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\d/]|[.-]\d)"), _numeric),
    (re.compile(rf"(\d{{1,2}}):(\d\d)(?::(\d\d))?(?![\d:])(?:\s?{_HALF})?"), _clock),
    (re.compile(rf"(\d{{1,2}})\s?{_HALF}"), _hour),
    (re.compile(r"'?((?:1\d|20)\d0|[2-9]0)'?s\b"), _decade),
    (re.compile(r"'(\d\d)\b(?!['\"])"), _short_year),
]

APOSTROPHE_RULES: list[Rule] = RULES[-2:]
"""The rules whose text can begin with an apostrophe: `'90s`, `'68`."""
