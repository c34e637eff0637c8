"""Numbers to spoken words. Every function returns lower-case words; digits come in as written (`1,250`, `0.5`).

Cardinals and ordinals are num2words' in the American manner, without `and`. What is longer than 15 digits, or begins
with a zero, is read digit by digit.
"""

from functools import lru_cache

from num2words import num2words  # type: ignore[import-untyped]

__all__ = ["cardinal", "decimal", "digits", "fraction", "number", "ordinal", "plural_year", "year"]

_NAMES = "zero one two three four five six seven eight nine".split()
_MAX_DIGITS = 15
_YEARS = range(1010, 2100)


def digits(text: str) -> list[str]:
    """Each digit by its name; other characters are skipped."""
    return [_NAMES[ord(char) - 48] for char in text if "0" <= char <= "9"]


def cardinal(text: str) -> list[str]:
    """`1,250` → one thousand two hundred fifty."""
    plain = text.replace(",", "")
    if len(plain) > _MAX_DIGITS or (len(plain) > 1 and plain[0] == "0"):
        return digits(plain)
    return _words(int(plain), "cardinal")


def ordinal(text: str) -> list[str]:
    """`21` → twenty first."""
    plain = text.replace(",", "")
    return _words(int(plain), "ordinal") if len(plain) <= _MAX_DIGITS else digits(plain)


@lru_cache(maxsize=4096)
def _spell(value: int, form: str) -> str:
    spelled: str = num2words(value, to=form)
    return spelled.replace("-", " ").replace(",", "").replace(" and ", " ")


def _words(value: int, form: str) -> list[str]:
    return _spell(value, form).split()


def decimal(text: str) -> list[str]:
    """`3.14` → three point one four; `.5` → point five."""
    whole, _, part = text.partition(".")
    return [*(cardinal(whole) if whole else []), "point", *digits(part)]


def number(text: str) -> list[str]:
    """A whole number or a decimal, with an optional sign."""
    if text[0] in "+-":
        return ["minus" if text[0] == "-" else "plus", *number(text[1:])]
    return decimal(text) if "." in text else cardinal(text)


def year(text: str) -> list[str]:
    """`1984` → nineteen eighty four, `2005` → two thousand five, `1900` → nineteen hundred; others as cardinals."""
    value = int(text)
    if len(text) != 4 or value not in _YEARS or 2000 <= value < 2010:
        return cardinal(text)
    first, last = _words(value // 100, "cardinal"), value % 100
    if last == 0:
        return [*first, "hundred"]
    return [*first, *(["oh"] if last < 10 else []), *_words(last, "cardinal")]


def plural_year(text: str) -> list[str]:
    """The decade that begins with `text`: `1990` → nineteen nineties, `80` → eighties, `1900` → nineteen hundreds."""
    *first, last = year(text) if len(text) == 4 else cardinal(text)
    return [*first, last[:-1] + "ies" if last.endswith("y") else last + ("es" if last == "six" else "s")]


def fraction(top: str, bottom: str) -> list[str]:
    """`3/4` → three quarters; denominators that have no ordinal in use are read with `over`."""
    denominator = int(bottom)
    if denominator < 2 or (denominator > 20 and denominator not in (32, 64, 100, 1000)) or len(top) > 3:
        return [*cardinal(top), "over", *cardinal(bottom)]
    one = int(top) == 1
    if denominator == 2:
        return [*cardinal(top), "half" if one else "halves"]
    name = ["quarter"] if denominator == 4 else ordinal(bottom)
    return [*cardinal(top), *name[:-1], name[-1] if one else name[-1] + "s"]
