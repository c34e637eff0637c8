"""Words as they are written: titles, abbreviations, initials, acronyms, Roman numerals, contractions, plain words."""

import re

from edge_tts.text.english.numbers import cardinal, ordinal
from edge_tts.text.english.rules import END, Rule, Scan, closes_sentence
from edge_tts.text.english.spelling import is_known, word_or_letters

__all__ = ["RULES"]

Match = re.Match[str]

# Never end a sentence: a name or a number follows.
_TITLES = {
    "Mr": "mister", "Mrs": "missus", "Ms": "miz", "Prof": "professor", "Gen": "general", "Col": "colonel",
    "Sgt": "sergeant",
    "Capt": "captain", "Lt": "lieutenant", "Cmdr": "commander", "Gov": "governor", "Sen": "senator",
    "Rep": "representative",
    "Rev": "reverend", "Hon": "honorable", "Pres": "president", "Messrs": "messrs", "Mt": "mount", "Ft": "fort",
}  # fmt: skip
# May end one.
_SHORT = {
    "vs": "versus", "etc": "et cetera", "approx": "approximately", "est": "estimated", "dept": "department",
    "Dept": "department", "Inc": "incorporated", "Ltd": "limited", "Co": "company", "Corp": "corporation",
    "Bros": "brothers",
    "Jr": "junior", "Sr": "senior", "Ave": "avenue", "Blvd": "boulevard", "Rd": "road", "Ln": "lane",
    "Apt": "apartment",
    "Hwy": "highway", "Univ": "university", "Assn": "association", "govt": "government", "Govt": "government",
    "min": "minutes",
    "max": "maximum", "misc": "miscellaneous", "incl": "including", "cont": "continued", "temp": "temperature",
    "Mon": "monday", "Tue": "tuesday", "Tues": "tuesday", "Wed": "wednesday", "Thu": "thursday", "Thur": "thursday",
    "Thurs": "thursday", "Fri": "friday", "Sat": "saturday", "Sun": "sunday", "tel": "telephone", "Tel": "telephone",
    "ext": "extension", "Ext": "extension", "al": "al", "cf": "compare", "ca": "circa", "hrs": "hours", "hr": "hour",
    "mins": "minutes", "secs": "seconds", "lbs": "pounds", "ft": "feet", "viz": "namely",
}  # fmt: skip
# Before a number only.
_BEFORE_NUMBER = {
    "No": "number", "no": "number", "Nos": "numbers", "nos": "numbers", "p": "page", "pp": "pages", "pg": "page",
    "fig": "figure", "Fig": "figure", "figs": "figures", "vol": "volume", "Vol": "volume", "ch": "chapter",
    "Ch": "chapter",
    "sec": "section", "Sec": "section", "eq": "equation", "Eq": "equation", "art": "article", "Art": "article",
    "ver": "version", "Rm": "room", "c": "circa",
}  # fmt: skip
_WHOLE = {
    "e.g.": "for example", "eg.": "for example", "i.e.": "that is", "ie.": "that is", "a.k.a.": "also known as",
    "Ph.D.": "P H D", "Ph.D": "P H D", "PhD": "P H D", "w/o": "without", "w/": "with", "b/c": "because",
    "and/or": "and or",
    "c/o": "care of", "n/a": "not applicable", "N/A": "not applicable", "AC/DC": "A C D C", "TCP/IP": "T C P I P",
    "C++": "C plus plus", "C#": "C sharp", "F#": "F sharp", "R&D": "R and D", "Q&A": "Q and A", "AT&T": "A T and T",
    "B&B": "B and B", "P&L": "P and L", "macOS": "mac O S", "iOS": "I O S", ".NET": "dot net",
}  # fmt: skip

_NUMERAL = re.compile(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_BEFORE_SAINT = frozenset({"the", "and", "in", "to", "is", "at"})
_NO_NUMERALS = frozenset({"DC", "CD", "MD", "LI", "XL", "MI", "CV", "CC", "MC", "DI", "MM", "CI", "DM"})
_HEADINGS = frozenset(
    "chapter part act scene book volume section phase type class level round article appendix figure table title "
    "stage war "
    "bowl fantasy rocky wars episode grade unit tier mark season version category apollo olympiad symphony sonata "
    "lesson "
    "godfather rambo terminator verse canto schedule".split()
)
_REIGNING = frozenset(
    "henry louis elizabeth george edward richard charles james william mary john paul pius benedict gregory leo "
    "innocent "
    "clement urban alexander frederick philip ferdinand francis nicholas catherine peter ivan napoleon wilhelm "
    "friedrich "
    "ludwig otto gustav carl karl christian haakon harald olav felipe alfonso carlos margrethe ramses ramesses "
    "ptolemy darius "
    "xerxes cyrus malcolm robert david constantine leopold albert umberto emmanuel pedro manuel sixtus julius boniface "
    "celestine adrian stephen henri thutmose amenhotep selim murad mehmed mahmud suleiman joseph maximilian rudolf "
    "isabella "
    "michael theodore basil justin vladimir baldwin conrad casimir sigismund afonso abdullah hassan "
    "mohammed rama".split()
)
_FOLLOWS_PRONOUN = re.compile(
    r"\s(?:am|was|think|have|had|will|would|can|could|know|saw|want|don't|do|did|say|said|like)\b"
)
_LONE_CAPITAL = re.compile(r"\s[A-HJ-Z](?![A-Za-z'.])")
_LABELS = frozenset(
    "vitamin plan grade type class option section hepatitis group team part building exhibit appendix row an".split()
)
"""Words after which `A` is the letter."""


def _roman(match: Match, scan: Scan) -> list[str] | None:
    """`Henry VIII` → the eighth, `Chapter IV` → four, `Rocky II` → two. None if it is not a numeral here."""
    text = match[0]
    before = scan.before()
    if not before or not text or not _NUMERAL.fullmatch(text):
        return None
    value = sum(
        -_ROMAN[a] if b and _ROMAN[a] < _ROMAN[b] else _ROMAN[a] for a, b in zip(text, [*text[1:], ""], strict=True)
    )
    if before in _REIGNING and scan.before_is_capital() and value < 40:
        if text == "I" and _FOLLOWS_PRONOUN.match(scan.text, match.end()):
            return None
        return ["the", *ordinal(str(value))]
    if before in _HEADINGS:
        return None if text == "I" and not scan.before_is_capital() else cardinal(str(value))
    if len(text) > 1 and scan.before_is_capital() and value < 40 and text not in _NO_NUMERALS:
        return cardinal(str(value))
    return None


def _dotted(match: Match, scan: Scan) -> list[str]:
    """`U.S.` → U S; the last dot may end the sentence."""
    ends = match[0].endswith(".") and closes_sentence(scan.text, match.end())
    return [*match[0].replace(".", "").upper(), *([END] if ends else [])]


def _fixed(match: Match, scan: Scan) -> list[str]:
    return _WHOLE[match[0]].split()


def _title(match: Match, scan: Scan) -> list[str]:
    return [_TITLES[match[1]]]


def _saint_or_street(match: Match, scan: Scan) -> list[str]:
    """St. and Dr. stand before a name (saint, doctor) or after one (street, drive)."""
    before, after = {"St": ("saint", "street"), "Dr": ("doctor", "drive")}[match[1]]
    name_follows = re.compile(r"\s{1,3}[A-Z]").match(scan.text, match.end())
    if not (scan.before_is_capital() or scan.before() in ("street", "avenue")):
        return [before]
    ends = closes_sentence(scan.text, match.end())
    if name_follows and not ends and (match[1] == "Dr" or scan.before() in _BEFORE_SAINT):
        return [before]
    return [after, *([END] if match[0].endswith(".") and ends else [])]


def _short(match: Match, scan: Scan) -> list[str] | None:
    return [*_SHORT[match[1]].split(), *([END] if closes_sentence(scan.text, match.end()) else [])]


def _weekdays(match: Match, scan: Scan) -> list[str]:
    first, last = match.groups()
    return [_SHORT[first], *(["to", _SHORT[last]] if last else [])]


def _before_number(match: Match, scan: Scan) -> list[str]:
    return [_BEFORE_NUMBER[match[1]]]


def _initial(match: Match, scan: Scan) -> list[str]:
    return [match[1]]


def _letters(match: Match, scan: Scan) -> list[str] | None:
    """Plural or possessive of an acronym: `PCs`, `FBI's`."""
    *first, last = word_or_letters(match[1])
    return [*first, last + ("'s" if last.isupper() else match[2].lower())]


def _single(match: Match, scan: Scan) -> list[str]:
    """`a`, `I`, or the name of a letter: `Plan A`, `vitamin A.`"""
    letter = match[0]
    if letter == "a" or (letter == "A" and not _names_letter(match, scan)):
        return ["a"]
    return [letter.upper()]


def _names_letter(match: Match, scan: Scan) -> bool:
    before = scan.before()
    following = match.string[match.end() : match.end() + 2]
    if _LONE_CAPITAL.match(match.string, match.end()):
        return True
    if before in _LABELS or (scan.before_is_capital() and following[:1] in (".", ",", "!", "?", ";")):
        return True
    return following.strip() in ("", ".", ",") and bool(before)


def _numeral_or_pronoun(match: Match, scan: Scan) -> list[str]:
    return _roman(match, scan) or ["I"]


def _elided(match: Match, scan: Scan) -> list[str]:
    return [match[0].lower()]


def _word(match: Match, scan: Scan) -> list[str]:
    stem, *tails = match[0].split("'")
    low = match[0].lower()
    if is_known(low):
        if match[0].isupper() and not tails:
            return ["am"] if low == "am" and scan.before() == "i" else word_or_letters(match[0])
        return [low]
    if len(tails) > 1 or (tails and len(stem) == 1):
        return [low]
    if tails and not match[0].isupper():
        *first, last = word_or_letters(stem)
        return [*first, "'".join([last, *tails]).lower() if last.islower() else "'".join([last, *tails])]
    words = [spoken for part in (stem, *tails) for spoken in word_or_letters(part)]
    return [_unstretched(word) for word in words]


def _unstretched(word: str) -> str:
    """`sooooo` → so, `goooood` → good: three or more of one letter stand for one at the end, for two inside a word."""
    short = re.sub(r"(.)\1{2,}", r"\1\1", word)
    if short == word:
        return word
    single = re.sub(r"(.)\1$", r"\1", short)
    return next((form for form in (single, short, re.sub(r"(.)\1", r"\1", short)) if is_known(form)), short)


def _any(table: dict[str, str]) -> str:
    return "(" + "|".join(re.escape(name) for name in sorted(table, key=len, reverse=True)) + ")"


_WEEKDAY = "(Mon|Tues?|Wed|Thu|Thurs?|Fri|Sat|Sun)"

RULES: list[Rule] = [
    (re.compile(rf"(?<![A-Za-z]){_any(_WHOLE)}(?![A-Za-z])"), _fixed),
    (re.compile(rf"{_any(_TITLES)}\.(?=\s)"), _title),
    (re.compile(r"(Mr|Mrs|Ms|Prof)(?=\s[A-Z])"), _title),
    (re.compile(r"(St|Dr)(?:\.|\b(?=\s[A-Z]))"), _saint_or_street),
    (re.compile(rf"{_any(_BEFORE_NUMBER)}\.\s?(?=\d)"), _before_number),
    (re.compile(r"(?:[A-Za-z]\.){1,20}[A-Za-z]\.?(?![A-Za-z])"), _dotted),
    (re.compile(rf"{_any(_SHORT)}\.(?!\w)"), _short),
    (re.compile(rf"{_WEEKDAY}\s?[–-]\s?{_WEEKDAY}\b"), _weekdays),
    (re.compile(r"(Mon|Tues?|Wed|Thu|Fri)\b()"), _weekdays),
    (re.compile(r"(vs|etc)\b"), _short),
    (re.compile(r"([A-Z])\.(?=\s?[A-Z][a-z.])"), _initial),
    (re.compile(r"I\b(?!')"), _numeral_or_pronoun),
    (re.compile(r"[IVXLCDM]{1,8}\b(?!')"), _roman),
    (re.compile(r"([A-Z]{2,6})('?s)\b"), _letters),
    (re.compile(r"'(?:tis|twas|cause|em|til|round|bout|n)\b", re.IGNORECASE), _elided),
    (re.compile(r"[A-Za-z](?![A-Za-z'])"), _single),
    (re.compile(r"[A-Za-z]{1,40}(?:'[A-Za-z]{1,10}){0,3}"), _word),
]
