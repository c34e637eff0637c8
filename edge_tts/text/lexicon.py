"""The user's own pronunciations: a text file with a word and its phones on each line.

    # names in our family
    Siobhan   SH AH0 V AO1 N
    Nguyen    /wɪn/

Words are found in any case. A later line for the same word wins. `#` begins a comment.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from edge_tts.errors import TextError
from edge_tts.text.phonetic import parse_pronunciation

__all__ = ["Lexicon"]

Pronunciation = tuple[str, ...]


class Lexicon:
    """Words with given phones (ARPAbet with stress digits)."""

    def __init__(self, words: Mapping[str, Pronunciation] = MappingProxyType({})) -> None:
        self._words = {word.lower(): phones for word, phones in words.items()}

    def __len__(self) -> int:
        return len(self._words)

    def get(self, word: str) -> Pronunciation | None:
        """Phones of `word` in any case; None if it is not in the lexicon."""
        return self._words.get(word.lower())

    @classmethod
    def parse(cls, text: str, source: str = "lexicon") -> "Lexicon":
        """Reads the lines of `text`. Raises TextError that begins with `source` and the line's number."""
        words: dict[str, Pronunciation] = {}
        for number, line in enumerate(text.splitlines(), 1):
            word, _, phones = line.split("#", 1)[0].strip().partition(" ")
            word, _, rest = word.partition("\t")
            if not word:
                continue
            try:
                words[word] = parse_pronunciation(f"{rest} {phones}")
            except TextError as error:
                raise TextError(f"{source}, line {number}: {error}") from error
        return cls(words)

    @classmethod
    def load(cls, path: Path) -> "Lexicon":
        """Reads a UTF-8 file. Raises TextError for a wrong line, and for a file that is missing or not UTF-8."""
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise TextError(f"can't read the lexicon {path}: {error}") from error
        return cls.parse(text, str(path))
