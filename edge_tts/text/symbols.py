"""The phone table of GPT-SoVITS v2: 732 symbols and their ids.

A v2 voice's text embedding has one row per symbol, so the order is part of the model's format. It follows from a rule
(public table `text/symbols2.py` of RVC-Boss/GPT-SoVITS): the sorted set of pad, Mandarin initials and finals with five
tones, Japanese phones, punctuation and English ARPAbet with stress; then the two Japanese accent marks; then Korean
jamo, sorted; then Cantonese (each with the prefix `Y`), sorted. The table is generated here by that rule.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from edge_tts.errors import TextError

__all__ = ["CONSONANTS", "PUNCTUATION", "SYMBOLS_V2", "VOWELS", "phone_ids"]

PUNCTUATION = ("!", "?", "…", ",", ".", "-")
"""Pauses and sentence ends; phones of their own in a `Sentence`."""

VOWELS = tuple("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
"""ARPAbet vowels without stress digit."""

CONSONANTS = tuple("B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH".split())
"""ARPAbet consonants."""

_MANDARIN_INITIALS = "AA EE OO b c ch d f g h j k l m n p q r s sh t w x y z zh".split()
_MANDARIN_FINALS = (
    "E En a ai an ang ao e ei en eng er i i0 ia ian iang iao ie in ing iong ir iu"
    " o ong ou u ua uai uan uang ui un uo v van ve vn"
).split()
_JAPANESE = "I N U a b by ch cl d dy e f g gy h hy i j k ky m my n ny o p py r ry s sh t ts u v w y z".split()
_KOREAN = "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎㄲㄸㅃㅆㅉㅏㅓㅗㅜㅡㅣㅐㅔ空停"
_CANTONESE_INITIALS = "b c d f gw h j kw l ng s w z".split()
_CANTONESE_FINALS = (
    "aai aak aam aan aang aap aat aau am an ang ap at ei ek eng eoi eon eot i ik im in ing ip it iu oe oek oeng ong ot"
    " u ui un ung ut yu yun yut"
).split()
# Written both without a tone (as an initial, or toneless) and with each of the six.
_CANTONESE_BOTH = "a aa ai ak au e g k m n o oi ok on ou p t uk".split()


def _symbols_v2() -> tuple[str, ...]:
    english = {*CONSONANTS, *(vowel + stress for vowel in VOWELS for stress in "012"), "ER", "IH"}
    mandarin = {*_MANDARIN_INITIALS, *(final + tone for final in _MANDARIN_FINALS for tone in "12345")}
    first = {"_", *mandarin, *_JAPANESE, *PUNCTUATION, "SP", "SP2", "SP3", "UNK", *english}
    cantonese = {"Y" + part for part in _CANTONESE_INITIALS + _CANTONESE_BOTH}
    cantonese |= {"Y" + final + tone for final in _CANTONESE_FINALS + _CANTONESE_BOTH for tone in "123456"}
    return (*sorted(first), "[", "]", *sorted(_KOREAN), *sorted(cantonese))


SYMBOLS_V2: tuple[str, ...] = _symbols_v2()
"""All 732 symbols; a symbol's id is its index."""

_IDS: Mapping[str, int] = MappingProxyType({symbol: index for index, symbol in enumerate(SYMBOLS_V2)})


def phone_ids(phones: Iterable[str]) -> list[int]:
    """Ids of `phones` in `SYMBOLS_V2`, one per phone.

    Raises TextError that names the first phone that is not in the table.
    """
    ids = []
    for phone in phones:
        index = _IDS.get(phone)
        if index is None:
            raise TextError(f"unknown phone {phone!r}: use ARPAbet with a stress digit on vowels (HH AH0 L OW1)")
        ids.append(index)
    return ids
