"""Text of any script to sentences and, where they are long, to pieces, by punctuation and an estimate of their phones.

English text alone has better rules (`english.scanner`, `sentences`); these are for Chinese, Japanese, Korean and text
of several languages. Every function gives places in the text and leaves nothing out.
"""

import re
from collections.abc import Iterator, Sequence

from edge_tts.text.languages import HAN, HANGUL, KANA, LATIN
from edge_tts.text.sentences import LIMIT, TARGET

__all__ = ["atoms", "halves", "pieces", "sentences"]

Span = tuple[int, int]

_CLOSING = "\"'”’」』）)】〉》］\\]｝}"
_END = re.compile(
    rf"(?P<full>(?:[。｡！？!?．]|\.{{2,}}|[…⋯])*[。｡！？!?．](?:[。｡！？!?．…⋯.])*[{_CLOSING}]*)"
    rf"|(?P<weak>(?:[…⋯]|\.{{2,}}|[；;])+[{_CLOSING}]*)"
    rf"|(?P<point>\.[{_CLOSING}]*(?=\s|$|[{HAN}{KANA}{HANGUL}])|(?<=[{HAN}{KANA}{HANGUL}])\.(?!\d)[{_CLOSING}]*)"
    r"|(?P<line>[\n\r\x0b\x0c\x85\u2028\u2029]+)"
)
_ABBREVIATION = re.compile(r"(?:^|[^A-Za-z])(?:[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|No|vs|etc|Jr|Sr|e\.g|i\.e|[ap]\.m)$")
_ENOUGH = 24
"""Phones, about, that must stand before a semicolon or an ellipsis for a sentence to end there."""

_ATOM = re.compile(
    r"\{[^{}|/\n]{1,80}\|/[^/{}\n]{1,200}/\}"
    rf"|[{LATIN}][{LATIN}'’]{{0,39}}|\d(?:\d|[.,:/\-](?=\d)){{0,11}}|.",
    re.DOTALL,
)
_WEIGHTS = [(re.compile(f"[{script}]"), weight) for script, weight in ((HAN, 2.0), (KANA, 2.5), (HANGUL, 3.2))]
_AFTER_CLAUSE = frozenset("，,、；;：:…—」』）)》”")
_NEVER_FIRST = re.compile(r"[\s，,、。．；;：:！？!?….%％」』）)】〉》”’々ーぁぃぅぇぉっゃゅょァィゥェォッャュョ]")


def sentences(text: str) -> Iterator[Span]:
    """The sentences of `text`: after `。！？` and the like, after a full stop that ends one, and at each new line."""
    start = 0
    for match in _END.finditer(text):
        kind, end = match.lastgroup, match.end()
        if kind == "weak" and sum(map(_weight, atoms(text[max(start, end - 40) : end]))) < _ENOUGH:
            continue
        if kind == "point" and _ABBREVIATION.search(text, max(0, match.start() - 6), match.start()):
            continue
        yield start, end
        start = end
    if start < len(text):
        yield start, len(text)


def atoms(text: str) -> list[str]:
    """What is never cut: words of Latin letters, numbers, inline pronunciations, single characters."""
    return _ATOM.findall(text)


def pieces(text: str) -> Iterator[str]:
    """Parts of a sentence that are short enough to be spoken at a time, as far as that can be told by looking."""
    row = atoms(text)
    weights = [_weight(atom) for atom in row]
    left = sum(weights)
    start = 0
    while start < len(row):
        end = len(row) if left <= TARGET else _best_end(row, weights, start, left / -(-left // TARGET))
        left -= sum(weights[start:end])
        yield "".join(row[start:end])
        start = end


def halves(text: str) -> tuple[str, str]:
    """Two parts of a piece that proved too long; `text` has at least two characters."""
    row = atoms(text)
    if len(row) < 2:
        return text[: len(text) // 2], text[len(text) // 2 :]
    weights = [_weight(atom) for atom in row]
    end = min(len(row) - 1, _best_end(row, weights, 0, sum(weights) / 2))
    return "".join(row[:end]), "".join(row[end:])


def _best_end(row: Sequence[str], weights: Sequence[float], start: int, aim: float) -> int:
    best, best_cost = start + 1, float("inf")
    count = 0.0
    for place in range(start, len(row)):
        count += weights[place]
        if count > LIMIT:
            break
        cost = abs(count - aim) + _reluctance(row[place], row[place + 1] if place + 1 < len(row) else "")
        if cost <= best_cost and (count >= aim / 3 or best_cost == float("inf")):
            best, best_cost = place + 1, cost
    return best


def _reluctance(atom: str, following: str) -> int:
    """What it costs to cut between two atoms, in phones of distance from the ideal place."""
    if _NEVER_FIRST.match(following):
        return 1000
    if atom in _AFTER_CLAUSE:
        return 0
    if atom.isspace():
        return 35
    kana_to_han = _WEIGHTS[1][0].match(atom) and _WEIGHTS[0][0].match(following)
    return 60 if kana_to_han else 120


def _weight(atom: str) -> float:
    """Phones of an atom, about."""
    if atom[0] == "{":
        return len(atom) / 3
    if atom[0].isdigit():
        return 6.0 * len(atom)
    return next((weight for script, weight in _WEIGHTS if script.match(atom)), float(len(atom)))
