"""The bars: what was promised, what is aimed at, and what was measured. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Bar", "bars_of", "linearity", "verdict"]

_STEP_CONTEXT = 400


@dataclass(frozen=True)
class Bar:
    """One bar. `value` None: not measured here, and `why` says why. `least`: the value must reach the bar, not stay
    below it. `detail` is what the value is made of."""

    what: str
    unit: str
    bar: float
    aim: float | None
    value: float | None
    least: bool = False
    detail: str = ""

    def meets(self, limit: float) -> bool:
        """Whether the value is on the right side of a limit."""
        if self.value is None:
            return False
        return self.value >= limit if self.least else self.value <= limit

    @property
    def ratio(self) -> float | None:
        """Value to bar; below 1 is better, for a bar that must be reached above 1."""
        return None if self.value is None or not self.bar else self.value / self.bar


def verdict(bar: Bar) -> str:
    """`aim` reached, `met`, `MISSED` or `not measured`."""
    if bar.value is None:
        return "not measured"
    if bar.aim is not None and bar.meets(bar.aim):
        return "aim"
    return "met" if bar.meets(bar.bar) else "MISSED"


def linearity(rows: list[Mapping[str, Any]]) -> dict[str, float]:
    """A straight line through (seconds of sound, seconds of work), by least squares: its slope and where it begins, and
    the greatest deviation from it, relative to the longest text's work."""
    x = [float(row["audio_s"]) for row in rows]
    y = [float(row["cpu_ratio"]) * float(row["audio_s"]) for row in rows]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - middle_x) ** 2 for a in x)
    slope = sum((a - middle_x) * (b - middle_y) for a, b in zip(x, y, strict=True)) / spread if spread else 0.0
    begin = middle_y - slope * middle_x
    worst = max(abs(b - begin - slope * a) for a, b in zip(x, y, strict=True))
    return {"slope": slope, "begin_s": begin, "deviation": worst / max(y)}


def bars_of(tree: Mapping[str, Any]) -> list[Bar]:
    """All bars with what a run measured (build_engines.bench.run)."""
    return [*_full(tree), *_small(tree)]


def _full(tree: Mapping[str, Any]) -> list[Bar]:
    usual, sound = tree["speech"]["usual"]["int8"], tree["sound"]
    step = next((row for row in tree["decode"] if row["context"] == _STEP_CONTEXT), None)
    threads, growth = tree["threads"], tree["growth"]["full"]
    parts = usual["parts"]
    decode: tuple[float | None, str] = (None, f"no step at a context of {_STEP_CONTEXT}")
    if step is not None:
        ms = step["steps"]["int8_rank8"]["ms"]
        decode = (ms / step["floor_ms"], f"{ms:.2f} ms, floor {step['floor_ms']:.2f} ms")
    streamed = parts["latents"] + parts["vocoder"]
    return [
        Bar("s of core per s of audio, sentences", "", 0.60, 0.40, usual["cpu_ratio"],
            detail=f"{usual['audio_s']:g} s; {usual['cpu_ratio_least']:.3f} – {usual['cpu_ratio_most']:.3f}"),
        Bar("decode, ms per token at 400 / floor", "×", 1.9, 1.4, decode[0], detail=decode[1]),
        Bar("latents and vocoder as streamed, RTF", "", 0.25, 0.16, streamed,
            detail=f"latents {parts['latents']:.3f}, vocoder {parts['vocoder']:.3f}"),
        Bar("their sound against float, SNR", "dB", 33.0, None, sound["snr_db"], least=True,
            detail=f"latents {sound['latents_snr_db']:.1f}, vocoder alone {sound['vocoder_snr_db']:.1f}"),
        Bar("first audio, 12 words", "ms", 900, 500, 1e3 * usual["first_s"],
            detail=f"{1e3 * usual['first_least_s']:.0f} – {1e3 * usual['first_most_s']:.0f}"),
        Bar("load to ready, page cache warm", "s", 1.5, 0.5, tree["load"]["full"]["load_s"]["median"],
            detail=f"imports before: {tree['load']['full']['import_s']['median']:.2f} s"),
        Bar(f"peak RSS streaming {tree['text_s']:g} s", "MB", 450, 300, tree["stream"]["full"]["memory"].get("peak"),
            detail=_memory(tree["stream"]["full"]["memory"])),
        Bar("two threads against one", "×", 1.7, None, None if threads is None else threads["gain"], least=True,
            detail="needs two cores" if threads is None else _threads(threads)),
        Bar(f"growth of RSS over {tree['utterances']} utterances", "MB", 5, 0, round(growth["growth_mb"], 1),
            detail=f"{growth['first_mb']:.1f} → {growth['last_mb']:.1f} MB"),
    ]  # fmt: skip


def _small(tree: Mapping[str, Any]) -> list[Bar]:
    small, growth = tree["small"], tree["growth"]["small"]
    name = tree["small_voice"]
    return [
        Bar(f"{name}: RTF", "", 0.05, None, small["cpu_ratio"], detail=f"by the clock {small['wall_ratio']:.4f}"),
        Bar(f"{name}: first audio, warm", "ms", 80, None, 1e3 * small["first_s"]),
        Bar(f"{name}: resident", "MB", 180, None, small["memory"].get("resident"), detail=_memory(small["memory"])),
        Bar(f"{name}: cold start of edgetts say", "s", 1.2, None, small["cold_s"]["median"],
            detail=f"{small['cold_s']['least']:.2f} – {small['cold_s']['most']:.2f}"),
        Bar(f"{name}: growth of RSS over {tree['utterances']} utterances", "MB", 5, 0, round(growth["growth_mb"], 1),
            detail=f"{growth['first_mb']:.1f} → {growth['last_mb']:.1f} MB"),
    ]  # fmt: skip


def _memory(memory: Mapping[str, float]) -> str:
    names = {"private": "private", "of_files": "of files", "proportional": "PSS", "peak": "peak"}
    return ", ".join(f"{word} {memory[key]:.0f}" for key, word in names.items() if key in memory)


def _threads(threads: Mapping[str, Any]) -> str:
    wall, first = threads["wall_s"], threads["first_s"]
    return (
        f"{wall['1']:.1f} → {wall['2']:.1f} s; first audio {1e3 * first['1']:.0f} → {1e3 * first['2']:.0f} ms, "
        f"peak {threads['peak_mb']['1']:.0f} → {threads['peak_mb']['2']:.0f} MB"
    )
