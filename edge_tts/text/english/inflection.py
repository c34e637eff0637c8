"""Unknown words from known parts: inflections, prefixes and suffixes, contractions, compounds.

The sounds of -s and -ed follow the base's last phone as English has it (cats, dogs, horses; walked, begged, wanted).
"""

from collections.abc import Callable, Iterator

__all__ = ["from_parts", "past", "plural"]

Pronunciation = tuple[str, ...]
Lookup = Callable[[str], "Pronunciation | None"]

_HISSING = frozenset({"S", "Z", "SH", "ZH", "CH", "JH"})
_VOICELESS = frozenset({"P", "T", "K", "F", "TH", "S", "SH", "CH"})
_MIN_BASE = 3
_MIN_HALF = 4
_SHORT_HALVES = frozenset(
    "bot box pod net set way day top pad lab hub app web pen bag fly air sun car eye pay man men bed bar cup "
    "pot kit".split()
)
"""Words of three letters that are common in compounds; others make more false splits than true ones."""
_MAX_COMPOUND = 30

_SUFFIXES = {
    "ing": "IH0 NG", "ings": "IH0 NG Z", "er": "ER0", "ers": "ER0 Z", "est": "AH0 S T", "ly": "L IY0",
    "ness": "N AH0 S", "less": "L AH0 S", "ful": "F AH0 L", "fully": "F AH0 L IY0", "ment": "M AH0 N T",
    "able": "AH0 B AH0 L",
    "ably": "AH0 B L IY0", "ism": "IH2 Z AH0 M", "ist": "IH0 S T", "ish": "IH0 SH", "like": "L AY2 K",
    "wise": "W AY2 Z",
    "ship": "SH IH2 P", "hood": "HH UH2 D", "ward": "W ER0 D", "wards": "W ER0 D Z", "ize": "AY2 Z", "ise": "AY2 Z",
    "izer": "AY2 Z ER0", "ization": "AH0 Z EY1 SH AH0 N", "proof": "P R UW2 F",
    "'ll": "AH0 L", "'re": "ER0", "'m": "M", "n't": "AH0 N T",
}  # fmt: skip
_PREFIXES = {
    "un": "AH2 N", "re": "R IY0", "non": "N AA0 N", "pre": "P R IY0", "anti": "AE2 N T IY0", "over": "OW2 V ER0",
    "under": "AH2 N D ER0", "mis": "M IH0 S", "dis": "D IH0 S", "inter": "IH2 N T ER0", "super": "S UW2 P ER0",
    "micro": "M AY2 K R OW0", "mini": "M IH2 N IY0", "multi": "M AH2 L T IY0", "semi": "S EH2 M IY0", "sub": "S AH0 B",
    "ultra": "AH2 L T R AH0", "hyper": "HH AY2 P ER0", "cyber": "S AY2 B ER0", "auto": "AO2 T OW0", "bio": "B AY2 OW0",
    "pseudo": "S UW2 D OW0", "out": "AW2 T", "counter": "K AW2 N T ER0", "mega": "M EH2 G AH0", "nano": "N AE2 N OW0",
    "post": "P OW2 S T", "co": "K OW0", "electro": "IH0 L EH2 K T R OW0", "photo": "F OW2 T OW0",
    "neuro": "N UH2 R OW0",
    "geo": "JH IY2 OW0", "mc": "M AH0 K", "up": "AH2 P", "down": "D AW2 N",
}  # fmt: skip
_SUFFIX_PHONES = {suffix: tuple(phones.split()) for suffix, phones in _SUFFIXES.items()}
_PREFIX_PHONES = {prefix: tuple(phones.split()) for prefix, phones in _PREFIXES.items()}


def plural(phones: Pronunciation) -> Pronunciation:
    """With the ending of `cats`, `dogs`, `horses`."""
    if phones[-1] in _HISSING:
        return (*phones, "IH0", "Z")
    return (*phones, "S" if phones[-1] in _VOICELESS else "Z")


def past(phones: Pronunciation) -> Pronunciation:
    """With the ending of `walked`, `begged`, `wanted`."""
    if phones[-1] in ("T", "D"):
        return (*phones, "IH0", "D")
    return (*phones, "T" if phones[-1] in _VOICELESS else "D")


def from_parts(word: str, known: Lookup, depth: int = 2) -> Pronunciation | None:
    """Phones of a lower-case word that `known` lacks, by its parts; None if it has no known parts.

    depth: how many endings and prefixes may be taken off one after another (`unhackables`).
    """

    def look(part: str) -> Pronunciation | None:
        if len(part) < _MIN_BASE:
            return None
        phones = known(part)
        return phones if phones or depth == 0 else _inflected(part, known, depth - 1)

    return _inflected(word, known, depth) or _prefixed(word, look) or _compound(word, known)


def _inflected(word: str, known: Lookup, depth: int) -> Pronunciation | None:
    def look(part: str) -> Pronunciation | None:
        if len(part.replace("'", "")) < (_MIN_BASE if "'" not in word else 1):
            return None
        phones = known(part)
        return phones if phones or depth == 0 else _inflected(part, known, depth - 1)

    for tail, contract in _CONTRACTIONS.items():
        if word.endswith(tail):
            phones = look(word[: -len(tail)])
            return contract(phones) if phones else None
    for base, finish in (*_plural_bases(word), *_past_bases(word)):
        phones = look(base)
        if phones:
            return finish(phones)
    for size in range(min(7, len(word) - 1), 0, -1):
        suffix = _SUFFIX_PHONES.get(word[-size:])
        if suffix:
            for base in _bases(word[:-size], word[-size:]):
                phones = look(base)
                if phones:
                    return _joined(_before_vowel(phones, base) if suffix[0][-1].isdigit() else phones, suffix)
    return None


def _have(phones: Pronunciation) -> Pronunciation:
    return (*phones, "V") if phones[-1][-1].isdigit() else (*phones, "AH0", "V")


_CONTRACTIONS: dict[str, Callable[[Pronunciation], Pronunciation]] = {
    "'s": plural,
    "'d": past,
    "'ve": _have,
    "s'": plural,
}


def _plural_bases(word: str) -> Iterator[tuple[str, Callable[[Pronunciation], Pronunciation]]]:
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        yield word[:-1], plural
        if word.endswith("es"):
            yield word[:-2], plural
        if word.endswith("ies"):
            yield word[:-3] + "y", plural


def _past_bases(word: str) -> Iterator[tuple[str, Callable[[Pronunciation], Pronunciation]]]:
    if word.endswith("ed"):
        yield word[:-1], past
        for base in _bases(word[:-2], "ed"):
            yield base, past


def _bases(stem: str, ending: str) -> Iterator[str]:
    """What the stem may have been before the ending: itself, with a final e, without a doubled letter, with y for i."""
    yield stem
    if ending[0] in "aeiouy":
        yield stem + "e"
        if len(stem) > 3 and stem[-1] == stem[-2]:
            yield stem[:-1]
    if stem.endswith("i"):
        yield stem[:-1] + "y"


def _prefixed(word: str, look: Lookup) -> Pronunciation | None:
    for size in range(min(7, len(word) - _MIN_BASE - 1), 1, -1):
        prefix = _PREFIX_PHONES.get(word[:size])
        phones = look(word[size:]) if prefix else None
        if prefix and phones:
            return _joined(prefix, phones)
    return None


def _compound(word: str, known: Lookup) -> Pronunciation | None:
    """Two known words in one, as even as possible; the second one's stress becomes secondary."""
    if not 6 <= len(word) <= _MAX_COMPOUND or not word.isalpha():
        return None
    middle = len(word) / 2
    for cut in sorted(range(3, len(word) - 2), key=lambda place: abs(place - middle)):
        if not (_may_join(word[:cut]) and _may_join(word[cut:])):
            continue
        first = known(word[:cut])
        second = known(word[cut:]) if first else None
        if first and second:
            return _joined(first, tuple(phone.replace("1", "2") for phone in second))
    return None


def _may_join(half: str) -> bool:
    return len(half) >= _MIN_HALF or half in _SHORT_HALVES


def _joined(first: Pronunciation, second: Pronunciation) -> Pronunciation:
    """One after the other; a consonant that ends one and begins the other is said once (beneficial-ly)."""
    return first + second[1:] if first[-1] == second[0] else first + second


def _before_vowel(phones: Pronunciation, base: str) -> Pronunciation:
    """sniffle + ing loses the vowel before its l."""
    return (*phones[:-2], "L") if base.endswith("le") and phones[-2:] == ("AH0", "L") else phones
