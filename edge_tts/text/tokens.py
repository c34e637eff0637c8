"""What the scanner of a language hands on: spoken words and pauses with their place in the text."""

from dataclasses import dataclass

__all__ = ["ENDS", "Token"]

ENDS = (".", "!", "?", "…")
"""Pause symbols that can end a sentence."""


@dataclass(frozen=True, slots=True)
class Token:
    """One spoken word or one pause.

    text: the word in lower case (a letter that is spelled stays upper case: `N B A`), or a pause symbol (`, . ! ? …
    -`). start, end: its place in the cleaned text; all words of `$5` share the place of `$5`. pause: True for a pause
    symbol. final: True if a sentence ends here. capital: the word was written with a capital letter. phones: given by
    the user (inline or lexicon) instead of looked up; empty otherwise.
    """

    text: str
    start: int
    end: int
    pause: bool = False
    final: bool = False
    capital: bool = False
    phones: tuple[str, ...] = ()
