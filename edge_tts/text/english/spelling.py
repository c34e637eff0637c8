"""Which written words are said and which are spelled letter by letter.

The tests are the dictionary's: a word it knows is said; capitals of two or three letters are spelled unless they are a
plain word that is being shouted (`DO NOT`) or an acronym that people say (`RAM`).
"""

import re
from functools import lru_cache

from edge_tts.text.cmudict import cmudict
from edge_tts.text.english.exceptions import EXCEPTIONS

__all__ = ["is_known", "split_camel_case", "word_or_letters"]

_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_SAID = frozenset("RAM ROM PIN SIM GIF LAN WAN CAD CAM COP BIOS ZIP VIN SAT AWOL SWAT NAFTA OPEC".split())
_SHOUTED = frozenset(
    "ALL AND ANY ARE ASK BAD BE BIG BUT BUY BY CAN CAR DAY DID DO DOG DON'T EAT END FAR FEW FOR FUN GET GO GOD GOT "
    "HAD HAS HE "
    "HER HEY HIM HIS HOT HOW I IF IN IS IT'S ITS JOB LET LOT LOW MAN ME MR MRS MY NEW NO NOR NOT NOW OF OFF OH OLD ON "
    "ONE OR "
    "OUR OUT OWN PAY PUT RED RUN SAY SEE SET SHE SIT SIX SO STAY SUN TEN THE TO TOO TOP TRY TWO UP USE VERY WAS WAY "
    "WE WHO WHY "
    "WIN WON YES YET YOU BOY AT AN AS MAY MUM MOM DAD BED BOX CUT FIX FLY GUY HIT KEY LAW LAY LIE SAD SEA SKY "
    "TAX TEA".split()
)


@lru_cache(maxsize=8192)
def is_known(word: str) -> bool:
    """Whether the dictionary or the list of exceptions has the lower-case `word`."""
    return word in EXCEPTIONS or word in cmudict()


def word_or_letters(word: str) -> list[str]:
    """The spoken words for letters a–z as written: `[word]`, or its letters in upper case.

    `NASA` → nasa, `FBI` → F B I, `xml` → X M L, `OpenAI` → open A I.
    """
    low = word.lower()
    if len(word) == 1:
        return [word.upper()]
    if word.isupper():
        return _capitals(word, low)
    if is_known(low):
        return [low]
    parts = split_camel_case(word)
    if len(parts) > 1:
        return [spoken for part in parts for spoken in word_or_letters(part)]
    return [low] if set(low) & set("aeiouy") else list(word.upper())


def _capitals(word: str, low: str) -> list[str]:
    if low in EXCEPTIONS or word in _SHOUTED or word in _SAID:
        return [low]
    if len(word) > 3 and (is_known(low) or (len(word) > 5 and set(low) & set("aeiouy"))):
        return [low]
    return list(word)


def split_camel_case(word: str) -> list[str]:
    """`OpenAI` → Open, AI; one part if there is no capital inside."""
    return _CAMEL.findall(word) if not word[1:].islower() else [word]
