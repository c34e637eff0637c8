"""Punctuation to pauses and sentence ends, and symbols to their names.

Comma, semicolon, colon and brackets are `,`; dashes are `-`; three dots `…`. A newline ends a sentence if a blank line
follows or if the line looks like a title or a list item; otherwise it is a space.
"""

import re

from edge_tts.text.english.rules import Rule, Scan

__all__ = ["RULES"]

Match = re.Match[str]

_NAMES = {
    "&": "and", "@": "at", "+": "plus", "=": "equals", "%": "percent", "/": "slash", "#": "hash", "<": "less than",
    ">": "greater than", "$": "dollar", "£": "pound", "€": "euro", "¥": "yen", "₹": "rupee", "₩": "won", "¢": "cent",
    "°": "degrees", "§": "section", "©": "copyright", "×": "times", "÷": "divided by", "±": "plus or minus",
    "≈": "about",
    "≤": "at most", "≥": "at least", "≠": "is not", "\\": "backslash",
}  # fmt: skip
_WRAPPED = 60
"""Lines of at least this many characters are taken for wrapped prose, whose newlines are spaces."""


def _ends(match: Match, scan: Scan) -> list[str]:
    marks = match[0]
    mark = "?" if "?" in marks else "!" if "!" in marks else "…" if "…" in marks or marks.count(".") > 1 else "."
    following = _FOLLOWING.match(scan.text, match.end())
    char = following[1] if following else ""
    goes_on = (mark != "." and (char.islower() or char in ",;:")) or (mark == "…" and char.isdigit())
    return [mark + " " if goes_on and mark != "." else mark]


_FOLLOWING = re.compile(r"[\"')\]\s]{0,8}([A-Za-z0-9,;:])")


def _newline(match: Match, scan: Scan) -> list[str]:
    start = match.start()
    if match[0].count("\n") > 1 or match[0].rstrip()[-1:] or _LIST_ITEM.match(scan.text, match.end()):
        return ["."]
    line_start = scan.text.rfind("\n", max(0, start - _WRAPPED), start) + 1 or max(0, start - _WRAPPED)
    following = scan.text[match.end() : match.end() + 1]
    return ["."] if start - line_start < _WRAPPED and following.isupper() else []


_LIST_ITEM = re.compile(r"\d{1,3}[.)]\s")


def _comma(match: Match, scan: Scan) -> list[str]:
    return [","]


def _dash(match: Match, scan: Scan) -> list[str]:
    return ["-"]


def _silent(match: Match, scan: Scan) -> list[str]:
    return []


def _to(match: Match, scan: Scan) -> list[str] | None:
    """A dash right after a number and before one is a range; an en dash also between words (Monday–Friday)."""
    before = scan.text[match.start() - 1 : match.start()]
    if "-" in match[0] and not (before.isdigit() or (before in "%mM" and scan.tokens and not scan.tokens[-1].pause)):
        return None
    return ["to"] if before.isalnum() or before in ("%", "°") else None


def _minus(match: Match, scan: Scan) -> list[str] | None:
    before = scan.text[match.start() - 1 : match.start()]
    return ["minus"] if not before.isalnum() and before not in (".", ")", "-") else None


def _subtract(match: Match, scan: Scan) -> list[str] | None:
    return ["minus"] if "=" in scan.text[match.end() : match.end() + 24] else ["to"]


def _multiply(match: Match, scan: Scan) -> list[str]:
    return ["times"]


def _about(match: Match, scan: Scan) -> list[str]:
    return ["about"]


def _power(match: Match, scan: Scan) -> list[str]:
    return {"2": ["squared"], "3": ["cubed"]}.get(match[1], ["to", "the", "power", "of", match[1]])


def _symbol(match: Match, scan: Scan) -> list[str]:
    return _NAMES[match[0]].split()


RULES: list[Rule] = [
    (re.compile(r"(?<=\d)\s[-–]\s(?=\d)"), _subtract),
    (re.compile(r" {1,100}"), _silent),
    (re.compile(r" {0,8}\n[ \n]{0,1000}(?:[-*•+]\s)?"), _newline),
    (re.compile(r"([-=*_#~+<>])\1{3,}"), _comma),
    (re.compile(r"[.!?…](?:\s?[.!?…]){0,1000}"), _ends),
    (re.compile(r"[,;:]{1,1000}"), _comma),
    (re.compile(r"[-–](?=[\d.$£€])"), _to),
    (re.compile(r"–(?=[A-Za-z])"), _to),
    (re.compile(r"-(?=\.?\d|[$£€]\d)"), _minus),
    (re.compile(r"—|–|-{2,3}"), _dash),
    (re.compile(r"(?<=\s)-(?=\s)"), _dash),
    (re.compile(r"~(?=\d)"), _about),
    (re.compile(r"(?<=\d)\s?\*\s?(?=\d)"), _multiply),
    (re.compile(r"\^([23])(?!\d)"), _power),
    (re.compile(r"[()\[\]{}|•]"), _comma),
    (re.compile(r"</?[A-Za-z][^<>\n]{0,100}>"), _silent),
    (re.compile("[" + "".join(re.escape(sign) for sign in _NAMES) + "]"), _symbol),
    (re.compile(r"."), _silent),
]
