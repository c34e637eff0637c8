"""A Mandarin syllable in Pinyin to the two phones that GPT-SoVITS has for it: an initial and a final with its tone.

Syllables are written as `zhong1`, ü as v (`lv4`), the neutral tone as 5. The symbols are those of the singing corpus
Opencpop: a syllable without a consonant gets a capital (AA, EE, OO) or y or w, the two buzzing vowels of `shi` and `si`
are ir and i0, the vowels of `yan` and `ye` are En and E.
"""

import re
from functools import lru_cache

__all__ = ["phones"]

_SYLLABLE = re.compile(r"([zcs]h|[bpmfdtnlgkhjqxrzcsyw])?([a-z]+)([1-5])")
_AFTER_Y = {"an": "En", "e": "E"}


@lru_cache(maxsize=2048)
def phones(syllable: str) -> tuple[str, str]:
    """`zhong1` → zh, ong1; `yu3` → y, v3. Raises ValueError for what is no syllable."""
    match = _SYLLABLE.fullmatch(syllable)
    if match is None:
        raise ValueError(f"{syllable!r} is no syllable: write it as zhong1")
    initial, final, tone = match[1], match[2], match[3]
    if initial is None:
        initial = final[0].upper() * 2
    elif initial in "jqxy" and final[0] == "u":
        final = "v" + final[1:]
    elif initial == "y":
        final = _AFTER_Y.get(final, final)
    elif final == "i" and initial in ("zh", "ch", "sh", "r"):
        final = "ir"
    elif final == "i" and initial in ("z", "c", "s"):
        final = "i0"
    return initial, final + tone
