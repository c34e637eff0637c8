"""What a rule of the normaliser is: a pattern, tried at one place of the text, and how its match is said."""

import re
from collections.abc import Callable

__all__ = ["NUMBER", "TO", "Rule", "follows"]

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]]
"""`None` instead of words: the rule doesn't fit after all, try the next."""

NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,5}(?!\d)|\d+)(?:\.\d+)?"
"""A number without sign: `1,250`, `3.14`."""

TO = " ?(?:[-–—~]+|到|至) ?"
"""What stands between the ends of a range."""


_CLAUSE = re.compile(r"^.*[，。；！？、,;!?\n]", re.DOTALL)


def follows(match: re.Match[str], words: str, within: int = 8) -> bool:
    """Whether one of `words` (a pattern) occurs in the few characters before the match, after the last comma or so."""
    before = match.string[max(0, match.start() - within) : match.start()]
    return re.search(words, _CLAUSE.sub("", before)) is not None
