"""What the scanner and its rules share: a rule's type, the reading position, and where an abbreviation ends a sentence.

A rule is a pattern and a reader. At a position the scanner tries the rules in order; the first whose pattern matches
and whose reader returns words is taken. Every pattern is bounded (no unlimited repeat can be followed by a failure),
so a text is read in linear time whatever it holds.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from edge_tts.text.tokens import Token

__all__ = ["END", "Reader", "Rule", "Scan", "closes_sentence"]

END = "."
"""In a reader's words: the sentence ends here (`at 5 p.m.`: the last dot does two jobs)."""


@dataclass
class Scan:
    """The cleaned text and the tokens read so far."""

    text: str
    tokens: list[Token] = field(default_factory=list)

    def before(self, count: int = 1) -> str:
        """The `count`-th last spoken word in lower case, or an empty string; pauses aren't looked across."""
        token = self.tokens[-count] if len(self.tokens) >= count else None
        return "" if token is None or token.pause else token.text.lower()

    def before_is_capital(self) -> bool:
        """The last word was written with a capital."""
        return bool(self.tokens) and not self.tokens[-1].pause and self.tokens[-1].capital


Reader = Callable[["re.Match[str]", Scan], "list[str] | None"]
"""Returns spoken words (lower case; spelled letters upper case; pauses `,` `-`; END), or None if it doesn't apply."""

Rule = tuple["re.Pattern[str]", Reader]

_AFTER = re.compile(r"[\"')\]]{0,3}(\s{0,4}\n|\s{0,4}$|\s{1,4}[\"'(\[]{0,2}([A-Z][A-Za-z']{0,15}))")
_STARTERS = frozenset(
    "a after all although an and another any are as at because before both but by can did do does each even every "
    "everyone for from has have he her here his how however i i'll i'm i've if in instead is it it's its just last "
    "later "
    "let many maybe meanwhile more most my next no nobody not nothing now of on once one only or other our over "
    "please she "
    "since so some soon such thank that that's the their then there there's these they they're this those though thus "
    "to "
    "today tomorrow tonight we we'll we're we've well were what when where which while who why will with would yes "
    "yet you "
    "you'll you're your".split()
)


def closes_sentence(text: str, place: int) -> bool:
    """Whether the dot of an abbreviation that ends before `place` also ends its sentence.

    It does at the end of the text or line, and before a capitalised word that commonly opens a sentence (The, He, …).
    """
    match = _AFTER.match(text, place)
    return match is not None and (match[2] is None or match[2].lower() in _STARTERS)
