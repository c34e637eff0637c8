"""Any string to the small alphabet that the scanner reads, with every character's place in the original.

Full-width forms, ligatures and diacritics are folded (`Ｃafé` → `Cafe`), quotes and dashes unified, emoji, control and
private characters and letters of other scripts left out. Inline pronunciations, `{word|/phones/}`, become one
placeholder each, which no other input can produce since private characters never pass.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from edge_tts.errors import TextError
from edge_tts.text.phonetic import parse_pronunciation

__all__ = ["PLACEHOLDER", "Cleaned", "clean"]

PLACEHOLDER = "\ue000"
"""Stands for one inline pronunciation."""

KEPT = "£€¥₹₩¢°§©×÷±≈≤≥≠–—…•"
"""Characters outside ASCII that the scanner knows by name."""

_INLINE = re.compile(r"\{([^{}|/\n]{1,80})\|(/[^/{}\n]{1,200}/)\}")

_FOLDED = {
    "‘": "'", "’": "'", "‚": "'", "‛": "'", "′": "'", "ʼ": "'", "＇": "'", "`": "'", "´": "'",
    "“": '"', "”": '"', "„": '"', "‟": '"', "″": '"', "«": '"', "»": '"', "‹": '"', "›": '"', "「": '"', "」": '"',
    "『": '"', "』": '"', "‐": "-", "‑": "-", "‒": "–", "―": "—", "−": "-", "⁃": "•", "・": ",", "、": ",", "。": ".",
    "，": ",", "．": ".", "！": "!", "？": "?", "：": ":", "；": ";", "¿": "", "¡": "", "⁄": "/", "∕": "/", "⸺": "—",
    "⋯": "…", "‥": "…", "²": "^2", "³": "^3", "¹": "^1", "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3",
    "⅔": " 2/3", "⅛": " 1/8", "⅜": " 3/8", "⅝": " 5/8", "⅞": " 7/8", "⅕": " 1/5", "™": "", "®": "",
    "·": " ", "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ł": "l", "Ł": "L",
    "đ": "d", "Đ": "D", "ð": "th", "Ð": "Th", "þ": "th", "Þ": "Th", "ı": "i", "ħ": "h", "Ħ": "H", "ŋ": "ng", "ə": "e",
    "№": "No. ", "℃": "°C", "℉": "°F", "→": " to ", "←": " from ", "≡": "=", "∞": " infinity ", "√": " square root of ",
    "Ω": " omega ", "µ": "micro", "\u2028": "\n", "\u2029": "\n\n", "\x0b": "\n", "\x0c": "\n\n", "\x85": "\n",
    "\r": "\n", "\t": " ", "\n": "\n",
}  # fmt: skip


@dataclass(frozen=True)
class Cleaned:
    """text: what the scanner reads. origin: for each of its characters the index in the original text, and one more.

    inline: word and phones of each PLACEHOLDER in order.
    """

    text: str
    origin: tuple[int, ...]
    inline: tuple[tuple[str, tuple[str, ...]], ...]


def clean(text: str) -> Cleaned:
    """Folds `text` as the module's docstring says. Raises TextError for an inline pronunciation that can't be read."""
    if not isinstance(text, str):
        raise TextError(f"text must be a string, not {type(text).__name__}")
    out: list[str] = []
    origin: list[int] = []
    inline = []
    place = 0
    for match in _INLINE.finditer(text):
        _fold_into(text, place, match.start(), out, origin)
        word = "".join(_fold(char) for char in match[1]).strip()
        inline.append((word, parse_pronunciation(match[2])))
        out.append(PLACEHOLDER)
        origin.append(match.start())
        place = match.end()
    _fold_into(text, place, len(text), out, origin)
    return Cleaned("".join(out), (*origin, len(text)), tuple(inline))


def _fold_into(text: str, start: int, end: int, out: list[str], origin: list[int]) -> None:
    for place in range(start, end):
        if text[place] == "\r" and text[place + 1 : place + 2] == "\n":
            continue
        folded = _fold(text[place])
        if (
            len(folded) > 2
            and _is_greek(text[place])
            and _is_greek(text[place - 1 : place] + text[place + 1 : place + 2])
        ):
            continue
        out.append(folded)
        origin.extend([place] * len(folded))


@lru_cache(maxsize=4096)
def _fold(char: str) -> str:
    """ASCII or KEPT characters for one character; empty for one that isn't read."""
    if " " <= char <= "~" and char != "`":
        return char
    if char in KEPT:
        return char
    if char in _FOLDED:
        return _FOLDED[char]
    category = unicodedata.category(char)
    if category[0] == "Z":
        return " "
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category in ("Cc", "Cf", "Cs", "Co", "Cn"):
        return ""
    if "\u0370" <= char <= "\u03ff":
        return _greek(char)
    parts = unicodedata.normalize("NFKD", char)
    return "".join(part if " " <= part <= "~" or part in KEPT else _FOLDED.get(part, "") for part in parts)


def _is_greek(chars: str) -> bool:
    return any("\u0370" <= char <= "\u03ff" or "\u1f00" <= char <= "\u1fff" for char in chars)


def _greek(char: str) -> str:
    """A lone Greek letter stands in English for its name: π → pi. Greek words aren't read."""
    name = unicodedata.name(char, "").split()
    if len(name) == 4 and name[0] == "GREEK" and name[2] == "LETTER":
        return f" {name[3].lower().replace('lamda', 'lambda')} "
    return ""
