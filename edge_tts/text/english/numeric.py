"""Everything else that begins with a digit or a sign.

Money, measures, phone numbers, versions, fractions, ordinals, multiples, plain numbers.
"""

import re

from edge_tts.text.english.dates import FULL_MONTHS
from edge_tts.text.english.numbers import cardinal, decimal, digits, fraction, number, ordinal, year
from edge_tts.text.english.rules import Rule, Scan
from edge_tts.text.english.units import CODES, CURRENCIES, SCALES, UNITS

__all__ = ["LETTER_RULES", "RULES"]

Match = re.Match[str]

_NUM = r"(?:\d{1,3}(?:,\d{3}){1,5}(?!\d|,\d)(?:\.\d{1,20})?|\d{1,15}(?!\d)(?:\.\d{1,20})?|\.\d{1,20})(?!\d)"
_SCALE = r"(?:\s?(thousand|million|billion|trillion|hundred)\b|(k|K|mn|m|M|bn|B|b|trn|tn|T)\b)?"
_UNIT = "(" + "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True)) + ")"
_SPACED_WORDS = frozenset({"B", "N", "J", "A", "T", "ac", "mo", "pp", "bar", "h", "L", "V", "pt"})
"""Units that are taken for something else after a space (`section 3 A`)."""
_NO_YEAR = frozenset({"people", "men", "women", "children", "percent", "feet", "more", "other", "different", "new"})
_YEAR_BEFORE = frozenset({"in", "since", "year", "during", "circa", "until", "till", "before", "after", "by"})
_NOT_PLURAL = frozenset({"is", "was", "has", "as", "this", "its", "us", "across", "does", "plus", "versus", "always"})
_NEXT_WORD = re.compile(r"\s([a-z]{1,20})\b")
_COUNTRIES = {
    "A": "australian", "AU": "australian", "C": "canadian", "CA": "canadian", "NZ": "new zealand", "HK": "hong kong",
}  # fmt: skip
_DATE_BEFORE = frozenset({"on", "by", "until", "since", "due", "till"})
_AFTER_AMOUNT = frozenset("is was were are that which he she it we they i you in on for to from of and or at".split())
_PHONE_BEFORE = frozenset({"call", "dial", "dialed", "dialled", "phone", "text", "calling"})


def _money(match: Match, scan: Scan) -> list[str]:
    country, sign, first, _, second, long_scale, short_scale = match.groups()
    one, several, minor_one, minor_several = CURRENCIES[sign]
    scale = SCALES.get(long_scale or short_scale or "")
    names = _COUNTRIES.get(country, "").split()
    amount = second or first
    whole, _, part = amount.partition(".")
    words = [*number(first), "to"] if second else []
    if len(part) == 2 and not scale and not second and minor_one:
        major = int(whole.replace(",", "") or "0")
        if major:
            words += [*number(whole), *names, one if major == 1 else several]
        if int(part):
            minor = [*cardinal(str(int(part))), minor_one if int(part) == 1 else minor_several]
            words += ["and", *minor] if major else minor
        return words or ["zero", several]
    words += [*number(amount), *([scale] if scale else []), *names]
    follows = _NEXT_WORD.match(scan.text, match.end())
    article = scan.before()
    describes = follows and (article in ("a", "an") or (article == "the" and follows[1] not in _AFTER_AMOUNT))
    return [*words, one if describes or (amount == "1" and not scale and not second) else several]


def _money_after(match: Match, scan: Scan) -> list[str]:
    one, several, *_ = CURRENCIES[match[2]]
    return [*number(match[1]), one if match[1] == "1" else several]


def _coded(match: Match, scan: Scan) -> list[str]:
    amount, code = (match[2], match[1]) if match[1] else (match[3], match[4])
    return [*number(amount), *CODES[code].split()]


def _measure(match: Match, scan: Scan) -> list[str] | None:
    amount, gap, power, unit, per = match.groups()
    if (gap and unit in _SPACED_WORDS) or scan.text[match.start() - 1 : match.start()].isalpha():
        return None
    one, several = UNITS[unit]
    describes = gap == "-" or (scan.before() in ("a", "an") and amount != "1" and unit not in ("%", "°C", "°F"))
    words = [*number(amount), *([{"s": "square", "c": "cubic"}[power[0]]] if power else [])]
    words += (one if amount == "1" or (describes and _NEXT_WORD.match(scan.text, match.end())) else several).split()
    return [*words, "per", *UNITS[per][0].split()] if per else words


def _feet(match: Match, scan: Scan) -> list[str]:
    return [*cardinal(match[1]), "foot", *cardinal(match[2])]


def _phone(match: Match, scan: Scan) -> list[str]:
    words = ["plus"] if match[0][0] == "+" else []
    for place, group in enumerate(re.findall(r"\d+", match[0])):
        words += [*([","] if place else []), *digits(group)]
    return words


def _three_digits(match: Match, scan: Scan) -> list[str] | None:
    return digits(match[0]) if scan.before() in _PHONE_BEFORE else None


def _address(match: Match, scan: Scan) -> list[str]:
    first, *rest = match[0].split(".")
    return digits(first) + [word for part in rest for word in ["dot", *digits(part)]]


def _version(match: Match, scan: Scan) -> list[str]:
    words = ["version"] if match[1] and scan.before() != "version" else []
    for place, part in enumerate(match[2].split(".")):
        words += [*(["point"] if place else []), *cardinal(part)]
    return words


def _fraction(match: Match, scan: Scan) -> list[str]:
    whole, top, bottom, unit = match.groups()
    if (top, bottom) in (("24", "7"), ("9", "11")) or (top == bottom == "50"):
        words = [*cardinal(top), *cardinal(bottom)]
    elif not whole and scan.before() in _DATE_BEFORE and 1 <= int(top) <= 12 and 1 <= int(bottom) <= 31:
        words = [FULL_MONTHS[int(top) - 1], *ordinal(str(int(bottom)))]
    elif top == bottom:
        words = [*cardinal(top), "out", "of", *cardinal(bottom)]
    else:
        words = fraction(top, bottom)
    if whole:
        words = [*cardinal(whole), "and", *words]
    if not unit or unit in _SPACED_WORDS:
        return words
    return [*words, *(UNITS[unit][1].split() if whole else ["of", "a", *UNITS[unit][0].split()])]


def _ordinal(match: Match, scan: Scan) -> list[str]:
    return ordinal(match[1])


def _times(match: Match, scan: Scan) -> list[str]:
    return [*number(match[1]), "times"]


def _by(match: Match, scan: Scan) -> list[str]:
    return [*number(match[1]), "by"]


def _ratio(match: Match, scan: Scan) -> list[str]:
    return [*cardinal(match[1]), "to", *cardinal(match[2])]


def _scaled(match: Match, scan: Scan) -> list[str]:
    return [*number(match[1]), SCALES[match[2]]]


def _grouped(match: Match, scan: Scan) -> list[str]:
    return cardinal(match[0].replace(" ", ""))


def _numbered(match: Match, scan: Scan) -> list[str]:
    return ["number", *cardinal(match[1])]


def _plain(match: Match, scan: Scan) -> list[str]:
    text = match[0]
    if len(text) == 4 and text.isdigit() and text[0] in "12" and not _counts_things(scan, match.end()):
        return year(text) if text >= "1100" or scan.before() in _YEAR_BEFORE else cardinal(text)
    if "." in text and scan.before() in ("version", "release"):
        whole, _, part = text.partition(".")
        return [*cardinal(whole or "0"), "point", *cardinal(part)]
    return decimal(text) if "." in text else cardinal(text)


def _counts_things(scan: Scan, place: int) -> bool:
    """Whether `1500` is a quantity: a plural follows (`1500 houses`) and no `in` or `since` stands before."""
    follows = _NEXT_WORD.match(scan.text, place)
    if follows is None or scan.before() in _YEAR_BEFORE:
        return False
    word = follows[1]
    return word in _NO_YEAR or (word.endswith("s") and not word.endswith("ss") and word not in _NOT_PLURAL)


def _long(match: Match, scan: Scan) -> list[str]:
    return digits(match[0])


_CODE = "(" + "|".join(CODES) + ")"
_SIGN = "[" + "".join(CURRENCIES) + "]"

RULES: list[Rule] = [
    (
        re.compile(rf"(US|AU|CA|NZ|HK|A|C)?({_SIGN})\s?({_NUM})(\s?[–-]\s?{_SIGN}?({_NUM}))?{_SCALE}(?![A-Za-z])"),
        _money,
    ),
    (re.compile(r"(?:\+?1[ .-]?)?(?:\(\d{3}\)\s?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\d-])"), _phone),
    (re.compile(r"\d{3}-\d{4}(?![\d-])|\d{4}(?:[ -]\d{4}){3}(?!\d)|\d{1,5}(?:-\d{1,5}){2,5}(?![\d-])"), _phone),
    (re.compile(r"\+\d{1,3}(?:[ .-]?\(?\d{1,4}\)?){2,5}(?!\d)"), _phone),
    (re.compile(r"\d{3}\b(?![.,:/-]\d)"), _three_digits),
    (re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)"), _address),
    (re.compile(r"([vV]\.?\s?)?(\d{1,4}(?:\.\d{1,4}){2,5})(?!\.?\d)"), _version),
    (re.compile(r"([vV])(\d{1,4}(?:\.\d{1,4})?)(?!\.?\w)"), _version),
    (re.compile(r"(\d{1,2})'\s?(\d{1,2})(?:\"|'')"), _feet),
    (re.compile(rf"({_NUM})\s?([€£¥₹₩¢])"), _money_after),
    (re.compile(rf"{_CODE}\s?({_NUM})\b|({_NUM})\s?{_CODE}\b"), _coded),
    (re.compile(rf"({_NUM})([ -]?)(?:(sq\.?|square|cu\.?|cubic)\s)?{_UNIT}(?:/{_UNIT})?(?![\w^'])"), _measure),
    (re.compile(rf"(?:(\d{{1,4}})\s)?(\d{{1,4}})/(\d{{1,4}})(?![\d/]|\.\d)(?:[ -]?{_UNIT}(?![\w'^]))?"), _fraction),
    (re.compile(r"(\d{1,3}(?:,\d{3}){1,4}|\d{1,12})(?:st|nd|rd|th|ST|ND|RD|TH)\b"), _ordinal),
    (re.compile(rf"({_NUM})(?:[x×]|\sx\s)(?=\d)"), _by),
    (re.compile(rf"({_NUM})[xX]\b"), _times),
    (re.compile(rf"({_NUM})(M|bn|mn|tn)\b"), _scaled),
    (re.compile(r"(\d{1,6}):(\d{1,6})(?![\d:])"), _ratio),
    (re.compile(r"#(\d{1,9})\b"), _numbered),
    (re.compile(r"[1-9]\d{0,2}(?: \d{3}){2,4}(?![ ]?\d)"), _grouped),
    (re.compile(_NUM), _plain),
    (re.compile(r"\d+"), _long),
]

LETTER_RULES: list[Rule] = [rule for rule in RULES if rule[1] in (_money, _version, _coded)]
"""The rules whose text can begin with a letter: `US$5`, `v2.1`, `EUR 5`."""
