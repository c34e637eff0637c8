"""Numbers that say how much: percentages, fractions, temperatures, sums of money, formulas, ranges, measures."""

import re

from edge_tts.text.chinese.codes import bare
from edge_tts.text.chinese.numbers import cardinal, digits, number
from edge_tts.text.chinese.rules import NUMBER, TO, Rule, follows
from edge_tts.text.chinese.units import CURRENCY, LATIN, MEASURE, ORDINAL, currency, latin_unit

__all__ = ["OPERATORS", "RULES"]

OPERATORS = {
    "+": "加", "-": "减", "×": "乘", "*": "乘", "x": "乘", "X": "乘", "÷": "除以", "/": "除以", "=": "等于",
    "<": "小于", ">": "大于", "≤": "小于等于", "≥": "大于等于", "≠": "不等于", "≈": "约等于", "±": "正负",
}  # fmt: skip

_POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_OPERAND = r"-?\d+(?:\.\d+)?(?:[⁰¹²³⁴⁵⁶⁷⁸⁹]+|\^\d+)?%?"
_FORMULA = re.compile(rf"{_OPERAND}(?: ?[-+×*xX÷/=<>≤≥≠≈±] ?{_OPERAND}){{1,40}}")
_SURELY = re.compile(r"[+×*xX÷=<>≤≥≠≈±^⁰¹²³⁴⁵⁶⁷⁸⁹]")
_PART = re.compile(
    r"(?P<operand>(?:(?<![\d%])-)?\d+(?:\.\d+)?)(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹]+|\^\d+)?(?P<percent>%)?| ?(?P<sign>\D) ?"
)

_SCORE_BEFORE = "比分|大比|[以胜负败平]$|战[胜平]|击败|领先|落后"
_SCORE_AFTER = re.compile("[大完险惨小]?[胜负败]|战[胜平]|击[败退]|取胜|获胜|力克|领先|逆转|落后|淘汰|横扫")
_MINUS_AFTER = "(?:^|[^一-龥A-Za-z0-9])$|[是为到达至约近在于从和与或跌降增长温度率幅差减加等负均数值]$"
_NUMBERED = ("号", "路", "线", "班")
"""Before these, numbers of three digits and more are names."""

_OF_A_YEAR = ("届", "级", "款")
"""Before these, 1998 is the year."""

_DEGREES = "(?:°C|℃|摄氏度|度|°F|℉|华氏度|°)"
_DEGREE_NAMES = {"摄氏度": "摄氏度", "°F": "华氏度", "℉": "华氏度", "华氏度": "华氏度"}
_SCALE = "(?:万亿|千万|百万|十万|万|亿|千|百)?"


def _signed(text: str) -> str:
    return "负" + number(text[1:]) if text[0] == "-" else number(text)


def _percent(match: re.Match[str]) -> str | None:
    low, high, mark = match.group("low", "high", "mark")
    if match[0][0] == "-" and not follows(match, _MINUS_AFTER, 1):
        return None
    of = "百分之" if mark == "%" else "千分之"

    def said(part: str) -> str:
        return "负" + of + number(part[1:]) if part[0] == "-" else of + number(part)

    return said(low) if high is None else f"{said(low)}到{said(high)}"


def _temperature(match: re.Match[str]) -> str:
    low, first, between, high, unit = match.group("low", "first", "between", "high", "unit")
    name = _DEGREE_NAMES.get(unit, "度")
    ends = ["零下" + number(end[1:]) if end[0] == "-" else number(end) for end in (low, high) if end]
    if high is None:
        return ends[0] + name
    return ends[0] + (name if first else "") + _to(between, bool(first)) + ends[1] + name


def _money(match: re.Match[str]) -> str:
    low, high, sign = match.group("low", "high", "sign")
    sums = _signed(low) + "到" + _signed(high) if high else "两" if low == "2" else _signed(low)
    return sums + match["scale"] + currency(sign)


def _fraction(match: re.Match[str]) -> str | None:
    sign, top, bottom = match.groups()
    if sign and not follows(match, _MINUS_AFTER, 1):
        return None
    return f"{'负' if sign else ''}{cardinal(bottom)}分之{cardinal(top)}"


def _formula(match: re.Match[str]) -> str | None:
    """Only what has a sign that leaves no doubt: in `3-5` and `3/5` there is none."""
    if not _SURELY.search(match[0]):
        return None
    said = ""
    for part in _PART.finditer(match[0]):
        if part["sign"]:
            said += OPERATORS[part["sign"]]
            continue
        value = _signed(part["operand"])
        said += "百分之" + value if part["percent"] else value
        said += _power(part["power"] or "")
    return said


def _power(text: str) -> str:
    """`²` or `^2`."""
    return f"的{cardinal(text.translate(_POWERS).lstrip('^'))}次方" if text else ""


def _per(match: re.Match[str]) -> str:
    return ("每" if match[0][0] == "/" else "") + latin_unit(match["unit"])


def _range(match: re.Match[str]) -> str | None:
    low, first, between, high, unit = match.group("low", "first", "between", "high", "unit")
    if low[0] == "-" and not follows(match, _MINUS_AFTER, 1):
        return None
    if between.strip() == "-" and not unit and not first:
        if follows(match, _SCORE_BEFORE, 6) or _SCORE_AFTER.match(match.string, match.end()):
            return f"{_signed(low)}比{_signed(high)}"
        if _value(low) >= _value(high) or match.string[match.end() : match.end() + 2].strip()[:1] == "=":
            return f"{_signed(low)}减{_signed(high)}"
    if unit == "年" or (not unit and _are_years(low, high)):
        is_span = unit == "年" and (len(low) < 3 or (low.endswith("00") and len(low) < 4))
        ends = [cardinal(end) if is_span else digits(end) for end in (low, high)]
    else:
        ends = [_counted(end, first or unit or "", match) for end in (low, high)]
    return ends[0] + _unit(first or "") + _to(between, bool(first)) + ends[1] + _unit(unit or "")


def _ratio(match: re.Match[str]) -> str:
    return "比".join(number(part) for part in match[0].split(":"))


def _more(match: re.Match[str]) -> str:
    return cardinal(match[1]) + match[2]


def _measured(match: re.Match[str]) -> str | None:
    value, more, unit = match.group("value", "more", "unit")
    if value[0] == "-" and not follows(match, _MINUS_AFTER, 1):
        return None
    if len(value) > 2 and (unit in _NUMBERED or follows(match, "[A-Za-z]$", 1)):
        return None
    if unit in _OF_A_YEAR and value[:2] in ("19", "20") and len(value) == 4:
        return None
    return _counted(value, unit, match) + ("多" if more == "+" else more or "") + _unit(unit)


def _counted(value: str, unit: str, match: re.Match[str]) -> str:
    """A number before its measure word: two of a thing are 两, the second of a row is 二."""
    is_place = re.fullmatch(ORDINAL, unit) or follows(match, "[第初周期十百千万零]$|星期$|礼拜$", 2)
    return "两" if value == "2" and unit and not is_place else _signed(value)


def _to(between: str, units_on_both: bool) -> str:
    """How the sign of a range is said; 至 and 到 stay as they are."""
    sign = between.strip()
    return sign if sign in "到至" else "至" if units_on_both and "~" in sign else "到"


def _unit(unit: str) -> str:
    return latin_unit(unit.strip()) if unit and unit.strip()[0] < "一" else unit


def _value(text: str) -> float:
    return float(text.replace(",", ""))


def _are_years(low: str, high: str) -> bool:
    return len(low) == len(high) == 4 and "1000" <= low < high < "2100" and int(high) - int(low) < 200


def _negative(match: re.Match[str]) -> str | None:
    return "负" + number(match[1]) if follows(match, _MINUS_AFTER, 1) else None


_DECIMAL = r"(?:\d{1,3}(?:,\d{3}){1,5}(?!\d)|\d+)\.\d+|\d{1,3}(?:,\d{3}){1,5}(?!\d)|\.\d+"
_ANY_UNIT = f"(?: ?{LATIN}|{ORDINAL}|{MEASURE})"
_LOW = f"(?P<low>-?{NUMBER})"
_HIGH = f"(?P<between>{TO})(?P<high>-?{NUMBER})"

RULES: list[Rule] = [
    (re.compile(rf"{_LOW}(?:[%‰]?{_HIGH})?(?P<mark>[%‰])"), _percent),
    (re.compile(rf"{_LOW}(?:(?P<first>{_DEGREES})?{_HIGH})? ?(?P<unit>{_DEGREES})"), _temperature),
    (re.compile(rf"(?P<sign>{CURRENCY}) ?{_LOW}(?:{_HIGH})?(?P<scale>{_SCALE})(?:美?元|块钱?)?"), _money),
    (_FORMULA, _formula),
    (re.compile(r"(?<![\d/])(-?)(\d+)/(\d+)(?![\d/])"), _fraction),
    (re.compile(rf"{_LOW}(?P<first>{_ANY_UNIT})?{_HIGH}(?P<unit>{_ANY_UNIT})?(?![\d-])"), _range),
    (re.compile(r"\d+(?:\.\d+)?(?::\d+(?:\.\d+)?){1,8}"), _ratio),
    (re.compile(rf"(?P<value>-?{NUMBER})(?P<more>[多余几来+])?(?P<unit>{_ANY_UNIT})"), _measured),
    (re.compile(r"(\d+)([多余])"), _more),
    (re.compile(rf"-({NUMBER})"), _negative),
    (re.compile(_DECIMAL), lambda match: number(match[0])),
    (re.compile(r"\d+"), bare),
    (re.compile(r"(?<=[\dA-Za-z)])(?:\^\d+|[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"), lambda match: _power(match[0])),
    (re.compile(rf"(?<=[一-龥])(?:/ ?|(?<=每))(?P<unit>{LATIN})"), _per),
]
