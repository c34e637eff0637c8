"""What a language makes of one run of text: the text as it is read, its phones, and which character has which."""

from dataclasses import dataclass

__all__ = ["Reading"]


@dataclass(frozen=True)
class Reading:
    """One run of text in one language, read.

    text: the normalised text. phones: symbols of `symbols.SYMBOLS_V2`. word_to_phone: for Mandarin and Cantonese, how
    many of the phones each character of `text` has (they add up to `len(phones)`); `()` where GPT-SoVITS has no such
    row (Japanese, Korean) and for English, whose words are counted in `Sentence.word_to_phone`.
    """

    text: str
    phones: tuple[str, ...]
    word_to_phone: tuple[int, ...] = ()
