"""Written English to tokens: one pass from left to right, the first rule that fits at each place."""

import re
from collections.abc import Mapping

from edge_tts.text.clean import PLACEHOLDER, Cleaned
from edge_tts.text.english import dates, numeric, punctuation, web, written_words
from edge_tts.text.english.inflection import plural
from edge_tts.text.english.rules import Rule, Scan
from edge_tts.text.lexicon import Lexicon
from edge_tts.text.tokens import ENDS, Token

__all__ = ["scan"]

_LETTER_RULES: list[Rule] = [*dates.RULES, *numeric.LETTER_RULES, *web.RULES, *written_words.RULES]
_DIGIT_RULES: list[Rule] = [*dates.RULES, *web.DIGIT_RULES, *numeric.RULES]
_OTHER_RULES: list[Rule] = [
    *dates.APOSTROPHE_RULES,
    *numeric.RULES,
    *web.RULES,
    *written_words.RULES,
    *punctuation.RULES,
]
_BY_FIRST: Mapping[str, list[Rule]] = {
    **{chr(code): _LETTER_RULES for code in (*range(65, 91), *range(97, 123))},
    **dict.fromkeys("0123456789", _DIGIT_RULES),
    **dict.fromkeys(' \n,;:!?)[]"–—', punctuation.RULES),
}
_LEXICON_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9'&.+#-]{0,38}[A-Za-z0-9+#])?")


def scan(cleaned: Cleaned, lexicon: Lexicon) -> list[Token]:
    """All tokens of a text in order. Words of the lexicon and inline pronunciations carry their phones already."""
    text = cleaned.text
    state = Scan(text)
    inline = iter(cleaned.inline)
    place = 0
    while place < len(text):
        char = text[place]
        if char == PLACEHOLDER:
            word, phones = next(inline)
            state.tokens.append(Token(word.lower(), place, place + 1, capital=word[:1].isupper(), phones=phones))
            place += 1
            continue
        end = _user_word(state, lexicon, place) if len(lexicon) and char.isalnum() else place
        place = end if end > place else _apply(state, _BY_FIRST.get(char, _OTHER_RULES), place)
    return state.tokens


def _apply(state: Scan, rules: list[Rule], place: int) -> int:
    """Appends the tokens of the first rule that fits at `place`; returns where to go on."""
    for pattern, read in rules:
        match = pattern.match(state.text, place)
        if match is None or match.end() == place:
            continue
        words = read(match, state)
        if words is not None:
            capital = state.text[place].isupper()
            state.tokens += [_token(word, place, match.end(), capital) for word in words]
            return match.end()
    return place + 1


def _token(word: str, start: int, end: int, capital: bool) -> Token:
    mark = word.rstrip(" ")
    if mark in ENDS:
        return Token(mark, start, end, pause=True, final=mark == word)
    return Token(word, start, end, pause=word in (",", "-"), capital=capital)


def _user_word(state: Scan, lexicon: Lexicon, place: int) -> int:
    """Appends the longest word of the user's lexicon that begins at `place`; returns its end, or `place`."""
    match = _LEXICON_WORD.match(state.text, place)
    end = match.end() if match else place
    while end > place:
        written = state.text[place:end]
        phones = lexicon.get(written)
        if phones is not None and not state.text[end : end + 1].isalnum():
            if state.text[end : end + 2] == "'s" and not state.text[end + 2 : end + 3].isalnum():
                written, phones, end = written + "'s", plural(phones), end + 2
            state.tokens.append(Token(written.lower(), place, end, capital=written[0].isupper(), phones=phones))
            return end
        end = _shorter(state.text, place, end)
    return place


def _shorter(text: str, place: int, end: int) -> int:
    """The end of the next shorter word: before the last sign that is neither letter nor digit."""
    while end > place and text[end - 1].isalnum():
        end -= 1
    while end > place and not text[end - 1].isalnum():
        end -= 1
    return end
