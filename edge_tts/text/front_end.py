"""The front end: written text comes in, sentences of phones go out."""

from edge_tts.errors import TextError
from edge_tts.text.english import reader as english
from edge_tts.text.lexicon import Lexicon
from edge_tts.text.reading import Segment, Sentence

__all__ = ["LANGUAGES", "Segment", "Sentence", "front_end", "split_sentences", "to_phones"]

LANGUAGES = ("en",)
"""Languages that can be read."""


def front_end(text: str, language: str = "en", lexicon: Lexicon | None = None) -> list[Sentence]:
    """All sentences of `text`, at least one.

    Raises TextError if nothing in the text can be spoken, for an unknown language, and for an inline pronunciation that
    can't be read.
    """
    if language not in LANGUAGES:
        raise TextError(f"can't read language {language!r}: use one of {', '.join(LANGUAGES)}")
    sentences = english.sentences(text, lexicon if lexicon is not None else Lexicon())
    if not sentences:
        shown = text.strip()[:40].encode("unicode_escape").decode() if not text.isprintable() else text.strip()[:40]
        raise TextError(f"nothing to speak in {shown!r}: give a text with Latin letters, digits or symbols")
    return sentences


def split_sentences(text: str, language: str = "en") -> list[str]:
    """The written form of each sentence that `front_end` gives."""
    return [sentence.written for sentence in front_end(text, language)]


def to_phones(text: str, language: str = "en", lexicon: Lexicon | None = None) -> tuple[str, ...]:
    """The phones of the whole text in one row."""
    return tuple(phone for sentence in front_end(text, language, lexicon) for phone in sentence.phones)
