"""Addresses of the net and names of files, read part by part: `me@site.org` → me at site dot org."""

import re

from edge_tts.text.english.numbers import cardinal
from edge_tts.text.english.rules import Rule, Scan
from edge_tts.text.english.spelling import word_or_letters

__all__ = ["DIGIT_RULES", "RULES", "read_address"]

Match = re.Match[str]

_SIGNS = {
    ".": "dot", "/": "slash", "-": "dash", "_": "underscore", "@": "at", ":": "colon", "?": "question mark",
    "=": "equals",
    "&": "and", "#": "hash", "%": "percent", "+": "plus", "~": "tilde", "!": "", "$": "dollar", "\\": "backslash",
}  # fmt: skip
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^A-Za-z\d]")
_DOMAINS = (
    "com org net edu gov mil int info biz io ai app dev co uk us de fr es it nl be ch at eu se no dk fi pl cz ie pt "
    "gr ru ua "
    "in jp cn kr au nz ca br mx za me tv fm ly gg xyz tech online site store blog cloud"
).replace(" ", "|")
_FILES = (
    "txt md py js ts html htm css json xml yaml yml toml csv pdf docx? xlsx? pptx? jpe?g png gif svg webp mp3 mp4 wav "
    "ogg "
    "flac mkv avi mov zip tar gz exe dmg deb rpm sh bat cfg conf ini log onnx bin iso apk rs cpp java sql"
).replace(" ", "|")


def read_address(text: str) -> list[str]:
    """Words, letters, digits and signs of `text` by name."""
    words: list[str] = []
    for part in _PARTS.findall(text):
        if part.isalpha():
            words += word_or_letters(part)
        elif part.isdigit():
            words += cardinal(part)
        else:
            words += _SIGNS.get(part, "").split()
    return words


def _url(match: Match, scan: Scan) -> list[str]:
    return read_address(match[1].rstrip("/"))


def _whole(match: Match, scan: Scan) -> list[str]:
    return read_address(match[0].rstrip("/"))


def _mention(match: Match, scan: Scan) -> list[str]:
    return ["at" if match[1] == "@" else "hashtag", *read_address(match[2])]


_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\."
_PATH = r"(?:[/?#][^\s<>\"']{0,300}[^\s<>\"'.,;:!?)\]]|/)?"

RULES: list[Rule] = [
    (re.compile(r"(?:https?|ftp)://([^\s<>\"']{0,300}[^\s<>\"'.,;:!?)\]])"), _url),
    (re.compile(r"(www\.[^\s<>\"']{0,300}[^\s<>\"'.,;:!?)\]])"), _url),
    (re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,4}[A-Za-z]{2,20}\b"), _whole),
    (re.compile(rf"(?:{_LABEL}){{1,4}}(?:{_DOMAINS})\b(?![@-]|\.\w){_PATH}"), _whole),
    (re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,40}}\.(?:{_FILES})\b"), _whole),
    (re.compile(r"[A-Za-z_][a-z0-9_]{1,40}(?:\.[a-z][a-z0-9_]{1,40}){1,4}\b(?!')"), _whole),
    (re.compile(r"[A-Za-z]{1,40}(?:_[A-Za-z0-9]{1,40}){1,6}"), _whole),
    (re.compile(r"([@#])([A-Za-z_]\w{0,40})"), _mention),
]

DIGIT_RULES: list[Rule] = [rule for rule in RULES if rule[0].match("7up@b.com") or rule[0].match("7up.com")]
"""The rules whose text can begin with a digit."""
