"""Written English to sentences of phones, and a run of English inside a text of another language to its reading."""

from collections.abc import Iterator, Sequence

from edge_tts.text.clean import Cleaned, clean
from edge_tts.text.english.pronounce import LETTERS, pronounce
from edge_tts.text.english.scanner import scan
from edge_tts.text.lexicon import Lexicon
from edge_tts.text.reading import Reading, Segment, Sentence
from edge_tts.text.sentences import Said, cut, group

__all__ = ["read", "sentences"]


def sentences(text: str, lexicon: Lexicon, dictionary_forms: bool = False) -> list[Sentence]:
    """All sentences of `text`; none if there is nothing to speak. `dictionary_forms` is what `pronounce` says.

    Raises TextError for what is no string and for an inline pronunciation that can't be read.
    """
    cleaned = clean(text)
    pieces = [piece for sentence in _said(cleaned, lexicon, dictionary_forms) for piece in cut(sentence)]
    if not pieces:
        return []
    starts = [0, *(_with_opening_mark(cleaned.text, piece[0][0].start) for piece in pieces[1:]), len(cleaned.text)]
    return [_sentence(piece, text, cleaned, *starts[place : place + 2]) for place, piece in enumerate(pieces)]


def read(text: str, lexicon: Lexicon | None = None) -> Reading:
    """A run of English in dictionary forms as one row of phones, without a final mark of its own.

    An `a` with no other word is the letter. Raises TextError as `sentences` does.
    """
    said = [part for sentence in _said(clean(text), lexicon or Lexicon(), True) for part in sentence]
    if [token.text for token, _ in said if not token.pause] == ["a"]:
        said = [(token, phones if token.pause or token.phones else LETTERS["A"]) for token, phones in said]
    return Reading(_spoken(said), tuple(phone for _, phones in said for phone in phones))


def _said(cleaned: Cleaned, lexicon: Lexicon, dictionary_forms: bool) -> Iterator[list[Said]]:
    for sentence in group(scan(cleaned, lexicon)):
        yield list(zip(sentence, pronounce(sentence, dictionary_forms), strict=True))


def _spoken(said: Sequence[Said]) -> str:
    words = (token.text if token.pause and token.text != "-" else " " + token.text for token, _ in said)
    return "".join(words).strip()


def _with_opening_mark(text: str, start: int) -> int:
    """`start`, or the place of the quote, bracket or list mark that stands before it."""
    while start > 0 and text[start - 1] in "\"'([":
        start -= 1
    return start - 2 if text[max(0, start - 3) : start] in ("\n- ", "\n* ", "\n• ", "\n+ ") else start


def _sentence(piece: Sequence[Said], text: str, cleaned: Cleaned, start: int, end: int) -> Sentence:
    phones = tuple(phone for _, phones in piece for phone in phones)
    spoken = _spoken(piece)
    return Sentence(
        written=text[cleaned.origin[start] if start else 0 : cleaned.origin[end]].strip(),
        spoken=spoken,
        phones=phones,
        word_to_phone=tuple(len(phones) for _, phones in piece),
        segments=(Segment("en", spoken, phones),),
    )
