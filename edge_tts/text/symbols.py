"""The phone tables of GPT-SoVITS v1 (322 symbols) and v2 (732) and the ids in them.

A voice's text embedding has one row per symbol, so the order is part of the model's format. It follows from a rule
(public tables `text/symbols.py` and `text/symbols2.py` of RVC-Boss/GPT-SoVITS): the sorted set of pad, Mandarin
initials and finals with five tones, Japanese phones, punctuation and English ARPAbet with stress. That is all of v1; v2
goes on with the two Japanese accent marks, Korean jamo, sorted, and Cantonese (each with the prefix `Y`), sorted. The
tables are generated here by that rule.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from edge_tts.errors import TextError

__all__ = ["CONSONANTS", "PUNCTUATION", "SYMBOLS_V1", "SYMBOLS_V2", "TABLES", "UNKNOWN", "VOWELS", "phone_ids"]

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


UNKNOWN = "UNK"
"""What GPT-SoVITS puts in the place of a phone that its table lacks."""


def _symbols_v1() -> tuple[str, ...]:
    english = {*CONSONANTS, *(vowel + stress for vowel in VOWELS for stress in "012"), "ER", "IH"}
    mandarin = {*_MANDARIN_INITIALS, *(final + tone for final in _MANDARIN_FINALS for tone in "12345")}
    return tuple(sorted({"_", *mandarin, *_JAPANESE, *PUNCTUATION, "SP", "SP2", "SP3", UNKNOWN, *english}))


def _symbols_v2() -> tuple[str, ...]:
    cantonese = {"Y" + part for part in _CANTONESE_INITIALS + _CANTONESE_BOTH}
    cantonese |= {"Y" + final + tone for final in _CANTONESE_FINALS + _CANTONESE_BOTH for tone in "123456"}
    return (*_symbols_v1(), "[", "]", *sorted(_KOREAN), *sorted(cantonese))


SYMBOLS_V1: tuple[str, ...] = _symbols_v1()
"""All 322 symbols of v1 (Mandarin, Japanese without accent marks, English); a symbol's id is its index."""

SYMBOLS_V2: tuple[str, ...] = _symbols_v2()
"""All 732 symbols; a symbol's id is its index."""


def _ids(symbols: Iterable[str]) -> Mapping[str, int]:
    return MappingProxyType({symbol: index for index, symbol in enumerate(symbols)})


TABLES: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {"gpt-sovits-v1": _ids(SYMBOLS_V1), "gpt-sovits-v2": _ids(SYMBOLS_V2)}
)
"""The name of a table in a bundle's manifest → its symbols and their ids."""


def phone_ids(phones: Iterable[str], table: str = "gpt-sovits-v2") -> list[int]:
    """Ids of `phones` in a table of `TABLES`, one per phone.

    A phone that only v2 has becomes UNK in v1, as in GPT-SoVITS. Raises TextError that names the first phone that is in
    no table, or the table if there is none of that name.
    """
    ids = TABLES.get(table)
    if ids is None:
        raise TextError(f"unknown phone table {table!r}: use one of {', '.join(TABLES)}")
    newest = TABLES["gpt-sovits-v2"]
    found = []
    for phone in phones:
        if phone not in newest:
            raise TextError(f"unknown phone {phone!r}: use ARPAbet with a stress digit on vowels (HH AH0 L OW1)")
        found.append(ids.get(phone, ids[UNKNOWN]))
    return found
