"""What the front end hands on: a `Reading` of one run of text in one language, `Segment`s, and whole `Sentence`s."""

from dataclasses import dataclass

__all__ = ["Reading", "Segment", "Sentence"]


@dataclass(frozen=True)
class Reading:
    """One run of text in one language, read.

    text: the normalised text. phones: symbols of `symbols.SYMBOLS_V2`. word_to_phone: for Mandarin and Cantonese, how
    many of the phones each character of `text` has (they add up to `len(phones)`); `()` where GPT-SoVITS has no such
    row (Japanese, Korean, English).
    """

    text: str
    phones: tuple[str, ...]
    word_to_phone: tuple[int, ...] = ()


@dataclass(frozen=True)
class Segment:
    """A run of one language inside a sentence: `language` is `en`, `zh`, `ja`, `ko` or `yue`, the rest as in `Reading`.

    `text` and `word_to_phone` are what a language model is asked about; nobody asks about English, Japanese and Korean.
    """

    language: str
    text: str
    phones: tuple[str, ...]
    word_to_phone: tuple[int, ...] = ()


@dataclass(frozen=True)
class Sentence:
    """One sentence, or a piece of a long one, to be synthesized at a time.

    written: the part of the original text; every character but white space belongs to exactly one sentence's. spoken:
    the words as they are read, with punctuation. phones: at most `sentences.LIMIT`; English ones are ARPAbet with
    stress digits and the pauses `, . ! ? … -`. word_to_phone: in English text how many of the phones each spoken word
    or pause has, otherwise how many each segment has; they add up to `len(phones)`. segments: the runs of one language
    in order; their phones put together are `phones`.
    """

    written: str
    spoken: str
    phones: tuple[str, ...]
    word_to_phone: tuple[int, ...]
    segments: tuple[Segment, ...]
