"""Chinese, Japanese, Korean and text of several languages to sentences: cut, split by script, each part read by its
language."""

from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module

from edge_tts.errors import TextError
from edge_tts.text import passages
from edge_tts.text.english import reader as english
from edge_tts.text.languages import runs
from edge_tts.text.lexicon import Lexicon
from edge_tts.text.reading import Reading, Segment, Sentence
from edge_tts.text.sentences import LIMIT
from edge_tts.text.symbols import PUNCTUATION, UNKNOWN

__all__ = ["sentences"]

_ROOMS = {"zh": "chinese", "ja": "japanese", "ko": "korean", "yue": "cantonese"}
_SILENT_AT_EDGES = {"ja": (UNKNOWN,), "ko": ("空", "停")}
"""Signs of quotes and spaces, which have no business at either end of a sentence."""

_SOUNDLESS = frozenset((*PUNCTUATION, UNKNOWN, "_", "空", "停"))


def sentences(text: str, language: str, lexicon: Lexicon) -> list[Sentence]:
    """All sentences of `text`; none if there is nothing to speak.

    A sentence that is cut for its length keeps its comma at the cut; where there is no mark, a `.` is added. Raises
    TextError for what is no string, for an inline pronunciation that can't be read, and for a missing library.
    """
    if not isinstance(text, str):
        raise TextError(f"text must be a string, not {type(text).__name__}")
    found: list[tuple[list[str], list[Segment]]] = []
    silent: list[str] = []
    for start, end in passages.sentences(text):
        for written, segments in _spoken_pieces(text[start:end], language, lexicon):
            if segments:
                found.append(([*silent, written], segments))
                silent.clear()
            else:
                (found[-1][0] if found else silent).append(written)
    return [_sentence("".join(written), segments) for written, segments in found]


def _spoken_pieces(sentence: str, language: str, lexicon: Lexicon) -> Iterator[tuple[str, list[Segment]]]:
    """Written pieces of a sentence with their segments; none where there is nothing to speak."""
    row = runs(sentence, language)
    first = start = 0
    for piece in passages.pieces(sentence):
        end = start + len(piece)
        while row[first].end <= start:
            first += 1
        parts = []
        for run in row[first:]:
            if run.start >= end:
                break
            parts.append((run.language, sentence[max(run.start, start) : min(run.end, end)]))
        yield from _read_pieces(parts, lexicon)
        start = end


def _read_pieces(parts: list[tuple[str, str]], lexicon: Lexicon) -> Iterator[tuple[str, list[Segment]]]:
    """A piece, or its halves if it has too many phones after all."""
    segments = [segment for part in parts if (segment := _read(*part, lexicon)).phones]
    _trim(segments)
    written = "".join(text for _, text in parts)
    count = sum(len(segment.phones) for segment in segments)
    if count >= LIMIT and len(written) > 1:
        middle = len(passages.halves(written)[0])
        yield from _read_pieces(list(_between(parts, 0, middle)), lexicon)
        yield from _read_pieces(list(_between(parts, middle, len(written))), lexicon)
    elif any(phone not in _SOUNDLESS for segment in segments for phone in segment.phones):
        _close(segments)
        yield written, segments
    else:
        yield written, []


def _between(parts: list[tuple[str, str]], start: int, end: int) -> Iterator[tuple[str, str]]:
    place = 0
    for language, text in parts:
        cut = text[max(0, start - place) : max(0, end - place)]
        if cut:
            yield language, cut
        place += len(text)


def _read(language: str, text: str, lexicon: Lexicon) -> Segment:
    reading: Reading
    if language == "en":
        reading = english.read(text, lexicon)
    else:
        reading = import_module(f"edge_tts.text.{_ROOMS[language]}").read(text)
    return Segment(language, reading.text, reading.phones, reading.word_to_phone)


def _trim(segments: list[Segment]) -> None:
    """Takes signs without a sound from both ends, and segments that have nothing else."""
    for edge in (0, -1):
        while segments:
            segment = segments[edge]
            silent, phones = _SILENT_AT_EDGES.get(segment.language, ()), segment.phones
            while phones and phones[edge] in silent:
                phones = phones[1:] if edge == 0 else phones[:-1]
            if phones:
                segments[edge] = replace(segment, phones=phones)
                break
            del segments[edge]


def _close(segments: list[Segment]) -> None:
    """A sentence ends in a mark: a `.` if it is written without one."""
    last = segments[-1]
    if last.phones[-1] not in PUNCTUATION:
        counts = (*last.word_to_phone, 1) if last.word_to_phone else ()
        segments[-1] = replace(last, text=last.text + ".", phones=(*last.phones, "."), word_to_phone=counts)


def _sentence(written: str, segments: list[Segment]) -> Sentence:
    spoken = ""
    for segment in segments:
        spaced = spoken and "en" in (segment.language, segments[0].language)
        spoken += (" " if spaced and not spoken.endswith(" ") else "") + segment.text.strip()
    return Sentence(
        written=written.strip(),
        spoken=spoken,
        phones=tuple(phone for segment in segments for phone in segment.phones),
        word_to_phone=tuple(len(segment.phones) for segment in segments),
        segments=tuple(segments),
    )
