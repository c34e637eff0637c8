"""Spoken English words to phones.

In this order: given phones, letter names, homographs, exceptions, CMUdict, known parts, letter-to-sound.
"""

from collections.abc import Sequence
from functools import lru_cache

from edge_tts.text.cmudict import cmudict
from edge_tts.text.english.exceptions import EXCEPTIONS
from edge_tts.text.english.homographs import choose
from edge_tts.text.english.inflection import from_parts, plural
from edge_tts.text.letter_to_sound import letter_to_sound
from edge_tts.text.tokens import Token

__all__ = ["LETTERS", "pronounce", "pronounce_word"]

Pronunciation = tuple[str, ...]

LETTERS = {
    name: tuple(phones.split())
    for name, phones in {
        "A": "EY1", "B": "B IY1", "C": "S IY1", "D": "D IY1", "E": "IY1", "F": "EH1 F", "G": "JH IY1", "H": "EY1 CH",
        "I": "AY1", "J": "JH EY1", "K": "K EY1", "L": "EH1 L", "M": "EH1 M", "N": "EH1 N", "O": "OW1", "P": "P IY1",
        "Q": "K Y UW1", "R": "AA1 R", "S": "EH1 S", "T": "T IY1", "U": "Y UW1", "V": "V IY1",
        "W": "D AH1 B AH0 L Y UW0", "X": "EH1 K S", "Y": "W AY1", "Z": "Z IY1",
    }.items()
}  # fmt: skip
"""The names of the letters."""

_FROM_DICTIONARY = {"and": ("AH0", "N", "D")}
_THE_BEFORE_VOWEL = ("DH", "IY0")
_TO_BEFORE_CONSONANT = ("T", "AH0")


def pronounce(tokens: Sequence[Token], dictionary_forms: bool = False) -> list[Pronunciation]:
    """Phones of each token of one sentence; a pause is its own phone.

    dictionary_forms: `and`, `the` and `to` as the dictionary has them (AH0 N D, DH AH0, T UW1) instead of as a reader
    says them here; so GPT-SoVITS's voices were trained.
    """
    words = [token.text if token.pause else token.text.lower() for token in tokens]
    result = [_phones(token, words, place) for place, token in enumerate(tokens)]
    if dictionary_forms:
        unbound = (
            () if token.phones else _FROM_DICTIONARY.get(word, ()) for token, word in zip(tokens, words, strict=True)
        )
        return [given or phones for given, phones in zip(unbound, result, strict=True)]
    for place, word in enumerate(words[:-1]):
        following = result[place + 1]
        if tokens[place].phones or tokens[place + 1].pause or not following:
            continue
        vowel = following[0][-1].isdigit()
        if word == "the" and vowel:
            result[place] = _THE_BEFORE_VOWEL
        elif word == "to" and not vowel:
            result[place] = _TO_BEFORE_CONSONANT
    return result


def _phones(token: Token, words: Sequence[str], place: int) -> Pronunciation:
    if token.phones:
        return token.phones
    if token.pause:
        return (token.text,)
    letter = LETTERS.get(token.text[0])
    if letter:
        return plural(letter) if token.text[1:] == "'s" else letter
    return choose(words, place) or pronounce_word(words[place])


@lru_cache(maxsize=16384)
def pronounce_word(word: str) -> Pronunciation:
    """Phones of one lower-case word without context. Never empty for a word with a letter."""
    return _known(word) or from_parts(word, _known) or letter_to_sound(word)


def _known(word: str) -> Pronunciation | None:
    listed = EXCEPTIONS.get(word)
    if listed:
        return listed
    variants = cmudict().pronunciations(word)
    return variants[0] if variants else None
