"""One self-contained HTML page about recordings: the verdict, a picture of each, every figure and what to do."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from build_engines.enroll.measures import Measures
from build_engines.enroll.pictures import draw
from build_engines.enroll.verdicts import Finding, Level

__all__ = ["Examined", "render", "write_report"]

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 80em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em } h2 { font-size: 1.2em; margin-top: 2em }
img { width: 100%; height: auto; border: 1px solid #ddd; border-radius: 4px }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: .25em 1em .25em 0; text-align: left;
vertical-align: top; border-bottom: 1px solid #eee } td.figure { white-space: nowrap }
.mark { display: inline-block; min-width: 4.2em; text-align: center; border-radius: 3px; color: #fff; font-size: .85em }
.fine { background: #2e7d4f } .warn { background: #b26a00 } .refuse { background: #b3261e }
"""
_MARKS = {Level.FINE: "fine", Level.WARN: "improve", Level.REFUSE: "refused"}
_VERDICTS = {
    Level.FINE: "This will do.",
    Level.WARN: "This will do, and could be better.",
    Level.REFUSE: "This will not do.",
}


@dataclass(frozen=True)
class Examined:
    """A recording with all that was found."""

    measures: Measures
    findings: tuple[Finding, ...]

    @property
    def level(self) -> Level:
        """The gravest of the findings."""
        return max((finding.level for finding in self.findings), key=list(Level).index)


def write_report(path: Path, title: str, examined: Sequence[Examined]) -> None:
    """Writes the page; folders are made as needed. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(title, examined), encoding="utf-8")


def render(title: str, examined: Sequence[Examined]) -> str:
    """The page; it holds its pictures and refers to nothing outside."""
    sections = "\n".join(_section(one) for one in examined)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{_STYLE}</style></head><body>
<h1>{escape(title)}</h1>
{sections}
</body></html>
"""


def _section(one: Examined) -> str:
    recording = one.measures.recording
    picture = base64.b64encode(draw(one.measures)).decode("ascii")
    rows = "\n".join(_row(finding) for finding in one.findings)
    name = escape(recording.path.name)
    facts = f"{recording.seconds:.2f} s, {recording.rate} Hz, {recording.channels} channel(s), {recording.kind}"
    return f"""<h2>{name}</h2>
<p><span class="mark {one.level.value}">{_MARKS[one.level]}</span> {_VERDICTS[one.level]} {escape(facts)}.</p>
<img alt="waveform, spectrogram and levels of {name}" src="data:image/png;base64,{picture}">
<table><tr><th>property</th><th>measured</th><th></th><th>what to do</th></tr>
{rows}
</table>"""


def _row(finding: Finding) -> str:
    mark = f'<span class="mark {finding.level.value}">{_MARKS[finding.level]}</span>'
    cells = f'<td>{escape(finding.what)}</td><td class="figure">{escape(finding.figure)}</td><td>{mark}</td>'
    return f"<tr>{cells}<td>{escape(finding.advice)}</td></tr>"
