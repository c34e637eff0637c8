"""The rules of Korean pronunciation (표준 발음법): syllables as they are written become syllables as they are heard.

Each rule looks at the coda of one syllable and the onset of the next, also across one space. In brackets the article of
the Standard Pronunciation.
"""

from edge_tts.text.korean.hangul import Syllable, is_syllable, letters
from edge_tts.text.korean.morphology import Grammar

__all__ = ["heard", "meet"]

Unit = Syllable | str

_PLAIN = {
    **dict.fromkeys(("ㄱ", "ㄲ", "ㅋ", "ㄳ", "ㄺ"), "ㄱ"),
    **dict.fromkeys(("ㄷ", "ㅅ", "ㅆ", "ㅈ", "ㅊ", "ㅌ", "ㅎ"), "ㄷ"),
    **dict.fromkeys(("ㅂ", "ㅍ", "ㅄ", "ㄿ"), "ㅂ"),
    **dict.fromkeys(("ㄴ", "ㄵ", "ㄶ"), "ㄴ"),
    **dict.fromkeys(("ㄹ", "ㄼ", "ㄽ", "ㄾ", "ㅀ"), "ㄹ"),
    **dict.fromkeys(("ㅁ", "ㄻ"), "ㅁ"),
    "ㅇ": "ㅇ",
    "": "",
}  # a coda before a consonant or a pause (8-11)
_LINKED = {
    **{"ㄳ": ("ㄱ", "ㅆ"), "ㄵ": ("ㄴ", "ㅈ"), "ㄶ": ("", "ㄴ"), "ㄺ": ("ㄹ", "ㄱ"), "ㄻ": ("ㄹ", "ㅁ")},
    **{"ㄼ": ("ㄹ", "ㅂ"), "ㄽ": ("ㄹ", "ㅆ"), "ㄾ": ("ㄹ", "ㅌ"), "ㄿ": ("ㄹ", "ㅍ"), "ㅀ": ("", "ㄹ")},
    **{"ㅄ": ("ㅂ", "ㅆ"), "ㅎ": ("", "ㅇ")},
}  # a coda before a vowel: what stays and what moves (12-14)
_TENSE = {"ㄱ": "ㄲ", "ㄷ": "ㄸ", "ㅂ": "ㅃ", "ㅅ": "ㅆ", "ㅈ": "ㅉ"}
_BREATHED = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅂ": "ㅍ", "ㅈ": "ㅊ"}
_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}
_AFTER_H = {"ㅎ": "", "ㄶ": "ㄴ", "ㅀ": "ㄹ"}
_BEFORE_H = {"ㄺ": ("ㄹ", "ㅋ"), "ㄵ": ("ㄴ", "ㅊ"), "ㄼ": ("ㄹ", "ㅍ"), "ㅈ": ("", "ㅊ")}
_STEM_CODAS = ("ㄴ", "ㅁ", "ㄵ", "ㄻ", "ㄼ", "ㄾ")
_LETTER_NAMES = {"디귿": "ㅅ", "지읒": "ㅅ", "치읓": "ㅅ", "키읔": "ㄱ", "티읕": "ㅅ", "피읖": "ㅂ", "히읗": "ㅅ"}


def heard(grammar: Grammar) -> list[Unit]:
    """The syllables of the text as they are heard, with everything else in its place."""
    units: list[Unit] = [letters(char) if is_syllable(char) else char for char in grammar.text]
    for place, unit in enumerate(units):
        if not isinstance(unit, Syllable):
            continue
        _vowel(unit)
        if grammar.text[max(0, place - 1) : place + 1] in _LETTER_NAMES and _next(units, place) == "ㅇ":
            unit.coda = _LETTER_NAMES[grammar.text[place - 1 : place + 1]]
    for place, unit in enumerate(units):
        if isinstance(unit, Syllable):
            _grammatical(units, place, grammar)
    for place, unit in enumerate(units):
        if isinstance(unit, Syllable) and unit.coda:
            _join(units, place, grammar)
    return units


def _next(units: list[Unit], place: int) -> str:
    """The onset right behind, or nothing."""
    following = units[place + 1] if place + 1 < len(units) else ""
    return following.onset if isinstance(following, Syllable) else ""


def _vowel(syllable: Syllable) -> None:
    if syllable.vowel == "ㅕ" and syllable.onset in ("ㅈ", "ㅉ", "ㅊ"):  # (5.1)
        syllable.vowel = "ㅓ"
    elif syllable.vowel == "ㅢ" and syllable.onset != "ㅇ":  # (5.3)
        syllable.vowel = "ㅣ"


def _grammatical(units: list[Unit], place: int, grammar: Grammar) -> None:
    """Rules that ask for the kind of word, before the general ones."""
    unit = units[place]
    assert isinstance(unit, Syllable)
    if place in grammar.tense:
        unit.onset = _TENSE.get(unit.onset, unit.onset)  # (27)
    following = units[place + 1] if place + 1 < len(units) else None
    if following == " " and place in grammar.adnominal and unit.coda == "ㄹ" and place + 2 < len(units):
        following = units[place + 2]
    if not isinstance(following, Syllable):
        return
    if place in grammar.adnominal and unit.coda == "ㄹ":  # (27)
        following.onset = _TENSE.get(following.onset, following.onset)
    elif place in grammar.stems and place + 1 < len(units) and units[place + 1] is following:
        if unit.coda == "ㄺ" and following.onset == "ㄱ":  # (11)
            unit.coda, following.onset = "ㄹ", "ㄲ"
        elif unit.coda in _STEM_CODAS and following.onset in _TENSE and following.onset != "ㅂ":
            following.onset = _TENSE[following.onset]  # (24, 25)
    if unit.coda == "ㄼ" and following.onset not in ("ㅇ", "ㅎ"):  # (10)
        flat = (following.onset, following.vowel) in {("ㅈ", "ㅜ"), ("ㅉ", "ㅜ"), ("ㄷ", "ㅜ"), ("ㄸ", "ㅜ")}
        if (unit.onset, unit.vowel) == ("ㅂ", "ㅏ") or ((unit.onset, unit.vowel) == ("ㄴ", "ㅓ") and flat):
            unit.coda = "ㅂ"


def _join(units: list[Unit], place: int, grammar: Grammar) -> None:
    """The coda of a syllable and the onset that follows it."""
    unit = units[place]
    assert isinstance(unit, Syllable)
    following = units[place + 1] if place + 1 < len(units) else None
    if isinstance(following, Syllable):
        if following.onset == "ㅇ":
            _link(unit, following)
            return
        if following.vowel == "ㅣ" and following.onset == "ㅎ" and unit.coda in ("ㄷ", "ㄵ"):  # (17)
            unit.coda, following.onset = "" if unit.coda == "ㄷ" else "ㄴ", "ㅊ"
            return
    elif following == " " and isinstance(after := units[place + 2] if place + 2 < len(units) else None, Syllable):
        if after.onset == "ㅇ":
            unit.coda = _PLAIN[unit.coda]
        elif not (place in grammar.particles and after.onset == "ㄴ"):
            unit.coda, after.onset = meet(unit.coda, after.onset)
        return
    else:
        unit.coda = _PLAIN[unit.coda]
        return
    unit.coda, following.onset = meet(unit.coda, following.onset)


def _link(unit: Syllable, following: Syllable) -> None:
    """A coda before a vowel moves over (12-14, 17)."""
    if unit.coda == "ㅇ":
        return
    if following.vowel in ("ㅣ", "ㅕ") and unit.coda in ("ㄷ", "ㅌ", "ㄾ"):
        unit.coda, following.onset = "ㄹ" if unit.coda == "ㄾ" else "", "ㅈ" if unit.coda == "ㄷ" else "ㅊ"
        _vowel(following)
        return
    unit.coda, following.onset = _LINKED.get(unit.coda, ("", unit.coda))


def meet(coda: str, onset: str) -> tuple[str, str]:
    """A coda and a consonant after it, as both are heard."""
    if coda in _AFTER_H:  # (12)
        rest = _AFTER_H[coda]
        if onset in _BREATHED and onset != "ㅂ":
            return rest, _BREATHED[onset]
        if onset == "ㅅ":
            return rest, "ㅆ"
        if onset == "ㄴ":
            return ("ㄴ", "ㄴ") if rest != "ㄹ" else ("ㄹ", "ㄹ")
        return ("ㄹ", "ㄹ") if onset == "ㄹ" and rest else (rest, onset)
    plain = _PLAIN[coda]
    if onset == "ㅎ":  # (12)
        if coda in _BEFORE_H:
            return _BEFORE_H[coda]
        return ("", _BREATHED[plain]) if plain in _BREATHED else (plain, onset)
    if onset in _TENSE and (plain in _NASAL or coda in ("ㄼ", "ㄽ")):  # (23)
        return plain, _TENSE[onset]
    if onset in ("ㄴ", "ㅁ") and plain in _NASAL:  # (18)
        return _NASAL[plain], onset
    if onset == "ㄴ" and plain == "ㄹ":  # (20)
        return "ㄹ", "ㄹ"
    if onset == "ㄹ":  # (19, 20)
        if plain in _NASAL:
            return _NASAL[plain], "ㄴ"
        return ("ㄹ", "ㄹ") if plain in ("ㄴ", "ㄹ") else (plain, "ㄴ" if plain else "ㄹ")
    return plain, onset
