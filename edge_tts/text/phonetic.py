"""Pronunciations as a person writes them, in ARPAbet or in IPA, to the phones of the dictionary.

`HH AH0 L OW1` or `HH AH L OW` (ARPAbet, stress digits optional); `/həˈloʊ/` (IPA between slashes). Where no stress is
written, the first vowel gets the primary one. Raises TextError that names the sign it can't read.
"""

from edge_tts.errors import TextError
from edge_tts.text.symbols import CONSONANTS, VOWELS

__all__ = ["parse_pronunciation"]

Pronunciation = tuple[str, ...]

# Several signs for one phone: RP and General American, with and without length marks.
_IPA = {
    "tʃ": "CH", "t͡ʃ": "CH", "ʧ": "CH", "dʒ": "JH", "d͡ʒ": "JH", "ʤ": "JH", "b": "B", "d": "D", "ð": "DH", "f": "F",
    "g": "G", "ɡ": "G", "h": "HH", "k": "K", "l": "L", "ɫ": "L", "m": "M", "n": "N", "ŋ": "NG", "p": "P", "r": "R",
    "ɹ": "R", "ɾ": "T", "s": "S", "ʃ": "SH", "t": "T", "θ": "TH", "v": "V", "w": "W", "ʍ": "W", "j": "Y", "z": "Z",
    "ʒ": "ZH", "x": "K", "ʔ": "T",
    "ɑː": "AA", "ɑ": "AA", "ɒ": "AA", "aː": "AA", "a": "AA", "æ": "AE", "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ɔː": "AO",
    "ɔ": "AO", "aʊ": "AW", "aɪ": "AY", "ɛ": "EH", "e": "EH", "ɛə": "EH", "eə": "EH", "ɝː": "ER", "ɝ": "ER", "ɚ": "ER",
    "ɜː": "ER", "ɜ": "ER", "ɜr": "ER", "ɜːr": "ER", "ər": "ER", "eɪ": "EY", "ɪ": "IH", "ᵻ": "IH", "ɪə": "IH",
    "iː": "IY",
    "i": "IY", "oʊ": "OW", "əʊ": "OW", "o": "OW", "oː": "OW", "ɔɪ": "OY", "ʊ": "UH", "ʊə": "UH", "uː": "UW", "u": "UW",
}  # fmt: skip
_LONGEST = max(map(len, _IPA))
_SYLLABIC = {"l̩": "L", "n̩": "N", "m̩": "M"}
_STRESS = {"ˈ": "1", "'": "1", "ˌ": "2"}
_IGNORED = ". ‿ː͡ˑ"


def parse_pronunciation(text: str) -> Pronunciation:
    """Phones with stress digits for `text` (forms in the module's docstring)."""
    text = text.strip()
    if len(text) > 2 and text[0] == text[-1] == "/":
        inner = text[1:-1].strip()
        return _arpabet(inner) if _looks_arpabet(inner) else _ipa(inner)
    return _arpabet(text)


def _looks_arpabet(text: str) -> bool:
    return any("A" <= char <= "Z" for char in text)  # IPA has no capitals


def _arpabet(text: str) -> Pronunciation:
    phones = []
    for part in text.split():
        name, digit = (part[:-1], part[-1]) if part[-1] in "012" else (part, "")
        if name not in VOWELS and (name not in CONSONANTS or digit):
            raise TextError(f"unknown phone {part!r}: use ARPAbet (HH AH0 L OW1) or IPA between slashes (/həˈloʊ/)")
        phones.append(part)
    return _with_stress(phones, text)


def _ipa(text: str) -> Pronunciation:
    phones: list[str] = []
    stress = ""
    place = 0
    while place < len(text):
        if text[place] in _STRESS:
            stress = _STRESS[text[place]]
            place += 1
            continue
        pair = text[place : place + 2]
        if pair in _SYLLABIC:
            phones += ["AH", _SYLLABIC[pair]]
            place += 2
            continue
        size = next((n for n in range(_LONGEST, 0, -1) if text[place : place + n] in _IPA), 0)
        if size == 0:
            if text[place] not in _IGNORED:
                raise TextError(f"unknown IPA sign {text[place]!r} in /{text}/: use the signs of English IPA")
            place += 1
            continue
        phone = _IPA[text[place : place + size]]
        if phone in VOWELS and stress:
            phone, stress = phone + stress, ""
        phones.append(phone)
        place += size
    return _with_stress(phones, text)


def _with_stress(phones: list[str], written: str) -> Pronunciation:
    """Digits for vowels that have none: 1 on the first vowel unless a primary stress is written, otherwise 0."""
    if not phones:
        raise TextError(f"no phones in {written!r}: write ARPAbet (HH AH0 L OW1) or IPA between slashes (/həˈloʊ/)")
    missing = "0" if any(phone[-1] == "1" for phone in phones) else "1"
    result = []
    for phone in phones:
        if phone in VOWELS:
            phone, missing = phone + missing, "0"
        result.append(phone)
    return tuple(result)
