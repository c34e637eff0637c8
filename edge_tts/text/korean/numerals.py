"""Numbers in a Korean text, in words: Sino-Korean ones, and native ones before what is counted with them.

Up to 99 of the counters below are counted with native numbers (세 개, 스무 살), hours up to 12 (세 시); everything else
is Sino-Korean. Digits after a leading zero and of telephone numbers are said one by one.
"""

import re

__all__ = ["spoken_numbers"]

_DIGITS = "영일이삼사오육칠팔구"
_SMALL = ("", "십", "백", "천")
_LARGE = ("", "만", "억", "조", "경")
_NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_COUNTERS = (
    "가지 군데 권 개 그루 다발 달 대 마디 마리 명 모금 묶음 발짝 방울 배 번 벌 병 봉지 사람 살 상자 송이 술 시간 알"
    " 잔 장 줄 줄기 짝 차례 채 척 첩 축 층계 칸 켤레 컵 토막 톨 통 판 포기 폭 푼 해 쌍 시"
).split()
_SINO_ONLY = ("개월", "개국", "개년", "대로", "번지", "번길", "점대", "달러", "채널", "시즌", "시리즈", "시그마")
_MOST_NATIVE = {"시": 12, "시간": 20}
_UNITS = {
    "km": "킬로미터", "m": "미터", "cm": "센티미터", "mm": "밀리미터", "kg": "킬로그램", "g": "그램", "mg": "밀리그램",
    "l": "리터", "ml": "밀리리터", "kb": "킬로바이트", "mb": "메가바이트", "gb": "기가바이트", "tb": "테라바이트",
    "hz": "헤르츠", "khz": "킬로헤르츠", "mhz": "메가헤르츠", "ghz": "기가헤르츠", "km/h": "킬로미터", "%": "퍼센트",
    "℃": "도", "°c": "도", "°": "도", "$": "달러", "€": "유로",
}  # fmt: skip
_MONTHS = {"6": "유", "10": "시"}

_NUMBER = r"\d{1,3}(?:,\d{3})+|\d+"
_COUNTER = "|".join(sorted(_COUNTERS, key=len, reverse=True))
_NO_COUNTER = "|".join(_SINO_ONLY) + r"|(?<=\d0)대"
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_PATTERN = re.compile(
    rf"(?P<phone>(?<![\d-])\d{{2,4}}(?:-\d{{3,4}}){{1,2}}(?![\d-]))"
    r"|(?<!\d)(?P<year>\d{4})(?P<sign>[-./])(?P<month>1[0-2]|0?[1-9])(?P=sign)(?P<day>3[01]|[12]\d|0?[1-9])(?!\d)"
    r"|(?<!\d)(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?!\d)"
    r"|(?<!\d)(?P<upper>\d{1,4})/(?P<lower>\d{1,4})(?!\d)"
    r"|(?P<won>[₩$€](?=\d))?(?P<minus>(?<![\dA-Za-z가-힣])-)?"
    rf"(?P<number>{_NUMBER})(?:\.(?P<decimals>\d+))?"
    rf"(?:(?P<space>\s?)(?:(?P<unit>{_UNIT})(?![A-Za-z])|(?P<counter>(?!{_NO_COUNTER})(?:{_COUNTER})))"
    r"|(?P<moon>월))?",
    re.IGNORECASE,
)
_FIRST = re.compile(r"(?<!\d)1\s?번째")
_TO = re.compile(r"(?<=\d)\s?[~∼〜]\s?(?=\d)")
_SPELLED = {"€": "유로", "$": "달러", "₩": "원"}


def spoken_numbers(text: str) -> str:
    """`text` with every digit in words."""
    text = _FIRST.sub("첫번째", text)
    return _PATTERN.sub(_spoken, _TO.sub("에서 ", text))


def _spoken(match: re.Match[str]) -> str:
    parts = match.groupdict()
    if parts["phone"]:
        return " ".join(_one_by_one(part) for part in parts["phone"].split("-"))
    if parts["year"]:
        month = _month(str(int(parts["month"])))
        return f"{_sino(parts['year'])}년 {month} {_sino(parts['day'])}일"
    if parts["hour"]:
        minute = "" if int(parts["minute"]) == 0 else f" {_sino(parts['minute'])}분"
        return f"{_counted(parts['hour'], '시')}{minute}"
    if parts["upper"]:
        return f"{_sino(parts['lower'])}분의 {_sino(parts['upper'])}"
    number = parts["number"].replace(",", "")
    minus = "마이너스 " if parts["minus"] else ""
    if parts["moon"]:
        return minus + _month(number.lstrip("0") or "0")
    if parts["decimals"]:
        words = f"{_sino(number)} 점 {_one_by_one(parts['decimals'])}"
    else:
        words = _counted(number, "") if not parts["counter"] else ""
    unit = _UNITS.get((parts["unit"] or "").lower(), "")
    if (parts["unit"] or "").lower() == "km/h":
        words = f"시속 {words}"
    if parts["won"]:
        unit = f"{_SPELLED[parts['won']]} {parts['space'] or ''}{parts['unit'] or ''}".strip()
    if parts["counter"]:
        return minus + (words + parts["counter"] if words else _counted(number, parts["counter"], parts["space"]))
    return f"{minus}{words} {unit}".rstrip() if unit else minus + words + (parts["space"] or "")


def _counted(number: str, counter: str, space: str = "") -> str:
    most = _MOST_NATIVE.get(counter, 99)
    words = _native(int(number)) if counter and len(number) < 3 and 0 < int(number) <= most else _sino(number)
    return words + space + counter


def _month(number: str) -> str:
    return _MONTHS.get(number, _sino(number)) + "월"


def _native(value: int) -> str:
    tens, ones = divmod(value, 10)
    return "스무" if value == 20 else _NATIVE_TENS[tens] + _NATIVE_ONES[ones]


def _one_by_one(digits: str) -> str:
    return "".join("공" if digit == "0" else _DIGITS[int(digit)] for digit in digits)


def _sino(digits: str) -> str:
    """The number in words; one by one if it begins with a zero or has no name."""
    if digits.strip("0") == "":
        return "영" if len(digits) == 1 else _one_by_one(digits)
    if (digits[0] == "0" and len(digits) > 2) or len(digits) > 4 * len(_LARGE):
        return _one_by_one(digits)
    digits = digits.lstrip("0")
    words: list[str] = []
    for place in range(-(-len(digits) // 4) - 1, -1, -1):
        group = digits[max(0, len(digits) - 4 * place - 4) : len(digits) - 4 * place]
        value = _thousands(group)
        if value:
            words.append(("" if value == "일" and place == 1 and not words else value) + _LARGE[place])
    return "".join(words)


def _thousands(group: str) -> str:
    words = ""
    for place, digit in enumerate(reversed(group)):
        if digit != "0":
            words = ("" if digit == "1" and place else _DIGITS[int(digit)]) + _SMALL[place] + words
    return words
