"""Short input as GPT-SoVITS gives it to its models: with a mark in front, since they were not made for a few phones.

From `TextPreprocessor` and `cleaner` of RVC-Boss/GPT-SoVITS: a first clause of fewer than four characters gets a full
stop, an English run of fewer than four phones a comma, and a sentence of fewer than six phones a full stop once more.
"""

import re
from dataclasses import replace

from edge_tts.text.front_end import front_end
from edge_tts.text.lexicon import Lexicon
from edge_tts.text.reading import Segment, Sentence
from edge_tts.text.symbols import PUNCTUATION

__all__ = ["padded", "sentences"]

_CLAUSE_ENDS = re.compile("[，。？！,.?!~:：—…]")
_SHORT_CLAUSE, _SHORT_ENGLISH, _SHORT_SENTENCE = 4, 4, 6


def sentences(text: str, language: str, lexicon: Lexicon | None = None) -> list[Sentence]:
    """All sentences of a text as a genuine voice is to read them. Raises TextError as `front_end` does."""
    found = front_end(text, language, lexicon, dictionary_forms=True)
    return [padded(sentence, opening=index == 0) for index, sentence in enumerate(found)]


def padded(sentence: Sentence, *, opening: bool = False) -> Sentence:
    """The sentence with the marks that a genuine GPT-SoVITS voice expects in front of short input.

    opening: whether it is the first of its text, whose first clause counts. Segments of Mandarin and Cantonese get the
    mark as a character of their text too. A long sentence comes back as it is.
    """
    segments = list(sentence.segments)
    clause = _CLAUSE_ENDS.split(sentence.written, maxsplit=1)[0].strip()
    if opening and len(clause) < _SHORT_CLAUSE and not _CLAUSE_ENDS.match(sentence.written):
        segments[0] = _with_stop(segments[0])
    spoken = [_with_comma(segment) for segment in segments]
    if sum(len(segment.phones) for segment in spoken) < _SHORT_SENTENCE:
        spoken = [_with_comma(segment) for segment in (_with_stop(segments[0]), *segments[1:])]
    phones = tuple(phone for segment in spoken for phone in segment.phones)
    if phones == sentence.phones:
        return sentence
    counts = tuple(len(segment.phones) for segment in spoken)
    if len(spoken) == 1 and spoken[0].language == "en":
        counts = (*(1,) * (len(phones) - len(sentence.phones)), *sentence.word_to_phone)
    return replace(sentence, phones=phones, word_to_phone=counts, segments=tuple(spoken))


def _with_stop(segment: Segment) -> Segment:
    """A `.` in front, or in the place of the mark that stands there."""
    phones, text, counts = segment.phones, segment.text, segment.word_to_phone
    if phones[0] in PUNCTUATION:
        return replace(segment, text="." + text[1:], phones=(".", *phones[1:]))
    return replace(segment, text="." + text, phones=(".", *phones), word_to_phone=(1, *counts) if counts else ())


def _with_comma(segment: Segment) -> Segment:
    short = segment.language == "en" and len(segment.phones) < _SHORT_ENGLISH
    return replace(segment, text="," + segment.text, phones=(",", *segment.phones)) if short else segment
