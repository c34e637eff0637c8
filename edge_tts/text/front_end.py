"""The front end: written text comes in, sentences of phones go out."""

from edge_tts.errors import TextError
from edge_tts.text import mixed
from edge_tts.text.english import reader as english
from edge_tts.text.languages import LANGUAGES, checked
from edge_tts.text.lexicon import Lexicon
from edge_tts.text.reading import Sentence

__all__ = ["LANGUAGES", "front_end", "split_sentences", "to_phones"]

_SPEAKABLE = {
    "en": "Latin letters, digits or symbols",
    "zh": "Chinese characters, Latin letters or digits",
    "ja": "kana, Chinese characters, Latin letters or digits",
    "ko": "Hangul, Latin letters or digits",
    "yue": "Chinese characters, Latin letters or digits",
    "auto": "letters, Chinese characters or digits",
}


def front_end(
    text: str, language: str = "en", lexicon: Lexicon | None = None, *, dictionary_forms: bool = False
) -> list[Sentence]:
    """All sentences of `text`, at least one. `language` is one of `LANGUAGES`; English is read inside all of them.

    dictionary_forms: for genuine GPT-SoVITS voices, which know `and`, `the` and `to` in one form only; in other
    languages than `en` it is always so.

    Raises TextError if nothing in the text can be spoken, for an unknown language, for one whose library is not
    installed, and for an inline pronunciation that can't be read.
    """
    lexicon = lexicon if lexicon is not None else Lexicon()
    if checked(language) == "en":
        sentences = english.sentences(text, lexicon, dictionary_forms)
    else:
        sentences = mixed.sentences(text, language, lexicon)
    if not sentences:
        shown = text.strip()[:40].encode("unicode_escape").decode() if not text.isprintable() else text.strip()[:40]
        wanted = _SPEAKABLE[language.removeprefix("all_").removesuffix("_yue")]
        raise TextError(f"nothing to speak in {shown!r}: give a text with {wanted}")
    return sentences


def split_sentences(text: str, language: str = "en") -> list[str]:
    """The written form of each sentence that `front_end` gives."""
    return [sentence.written for sentence in front_end(text, language)]


def to_phones(text: str, language: str = "en", lexicon: Lexicon | None = None) -> tuple[str, ...]:
    """The phones of the whole text in one row."""
    return tuple(phone for sentence in front_end(text, language, lexicon) for phone in sentence.phones)
