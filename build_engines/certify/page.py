"""Pieces of a self-contained HTML page: marks, meters, tables, pictures and players. All text comes in escaped."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np
import soundfile
from numpy.typing import NDArray

__all__ = ["STYLE", "details", "image", "mark", "meter", "player", "table"]

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 80em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em } h2 { font-size: 1.2em; margin-top: 2em } h3 { font-size: 1em; margin: 1.5em 0 .4em }
img { width: 100%; height: auto; border: 1px solid #ddd; border-radius: 4px }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: .25em 1.2em .25em 0; text-align: left;
vertical-align: top; border-bottom: 1px solid #eee } td { font-variant-numeric: tabular-nums }
.mark { display: inline-block; min-width: 5em; text-align: center; border-radius: 3px; color: #fff; font-size: .85em }
.fine { background: #2e7d4f } .warn { background: #b26a00 } .refuse { background: #b3261e }
.none { background: #8a8f98 }
p.verdict { font-size: 1.1em } .note { color: #666; font-size: .88em; font-weight: normal }
.meter { display: inline-block; width: 9em; height: .65em; background: #eceff3; border-radius: 3px; overflow: hidden;
margin-right: .5em } .meter i { display: block; height: 100% }
.players { display: flex; gap: 2em; flex-wrap: wrap; margin: .4em 0 } .players label { display: flex; gap: .6em;
align-items: center } audio { height: 2.2em } code { font-size: .9em; overflow-wrap: anywhere }
table.verdict td:nth-child(-n+5), table.verdict th { white-space: nowrap }
details { margin: .6em 0 } details > div { overflow: auto; max-height: 32em } summary { cursor: pointer }
"""
_LONGEST_SECONDS = 10.0


def mark(kind: str, word: str) -> str:
    """A word on a coloured ground: fine, warn, refuse or none."""
    return f'<span class="mark {kind}">{escape(word)}</span>'


def meter(share: float | None) -> str:
    """A bar that is full where all that is allowed is used."""
    if share is None:
        return ""
    colour = "refuse" if share > 1 else "warn" if share > 0.8 else "fine"
    width = min(100.0, 100 * share)
    return f'<span class="meter"><i class="{colour}" style="width: {width:.0f}%"></i></span>{100 * share:.0f} %'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """Cells are HTML; `kind` names a class of the style."""
    head = "".join(f"<th>{cell}</th>" for cell in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<table class="{kind}"><tr>{head}</tr>\n{body}\n</table>'


def details(summary: str, content: str) -> str:
    """Folded away until somebody asks."""
    return f"<details><summary>{escape(summary)}</summary><div>{content}</div></details>"


def image(alt: str, png: bytes) -> str:
    """A picture inside the page."""
    return f'<img alt="{escape(alt)}" src="data:image/png;base64,{base64.b64encode(png).decode("ascii")}">'


def player(sound: NDArray[np.float32], rate: int) -> str:
    """A player of at most ten seconds, inside the page (FLAC, 16 bit)."""
    file = io.BytesIO()
    heard = np.clip(np.nan_to_num(sound[: int(_LONGEST_SECONDS * rate)]), -1, 1)
    soundfile.write(file, heard, rate, format="FLAC", subtype="PCM_16")
    data = base64.b64encode(file.getvalue()).decode("ascii")
    return f'<audio controls preload="metadata" src="data:audio/flac;base64,{data}"></audio>'
