"""A text becomes the sentences that a voice speaks, each with the ids of its phones."""

from __future__ import annotations

import numpy as np

from edge_tts.bundle import Manifest
from edge_tts.errors import ParameterError
from edge_tts.synthesis import PAUSE_PHONES, Utterance
from edge_tts.text import Lexicon, Sentence, front_end, gpt_sovits
from edge_tts.text.english.phrasing import with_breaks
from edge_tts.text.symbols import phone_ids

__all__ = ["GPT_SOVITS", "read_utterances"]

GPT_SOVITS = "gpt-sovits"  # the family of genuine voices


def read_utterances(
    manifest: Manifest, text: str, speaker: str, language: str | None = None, lexicon: Lexicon | None = None
) -> list[Utterance]:
    """The sentences of a text as a speaker of the voice reads them; none where there is nothing to speak.

    `language` is that of the text, by default the speaker's own. Raises ParameterError: the voice does not speak it;
    TextError: the text can't be read.
    """
    entry = manifest.speakers[speaker]
    language = entry.language if language is None else language
    _check_language(manifest, language)
    if manifest.family == GPT_SOVITS:
        sentences = gpt_sovits.sentences(text, language, lexicon)
    else:
        sentences = front_end(text, language, lexicon)
    if entry.phrase_breaks and language == "en":
        sentences = [with_breaks(sentence) for sentence in sentences]
    return [_utterance(sentence, manifest.symbols) for sentence in sentences]


def _check_language(manifest: Manifest, language: str) -> None:
    """Raises ParameterError: the voice was not trained to speak it."""
    known = manifest.languages
    if language.removeprefix("all_") not in known and not (language.startswith("auto") and len(known) > 1):
        shown = f"{', '.join(known)}{' or auto' if len(known) > 1 else ''}"
        raise ParameterError(f"voice {manifest.name!r} does not speak {str(language)[:20]!r}: choose {shown}")


def _utterance(sentence: Sentence, symbols: str) -> Utterance:
    ids = np.array(phone_ids(sentence.phones, symbols), np.int64)
    pauses = tuple(phone in PAUSE_PHONES for phone in sentence.phones)
    return Utterance(sentence.written, ids, pauses, sentence.segments)
