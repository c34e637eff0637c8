"""Written Korean to Hangul, single spaces and punctuation: numbers, units, Latin letters and signs become words.

Emoji, control characters and letters of other scripts are left out; quotes and brackets stay, and have the phone 停.
"""

import re
import unicodedata
from functools import lru_cache

from edge_tts.text.korean.numerals import spoken_numbers
from edge_tts.text.symbols import PUNCTUATION

__all__ = ["folded"]

_MARKS = {
    "：": ":", "；": ",", ";": ",", "，": ",", "、": ",", "·": ",", "ㆍ": ",", "。": ".", "．": ".", "！": "!",
    "？": "?", "\n": ".", "⋯": "…", "‥": "…", "—": "-", "–": "-", "―": "-", "−": "-", "‐": "-", "‑": "-",
}  # fmt: skip
_LETTERS = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        (
            "에이 비 씨 디 이 에프 지 에이치 아이 제이 케이 엘 엠 엔 오 피 큐 알 에스 티 유 브이 더블유 엑스 와이 제트"
        ).split(),
        strict=True,
    )
)
_SIGNS = {
    "%": "퍼센트", "‰": "퍼밀", "&": " 앤드 ", "+": " 더하기 ", "=": " 은 ", "@": " 골뱅이 ", "×": " 곱하기 ",
    "÷": " 나누기 ", "₩": "원", "$": "달러", "€": "유로", "£": "파운드", "¥": "엔", "°": "도", "℃": "도", "#": " 샵 ",
}  # fmt: skip
_REPEATED = re.compile(f"([{re.escape(''.join(PUNCTUATION))}])[{re.escape(''.join(PUNCTUATION))}]+")
_JAMO = re.compile("[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")
_TO_COMPATIBLE = str.maketrans(
    {
        **{chr(0x1100 + n): char for n, char in enumerate("ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ")},
        **{chr(0x1161 + n): chr(0x314F + n) for n in range(21)},
        **{chr(0x11A8 + n): char for n, char in enumerate("ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")},
    }
)


def folded(text: str) -> str:
    """`text` of Hangul, Chinese characters, spaces, punctuation of `PUNCTUATION` and quotes."""
    line = "".join(map(_fold, text))
    line = _JAMO.sub(lambda match: unicodedata.normalize("NFC", match[0]), line).translate(_TO_COMPATIBLE)
    line = spoken_numbers(line)
    line = "".join(_SIGNS.get(char) or _LETTERS.get(char.lower(), char) for char in line).replace(":", ",")
    line = re.sub(r"\s+", " ", line)
    return _REPEATED.sub(r"\1", line)


@lru_cache(maxsize=4096)
def _fold(char: str) -> str:
    if char in _MARKS or char in _SIGNS or char in PUNCTUATION:
        return _MARKS.get(char, char)
    if "\u1100" <= char <= "\u11ff" or "ㄱ" <= char <= "ㅣ" or "가" <= char <= "힣":
        return char
    if unicodedata.category(char) in ("Cs", "Cn", "Co", "Cc", "Cf"):
        return " " if char in "\t\r\x0b\x0c" else ""
    return "".join(filter(_is_read, unicodedata.normalize("NFKC", char)))


def _is_read(char: str) -> bool:
    category = unicodedata.category(char)
    if category[0] in "LN":
        return char.isascii() or "ㄱ" <= char <= "ㅣ" or "가" <= char <= "힣" or "\u3400" <= char <= "\u9fff"
    return category[0] in "ZP" or category in ("Sm", "Sc")
