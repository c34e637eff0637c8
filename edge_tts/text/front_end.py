"""The front end: written text comes in, sentences of phones go out."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge_tts.errors import TextError
from edge_tts.text.clean import Cleaned, clean
from edge_tts.text.english.pronounce import pronounce
from edge_tts.text.english.scanner import scan
from edge_tts.text.lexicon import Lexicon
from edge_tts.text.sentences import Said, cut, group

__all__ = ["LANGUAGES", "Sentence", "front_end", "split_sentences", "to_phones"]

LANGUAGES = ("en",)
"""Languages that can be read."""


@dataclass(frozen=True)
class Sentence:
    """One sentence, or a piece of a long one, to be synthesized at a time.

    written: the part of the original text. spoken: the words as they are read, with punctuation.
    phones: ARPAbet with stress digits and the pauses `, . ! ? … -`; at most 140, the last one of `. ! ? …`.
    word_to_phone: how many of the phones each spoken word or pause has; they add up to `len(phones)`.
    """

    written: str
    spoken: str
    phones: tuple[str, ...]
    word_to_phone: tuple[int, ...]


def front_end(text: str, language: str = "en", lexicon: Lexicon | None = None) -> list[Sentence]:
    """All sentences of `text`, at least one.

    Raises TextError if nothing in the text can be spoken, for an unknown language, and for an inline pronunciation that
    can't be read.
    """
    if language not in LANGUAGES:
        raise TextError(f"can't read language {language!r}: use one of {', '.join(LANGUAGES)}")
    cleaned = clean(text)
    tokens = scan(cleaned, lexicon if lexicon is not None else Lexicon())
    pieces = [
        piece for sentence in group(tokens) for piece in cut(list(zip(sentence, pronounce(sentence), strict=True)))
    ]
    if not pieces:
        shown = text.strip()[:40].encode("unicode_escape").decode() if not text.isprintable() else text.strip()[:40]
        raise TextError(f"nothing to speak in {shown!r}: give a text with Latin letters, digits or symbols")
    starts = [0, *(_with_opening_mark(cleaned.text, piece[0][0].start) for piece in pieces[1:]), len(cleaned.text)]
    return [_sentence(piece, text, cleaned, *starts[place : place + 2]) for place, piece in enumerate(pieces)]


def _with_opening_mark(text: str, start: int) -> int:
    """`start`, or the place of the quote, bracket or list mark that stands before it."""
    while start > 0 and text[start - 1] in "\"'([":
        start -= 1
    return start - 2 if text[max(0, start - 3) : start] in ("\n- ", "\n* ", "\n• ", "\n+ ") else start


def _sentence(piece: Sequence[Said], text: str, cleaned: Cleaned, start: int, end: int) -> Sentence:
    spoken = "".join(token.text if token.pause and token.text != "-" else " " + token.text for token, _ in piece)
    return Sentence(
        written=text[cleaned.origin[start] if start else 0 : cleaned.origin[end]].strip(),
        spoken=spoken.strip(),
        phones=tuple(phone for _, phones in piece for phone in phones),
        word_to_phone=tuple(len(phones) for _, phones in piece),
    )


def split_sentences(text: str, language: str = "en") -> list[str]:
    """The written form of each sentence that `front_end` gives."""
    return [sentence.written for sentence in front_end(text, language)]


def to_phones(text: str, language: str = "en", lexicon: Lexicon | None = None) -> tuple[str, ...]:
    """The phones of the whole text in one row."""
    return tuple(phone for sentence in front_end(text, language, lexicon) for phone in sentence.phones)
