"""Which language each part of a sentence is in, by its script.

`zh`, `ja`, `ko` and `yue` stand for that language with English inside; `auto` tells all of them apart, Chinese
characters being Mandarin unless kana stand in the same sentence, and Cantonese instead of Mandarin with `auto_yue`.
GPT-SoVITS's names `all_zh`, `all_ja`, … are the same as the short ones, except that digits are never English.
Punctuation and spaces belong to the run before them, opening brackets to the one behind.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from edge_tts.errors import TextError

__all__ = ["LANGUAGES", "Run", "checked", "runs"]

_READ = ("zh", "ja", "ko", "yue")

LANGUAGES = ("en", *_READ, "auto", "auto_yue", *(f"all_{code}" for code in _READ))
"""All names of languages that `front_end` takes."""

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff々〆〇\U00020000-\U0003ffff"
KANA = "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
HANGUL = "\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\uac00-\ud7ff\uffa1-\uffdc"
LATIN = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff\uff21-\uff3a\uff41-\uff5a"

_TOKEN = re.compile(
    r"(?P<inline>\{[^{}|/\n]{1,80}\|/[^/{}\n]{1,200}/\})"
    rf"|(?P<digit>(?:[¥￥$€£₩]|(?<![{LATIN}\d])[-−])?\d(?:\d|[.,:/~〜～\-](?=\d))*"
    rf"(?:\s?(?:km/h|[kcm]?m|[km]?g|ml|°C|℃|[%％‰°])(?![{LATIN}]))?)"
    rf"|(?P<en>[{LATIN}]+)|(?P<ja>[{KANA}]+)|(?P<ko>[{HANGUL}]+)|(?P<han>[{HAN}]+)"
)
_OPENING = " \t\n\"'([{“‘«「『（［｛〈《【〔"
_ENDS = (",", ".", "!", "?", "，", "。", "！", "？", "、")
_COUNTED = frozenset(
    "年月日号號点點时時分秒岁歲歳天周週个個只隻条條张張本台臺件次位名人口元圆圓块塊円蚊倍度层層楼樓階万萬亿億兆千百回"
    "년월일시분초개명원번살층권장대위회만억천백"
)
"""What directly follows its number is in the number's language."""
_NOT_IN_JIS_BUT_JAPANESE = frozenset("𠮟塡剝頰俱々〆〇")


@dataclass(frozen=True)
class Run:
    """The part `start:end` of a sentence, in one of the languages `en`, `zh`, `ja`, `ko`, `yue`."""

    language: str
    start: int
    end: int


def checked(language: str) -> str:
    """`language` if it is one of `LANGUAGES`, otherwise TextError."""
    if language not in LANGUAGES:
        raise TextError(f"can't read language {language!r}: use one of {', '.join(LANGUAGES)}")
    return language


def runs(sentence: str, language: str) -> list[Run]:
    """The runs of one language that `sentence` is made of, in order and without gaps; none if it is empty.

    A sentence without a letter or a digit is one run. Raises TextError for an unknown language.
    """
    if checked(language) == "en" or not sentence:
        return [Run("en", 0, len(sentence))] if sentence else []
    fixed = language.removeprefix("all_") if language.removeprefix("all_") in _READ else ""
    default = fixed or ("yue" if language == "auto_yue" else "zh")
    found = [
        Run(match.lastgroup or "", match.start(), match.end())
        for match in _TOKEN.finditer(sentence)
        if match.lastgroup is not None
    ]
    if not found:
        return [Run(default, 0, len(sentence))]
    if fixed:
        named = [replace(run, language=_fixed(run.language, fixed, language != fixed)) for run in found]
    else:
        named = _by_script(sentence, found, default)
    return _merged(_without_digits(sentence, _merged(_without_gaps(sentence, named)), default))


def _fixed(kind: str, language: str, own_digits: bool) -> str:
    if kind in ("en", "inline"):
        return "en"
    return "digit" if kind == "digit" and not own_digits else language


def _by_script(sentence: str, found: Sequence[Run], default: str) -> list[Run]:
    """Scripts to languages. Chinese characters beside kana are Japanese, but not in a sentence with some that Japanese
    never writes (你, 这, 吗): there only those with kana on both sides are."""
    kana = any(run.language == "ja" for run in found)
    chinese = kana and any(run.language == "han" and not _is_japanese(sentence[run.start : run.end]) for run in found)
    named = []
    for place, run in enumerate(found):
        language = {"inline": "en", "han": default}.get(run.language, run.language)
        if run.language == "han" and kana:
            around = [found[other] for other in (place - 1, place + 1) if 0 <= other < len(found)]
            enclosed = len(around) == 2 and all(
                other.language == "ja" and (other.end == run.start or other.start == run.end) for other in around
            )
            if not chinese or enclosed:
                language = "ja"
        named.append(replace(run, language=language))
    return named


def _is_japanese(text: str) -> bool:
    """Whether Japanese's character sets have all of `text`."""
    try:
        "".join(char for char in text if char not in _NOT_IN_JIS_BUT_JAPANESE).encode("cp932")
    except UnicodeEncodeError:
        return False
    return True


def _without_gaps(sentence: str, named: Sequence[Run]) -> list[Run]:
    """What stands between two runs goes to the first of them, opening brackets and quotes to the second."""
    closed = []
    start = 0
    for place, run in enumerate(named):
        following = named[place + 1].start if place + 1 < len(named) else len(sentence)
        end = following
        if place + 1 < len(named):
            gap = sentence[run.end : following]
            before = gap.rstrip(_OPENING)
            opening = gap[len(before) :].lstrip()
            end = following - len(opening)
        closed.append(Run(run.language, start, end))
        start = end
    return closed


def _merged(row: Iterable[Run]) -> list[Run]:
    merged: list[Run] = []
    for run in row:
        _append(merged, run)
    return merged


def _append(row: list[Run], run: Run) -> None:
    if row and row[-1].language == run.language:
        row[-1] = replace(row[-1], end=run.end)
    else:
        row.append(run)


def _without_digits(sentence: str, row: Sequence[Run], default: str) -> list[Run]:
    """Digits join a neighbour: what is counted, or the one on their side of a comma or full stop, or the longer one."""
    named: list[Run] = []
    for place, run in enumerate(row):
        if run.language == "digit":
            before = named[-1] if named else None
            after = row[place + 1] if place + 1 < len(row) else None
            run = replace(run, language=_neighbour(sentence, run, before, after, default))
        _append(named, run)
    return named


def _neighbour(sentence: str, digits: Run, before: Run | None, after: Run | None, default: str) -> str:
    if before is None or after is None:
        known = before or after
        return known.language if known is not None else default
    if sentence[before.end - 1] in _ENDS or (after.language != "en" and sentence[after.start] in _COUNTED):
        return after.language
    longer = before.end - before.start >= after.end - after.start
    return before.language if longer or sentence[digits.end - 1] in ("。", ".") else after.language
