"""Phrase breaks: where a reader pauses although no punctuation tells him to.

A logistic regression (learned by `build_engines.training.phrasing` from the pauses of a synthesizer with a phrasing
model) over the two words at the gap and the distances to the pauses around it. A voice whose bundle asks for it gets
a `,` among its phones there; the written text is left alone.
"""

import json
import re
from dataclasses import replace
from functools import cache
from importlib import resources

from edge_tts.text.reading import Segment, Sentence

__all__ = ["BIAS", "features", "with_breaks"]

BIAS = "bias"
_FARTHEST = 12
_LEAST = 3
_PAUSES = frozenset(",.!?…-")
_FINAL = frozenset(".!?…")


def features(left: str, right: str, since: int, until: int) -> list[str]:
    """What the model knows of a gap: the words at it (lower case), words since the last pause and until the next."""
    before, after = min(since, _FARTHEST), min(until, _FARTHEST)
    return [f"l:{left}", f"r:{right}", f"s{before}", f"u{after}"]


@cache
def _table() -> dict[str, float]:
    raw = resources.files("edge_tts.text").joinpath("data/phrasing.json").read_text(encoding="utf-8")
    table: dict[str, float] = json.loads(raw)
    return table


def with_breaks(sentence: Sentence) -> Sentence:
    """The sentence with a `,` among its phones wherever a pause is likelier than none, if it is all English."""
    if any(segment.language != "en" for segment in sentence.segments):
        return sentence
    words = re.findall(r"[^\s,.!?…]+|[,.!?…]", sentence.spoken.lower())
    if len(words) != len(sentence.word_to_phone):
        return sentence  # words that hold punctuation: their gaps can't be told apart
    table = _table()
    phones: list[str] = []
    counts: list[int] = []
    place = last = 0
    for k, (word, count) in enumerate(zip(words, sentence.word_to_phone, strict=True)):
        if word in _PAUSES:
            last = k + 1
        elif k and words[k - 1] not in _PAUSES:
            until = next((m for m in range(k, len(words)) if words[m] in _PAUSES), len(words)) - k
            known = features(words[k - 1], word, k - last, until)
            likely = table[BIAS] + sum(table.get(name, 0.0) for name in known) > 0
            if likely and k - last >= _LEAST and until >= _LEAST - 1:
                phones.append(",")
                counts.append(1)
                last = k
        phones += sentence.phones[place : place + count]
        counts.append(count)
        place += count
    row = tuple(phones)
    segments = (Segment("en", sentence.spoken, row),)
    return replace(sentence, phones=row, word_to_phone=tuple(counts), segments=segments)
