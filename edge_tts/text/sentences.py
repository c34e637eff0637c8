"""Tokens to sentences that are short enough to be spoken one at a time.

A sentence ends at its final mark. One of more than `TARGET` phones is cut into pieces of about equal length, at the
best place near each piece's end: after a comma or dash, before a conjunction, between words, in that order. A piece
never has more than `LIMIT` phones, whatever the text: a word that is longer is cut too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from edge_tts.text.tokens import ENDS, Token

__all__ = ["LIMIT", "TARGET", "cut", "group"]

TARGET = 100
"""Phones in a piece, about."""

LIMIT = 140
"""Phones in a sentence, at most, its final mark included."""

Said = tuple[Token, tuple[str, ...]]
"""A token and its phones."""

_CONJUNCTIONS = frozenset(
    "and but or so because which that when while if although where who since then than until as".split()
)
_RANK = {",": 0, "-": 1, "…": 2, ".": 3, "!": 4, "?": 5}


def group(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The sentences: words with single pauses between them, and one final mark at the end; none without a word."""
    sentence: list[Token] = []
    for token in tokens:
        if not token.pause:
            if sentence and sentence[-1].pause and sentence[-1].final:
                yield sentence
                sentence = []
            sentence.append(token)
        elif sentence:
            last = sentence[-1]
            if not last.pause:
                sentence.append(token)
            else:
                mark = max(last.text, token.text, key=lambda text: _RANK[text])
                sentence[-1] = replace(last, text=mark, final=last.final or token.final, end=token.end)
    if sentence:
        yield sentence


def cut(sentence: Sequence[Said]) -> Iterator[list[Said]]:
    """Pieces of at most `LIMIT` phones, each closed by one of `. ! ? …`."""
    said = [part for whole in sentence for part in _short_enough(whole)]
    left = sum(len(phones) for _, phones in said)
    start = 0
    while start < len(said):
        end = len(said) if left <= TARGET + 1 else _best_end(said, start, left)
        piece = said[start:end]
        left -= sum(len(phones) for _, phones in piece)
        if any(not token.pause for token, _ in piece):
            yield _closed(piece)
        start = end


def _short_enough(said: Said) -> Iterator[Said]:
    token, phones = said
    for place in range(0, len(phones), TARGET):
        yield token, phones[place : place + TARGET]


def _best_end(said: Sequence[Said], start: int, left: int) -> int:
    """Where the piece that begins at `start` ends, with `left` phones still to be spoken."""
    aim = left / -(-left // TARGET)
    best, best_cost = start + 1, float("inf")
    count = 0
    for place in range(start, len(said)):
        token, phones = said[place]
        if count + len(phones) > LIMIT - 2:
            break
        count += len(phones)
        cost = abs(count - aim) + _reluctance(token, said[place + 1][0] if place + 1 < len(said) else None)
        if cost <= best_cost and (count >= aim / 3 or best_cost == float("inf")):
            best, best_cost = place + 1, cost
    return best


def _reluctance(token: Token, following: Token | None) -> int:
    """What it costs to cut after `token`, in phones of distance from the ideal place."""
    if token.pause or following is None:
        return 0
    if following.pause:
        return 1000
    return 35 if following.text in _CONJUNCTIONS else 70


def _closed(piece: list[Said]) -> list[Said]:
    token, _ = piece[-1]
    if not token.pause:
        return [*piece, (Token(".", token.end, token.end, pause=True, final=True), (".",))]
    return piece if token.text in ENDS else [*piece[:-1], (replace(token, text=".", final=True), (".",))]
