"""Hangul syllables and their letters, and the phones that GPT-SoVITS writes them with.

A phone is one letter (ㄱ … ㅎ, ㅏ …); diphthongs are two (ㅘ is ㅗ ㅏ, ㅑ is ㅣ ㅏ). A space is 空, and anything that
has no phone is 停.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from edge_tts.text.symbols import PUNCTUATION

__all__ = ["SPACE", "STOP", "Syllable", "is_syllable", "letters", "phones"]

SPACE, STOP = "空", "停"

_ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_CODAS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_PARTS = {
    "ㅘ": "ㅗㅏ", "ㅙ": "ㅗㅐ", "ㅚ": "ㅗㅣ", "ㅝ": "ㅜㅓ", "ㅞ": "ㅜㅔ", "ㅟ": "ㅜㅣ", "ㅢ": "ㅡㅣ",
    "ㅑ": "ㅣㅏ", "ㅒ": "ㅣㅐ", "ㅕ": "ㅣㅓ", "ㅖ": "ㅣㅔ", "ㅛ": "ㅣㅗ", "ㅠ": "ㅣㅜ",
    "ㄳ": "ㄱㅅ", "ㄵ": "ㄴㅈ", "ㄶ": "ㄴㅎ", "ㄺ": "ㄹㄱ", "ㄻ": "ㄹㅁ", "ㄼ": "ㄹㅂ",
    "ㄽ": "ㄹㅅ", "ㄾ": "ㄹㅌ", "ㄿ": "ㄹㅍ", "ㅀ": "ㄹㅎ", "ㅄ": "ㅂㅅ",
}  # fmt: skip
_LETTERS = frozenset(_ONSETS + _VOWELS) | set(_PARTS)


@dataclass
class Syllable:
    """One syllable, to be changed in place: onset (ㅇ if it is silent), vowel, coda (empty if it is open)."""

    onset: str
    vowel: str
    coda: str

    def __str__(self) -> str:
        onset, vowel, coda = _ONSETS.index(self.onset), _VOWELS.index(self.vowel), _CODAS.index(self.coda)
        return chr(0xAC00 + (onset * len(_VOWELS) + vowel) * len(_CODAS) + coda)


def is_syllable(char: str) -> bool:
    """Whether `char` is a whole Hangul syllable."""
    return "가" <= char <= "힣"


def letters(char: str) -> Syllable:
    """The letters of a Hangul syllable."""
    code = ord(char) - 0xAC00
    onset, rest = divmod(code, len(_VOWELS) * len(_CODAS))
    vowel, coda = divmod(rest, len(_CODAS))
    return Syllable(_ONSETS[onset], _VOWELS[vowel], _CODAS[coda])


def phones(unit: Syllable | str) -> Iterator[str]:
    """Phones of a syllable or of one other character."""
    if isinstance(unit, Syllable):
        for letter in (unit.onset, unit.vowel, unit.coda):
            yield from _PARTS.get(letter, letter)
    elif unit in _LETTERS:
        yield from _PARTS.get(unit, unit)
    elif unit == " ":
        yield SPACE
    else:
        yield unit if unit in PUNCTUATION else STOP
