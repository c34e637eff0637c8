"""Characters with several readings, decided by the words they stand in and by their neighbours.

`data/zh_polyphones.txt`, written by hand, corrects and completes the dictionary of `readings`: a default per character,
words in which it is read otherwise, and contexts, which speak for a character that no word decides.
"""

import re
from dataclasses import dataclass, field
from functools import cache

from edge_tts.text.chinese.data import lines

__all__ = ["Polyphones", "polyphones"]

_WINDOW = 6
"""How many characters before it a context sees."""

_LONGEST = 8
"""Characters in the longest of the words."""


@dataclass
class Polyphones:
    """defaults: character → syllable. words: word → the syllables of some of its characters, by place. open: the words
    that contexts may overrule. contexts: character → what must stand before (at the end) and after it (at the
    beginning), and the syllable. surnames: character → syllable at the beginning of a name."""

    defaults: dict[str, str] = field(default_factory=dict)
    words: dict[str, dict[int, str]] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    contexts: dict[str, list[tuple[re.Pattern[str], re.Pattern[str], str]]] = field(default_factory=dict)
    surnames: dict[str, str] = field(default_factory=dict)

    def longest_word(self, text: str, start: int) -> str:
        """The longest of `words` that begins there; empty if none does."""
        for size in range(min(_LONGEST, len(text) - start), 1, -1):
            word = text[start : start + size]
            if word in self.words:
                return word
        return ""

    def in_context(self, text: str, place: int) -> str | None:
        """The reading of the character at `place` that its neighbours ask for."""
        before = text[max(0, place - _WINDOW) : place]
        for start, end, syllable in self.contexts.get(text[place], ()):
            if start.search(before) and end.match(text, place + 1):
                return syllable
        return None


@cache
def polyphones() -> Polyphones:
    """The one table, loaded on first use."""
    table = Polyphones()
    for line in lines("zh_polyphones.txt"):
        if not line.startswith("#"):
            character, syllable, *where = line.split(" ")
            _add(table, character, syllable, where)
    return table


def _add(table: Polyphones, character: str, syllable: str, where: list[str]) -> None:
    if not where:
        table.defaults[character] = syllable
    for item in where:
        if item == "^":
            table.surnames[character] = syllable
        elif "_" in item:
            before, _, after = item.partition("_")
            context = re.compile(f"(?:{before})$"), re.compile(after), syllable
            table.contexts.setdefault(character, []).append(context)
        else:
            if item.endswith("~"):
                item = item[:-1]
                table.open.add(item)
            places = table.words.setdefault(item, {})
            places.update((place, syllable) for place, char in enumerate(item) if char == character)
