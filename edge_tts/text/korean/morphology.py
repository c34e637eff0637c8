"""What the rules of pronunciation want to know of a Korean text's grammar, from the morphemes that MeCab finds.

Verb stems, adnominal endings and particles behave differently at their borders though they are written the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from edge_tts.text.korean.exceptions import HEARD
from edge_tts.text.optional import library

__all__ = ["Grammar", "analyse"]

_MOST_CHARACTERS = 400
"""Longer texts are given to MeCab in parts, cut at spaces if there are any."""

_LONGEST_WORD = max(map(len, HEARD))


@dataclass(frozen=True)
class Grammar:
    """`text` with exceptional words as they are heard and Chinese characters in Hangul; the rest are places in it.

    stems: last syllables of verb and adjective stems. adnominal: last syllables of endings in -ㄹ that a noun follows
    (할 것). tense: onsets that are tense since they follow the ㄹ of their own ending (할수록). particles: last
    syllables of particles.
    """

    text: str
    stems: frozenset[int]
    adnominal: frozenset[int]
    tense: frozenset[int]
    particles: frozenset[int]


@dataclass(frozen=True)
class _Morpheme:
    start: int
    end: int
    tags: tuple[str, ...]
    reading: str
    parts: str


def analyse(text: str) -> Grammar:
    """The grammar of `text`. Raises TextError if MeCab is not installed."""
    morphemes = list(_morphemes(text))
    out = list(text)
    for morpheme in morphemes:
        chinese = any("\u3400" <= char <= "\u9fff" for char in text[morpheme.start : morpheme.end])
        if chinese and len(morpheme.reading) == morpheme.end - morpheme.start:
            out[morpheme.start : morpheme.end] = morpheme.reading
    heard = "".join(out)
    for place, word in _exceptional(heard, morphemes):
        out[place : place + len(word)] = HEARD[word]
    return Grammar(
        "".join(out),
        frozenset(m.end - 1 for m in morphemes if m.tags[-1] in ("VV", "VA", "VX")),
        frozenset(m.end - 1 for m in morphemes if m.tags[-1] == "ETM"),
        frozenset(place for m in morphemes for place in _tense(m, text)),
        frozenset(m.end - 1 for m in morphemes if m.tags[-1] == "JKO" or m.tags[-1] == "JX"),
    )


def _morphemes(text: str) -> Iterator[_Morpheme]:
    mecab = _mecab()
    start = 0
    while start < len(text):
        end = min(len(text), start + _MOST_CHARACTERS)
        if end < len(text):
            end = text.rfind(" ", start, end) + 1 or end
        for found in mecab.parse(text[start:end]):
            feature, span = found.feature, found.span
            tags = tuple((feature.pos or "").split("+"))
            yield _Morpheme(start + span.start, start + span.end, tags, feature.reading or "", feature.expression or "")
        start = end


def _exceptional(text: str, morphemes: list[_Morpheme]) -> Iterator[tuple[int, str]]:
    """Words of `HEARD` that are made of whole morphemes, none of them a particle or an ending; the longest wins."""
    inside = 0
    for first, morpheme in enumerate(morphemes):
        if morpheme.start < inside:
            continue
        best = ""
        for last in morphemes[first : first + _LONGEST_WORD]:
            word = text[morpheme.start : last.end]
            if last.tags[0][:1] in ("J", "E") or len(word) > _LONGEST_WORD:
                break
            if word in HEARD:
                best = word
        if best:
            inside = morpheme.start + len(best)
            yield morpheme.start, best


def _tense(morpheme: _Morpheme, text: str) -> Iterator[int]:
    """The second syllable of endings in -(으)ㄹ: -ㄹ게, -ㄹ걸, -ㄹ수록, -ㄹ지라도, …"""
    for part in morpheme.parts.split("+"):
        ending, _, tag = part.partition("/")
        if tag.startswith("E") and ending[:1] == "\u11af" and len(ending) > 1:
            yield morpheme.end - len(ending) + 1
    if morpheme.tags[0] in ("EC", "EF") and text[morpheme.start] == "을" and morpheme.end - morpheme.start > 1:
        yield morpheme.start + 1


@cache
def _mecab() -> Any:
    return library("mecab", "python-mecab-ko", "Korean", "ko").MeCab()
