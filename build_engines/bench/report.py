"""The figures as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from build_engines.bench.bars import Bar, bars_of, linearity, verdict
from build_engines.bench.speech import PARTS

__all__ = ["render", "table"]

_OPERATORS = 7
_NAMES = {
    "int8": "INT8", "int8_rank8": "INT8, rank 8 bound", "float": "float32", "float_rank8": "float32, rank 8",
    "torch": "PyTorch",
}  # fmt: skip


def render(tree: Mapping[str, Any], command: str) -> str:
    """The whole report of a run (build_engines.bench.run); `command` is what made it."""
    return "\n\n".join(
        part.rstrip() for part in (
            f"`{command}`", _machine(tree), _floors(tree), _bars(tree), _paths(tree), _decode(tree), _stages(tree),
            _profile(tree), _lengths(tree), _processes(tree),
        )
    ) + "\n"  # fmt: skip


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; `|` in a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def _machine(tree: Mapping[str, Any]) -> str:
    machine = tree["machine"]
    loaded = "" if tree["packed"] else " Voices are not packed here: they load from their bundles."
    pinned = ", ".join(map(str, machine["pinned_to"]))
    cores = f"pinned to core {pinned}, one thread" if pinned else "one thread, not pinned"
    return (
        f"{machine['cpu']} ({machine['architecture']}: {machine['features'] or 'features unknown'}), "
        f"{machine['cores']} cores, {cores}; ONNX Runtime {machine['onnxruntime']}, Python {machine['python']}, "
        f"numpy {machine['numpy']}, {machine['system']}. MB are 1e6 "
        "bytes. Times of one core are processor time, medians, taking turns; loading, first audio and two threads go "
        f"by the clock.{loaded}"
    )


def _floors(tree: Mapping[str, Any]) -> str:
    floors = tree["floors"]
    names = (("bandwidth", "streaming bandwidth", "GB/s"), ("float32", "float32 peak", "GFLOP/s"),
             ("int8", "INT8 peak", "GOP/s"))  # fmt: skip
    rows = [
        [name, f"{floors[key]['rate'] / 1e9:.1f} {unit}", f"{floors[key]['most'] / 1e9:.1f}", floors[key]["way"],
         ", ".join(f"{way} {rate / 1e9:.1f}" for way, rate in floors[key]["ways"].items() if way != floors[key]["way"])]
        for key, name, unit in names
    ]  # fmt: skip
    return table(["floor of one core", "median of this run", "greatest", "best way", "other ways"], rows)


def _bars(tree: Mapping[str, Any]) -> str:
    return table(["what", "bar", "aim", "measured", "of the bar", "", "made of"], [_bar(bar) for bar in bars_of(tree)])


def _bar(bar: Bar) -> list[str]:
    sign = "≥" if bar.least else "≤"
    unit = f" {bar.unit}" if bar.unit else ""
    aim = "" if bar.aim is None else f"{bar.aim:g}"
    value = "–" if bar.value is None else f"{_figure(bar.value)}{unit}"
    ratio = "" if bar.ratio is None else f"{bar.ratio:.2f}"
    return [bar.what, f"{sign} {bar.bar:g}{unit}", aim, value, ratio, verdict(bar), bar.detail]


def _figure(value: float) -> str:
    """Three digits that count, no exponents."""
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.3f}"


def _paths(tree: Mapping[str, Any]) -> str:
    """INT8, float and PyTorch beside each other."""
    usual, sound, decode = tree["speech"]["usual"], tree["sound"], tree["decode"]
    names = [name for name in ("int8", "float", "torch") if name in usual]

    def row(what: str, values: Mapping[str, float], digits: int) -> list[str]:
        ratios = [f"{values[name] / values['int8']:.2f}" for name in names[1:]]
        return [what, *(f"{values[name]:.{digits}f}" for name in names), *ratios]

    rows = [
        row("s of core per s of audio, sentences of 4 s", {n: usual[n]["cpu_ratio"] for n in names}, 3),
        row("first audio, ms", {n: 1e3 * usual[n]["first_s"] for n in names}, 0),
        *(row(f"decode at {step['context']}, ms per token", {n: step["steps"][n]["ms"] for n in names}, 2)
          for step in decode),
        row("latents and vocoder, the sentence at once, RTF", {n: sound[n]["rtf"] for n in names}, 3),
    ]  # fmt: skip
    short = tree["speech"]["short"]
    if set(names) <= set(short):
        rows.insert(1, row("the same, short sentences", {n: short[n]["cpu_ratio"] for n in names}, 3))
    head = ["one core", *(_NAMES[name] for name in names), *(f"{_NAMES[name]} / INT8" for name in names[1:])]
    brief = short["int8"]
    length = brief["audio_s"] / max(1, len(brief["tokens"][0]))
    note = (
        f"Short sentences ({length:.1f} s each): {brief['cpu_ratio']:.3f} s of core per s of audio in INT8, "
        f"{short['float']['cpu_ratio']:.3f} in float32."
    )
    return f"{table(head, rows)}\n\n{note}"


def _decode(tree: Mapping[str, Any]) -> str:
    rows = []
    for step in tree["decode"]:
        steps, size = step["steps"], step["bytes"]
        ours = steps["int8_rank8"]
        rows.append([
            step["context"], *(_step(steps[name]) for name in ("int8", "int8_rank8", "float", "float_rank8")),
            _step(steps["torch"]) if "torch" in steps else "–", f"{ours['python_ms']:.2f}",
            f"{step['floor_bytes'] / 1e6:.1f} ({size['weights'] / 1e6:.1f} + {size['adapters'] / 1e6:.1f} + "
            f"{size['cache'] / 1e6:.1f})", f"{step['floor_ms']:.2f}", f"{ours['ms'] / step['floor_ms']:.2f}",
        ])  # fmt: skip
    head = [
        "context",
        *_NAMES.values(),
        "outside the graph",
        "MB read (weights + adapters + cache)",
        "floor, ms",
        "ratio",
    ]
    first, last = tree["decode"][0], tree["decode"][-1]
    lines = [table(head, rows), ""]
    if last["context"] > first["context"]:
        growth = {
            name: 1e3 * (last["steps"][name]["ms"] - first["steps"][name]["ms"]) / (last["context"] - first["context"])
            for name in ("int8_rank8", "float")
        }
        floor = 1e3 * (last["floor_ms"] - first["floor_ms"]) / (last["context"] - first["context"])
        lines.append(
            f"ms of core per token, medians (least – greatest), taking turns. Each 1000 rows of context add "
            f"{growth['int8_rank8']:.2f} ms in INT8 (floor {floor:.2f}), {growth['float']:.2f} in float32."
        )
    return "\n".join(lines)


def _step(step: Mapping[str, float]) -> str:
    return f"{step['ms']:.2f} ({step['least_ms']:.2f} – {step['most_ms']:.2f})"


def _stages(tree: Mapping[str, Any]) -> str:
    """One sentence and one text, by length: seconds of work per second of sound."""
    head = ["s of sound", "s of core", "first audio, ms", *PARTS]
    parts = []
    for key, name in (("by_sentence", "one sentence"), ("by_text", "a text of 4-s sentences")):
        rows = [
            [f"{row['audio_s']:.1f}", f"{row['cpu_ratio']:.3f}", f"{1e3 * row['first_s']:.0f}",
             *(f"{row['parts'][part]:.4f}" for part in PARTS)]
            for row in tree[key]
        ]  # fmt: skip
        parts.append(f"{name[0].upper()}{name[1:]}, per second of sound (INT8):\n\n{table(head, rows)}")
    return "\n\n".join(parts)


def _lengths(tree: Mapping[str, Any]) -> str:
    line = linearity(tree["by_text"])
    return (
        f"Cost grows with the text's length on a line: {line['slope']:.3f} s of core per s of sound, beginning at "
        f"{1e3 * line['begin_s']:.0f} ms, no text further from it than {100 * line['deviation']:.1f} % of the "
        "longest's work. "
        f"The longest single sentence that fits into the model's context has {tree['longest_sentence_s']} s."
    )


def _profile(tree: Mapping[str, Any]) -> str:
    parts = []
    for stage, entry in tree["profile"].items():
        sizes = ", ".join(f"{name} {size}" for name, size in entry["sizes"].items())
        parts += [
            f"{stage}, one run ({sizes}): {entry['ms']:.2f} ms, floor {entry['floor_ms']:.2f} ms, ratio "
            f"{entry['ms'] / entry['floor_ms']:.2f}.",
            table(["", "ms", "floor, ms", "gap, ms", "reached"], [_gap(gap, tree["floors"]) for gap in entry["gaps"]]),
            table(["operator", "nodes", "ms", "share"], _operators(entry)),
        ]
    return "\n\n".join(parts)


def _gap(gap: Mapping[str, Any], floors: Mapping[str, Any]) -> list[object]:
    reached = ""
    if gap["ms"] and gap["operations"]:
        peak = floors["int8" if gap["kind"].startswith("INT8") else "float32"]["rate"] / 1e9
        reached = (
            f"{gap['operations'] / gap['ms'] / 1e6:.0f} of {peak:.0f} GOP/s, "
            f"{gap['mb'] / gap['ms']:.1f} of {floors['bandwidth']['rate'] / 1e9:.1f} GB/s"
        )
    return [gap["kind"], f"{gap['ms']:.2f}", f"{gap['floor_ms']:.2f}", f"{gap['ms'] - gap['floor_ms']:.2f}", reached]


def _operators(entry: Mapping[str, Any]) -> list[list[object]]:
    shown, rest = entry["operators"][:_OPERATORS], entry["operators"][_OPERATORS:]
    rows: list[list[object]] = [
        [item["operator"], item["nodes"], f"{item['ms']:.2f}", f"{100 * item['share']:.0f} %"] for item in shown
    ]
    if rest:
        left, nodes = sum(item["ms"] for item in rest), sum(item["nodes"] for item in rest)
        rows.append([f"{len(rest)} others", nodes, f"{left:.2f}", f"{100 * left / entry['ms']:.0f} %"])
    return rows


def _processes(tree: Mapping[str, Any]) -> str:
    """Loading and memory of both voices."""
    rows = []
    for name, voice in (("full", tree["voice"]), ("small", tree["small_voice"])):
        load, stream = tree["load"][name], tree["stream"][name]
        memory = stream["memory"]
        figures = [
            f"{memory[key]:.0f}" if key in memory else "–" for key in ("peak", "private", "of_files", "proportional")
        ]
        spread = load["load_s"]
        rows.append([
            voice, f"{spread['median']:.2f} s ({spread['least']:.2f} – {spread['most']:.2f})",
            f"{load['import_s']['median']:.2f} s", f"{load['memory'].get('resident', 0):.0f} MB", *figures,
        ])  # fmt: skip
    head = ["voice", "load to ready", "imports before", "resident then", f"peak after {tree['text_s']:g} s, MB",
            "private", "of files", "PSS"]  # fmt: skip
    return table(head, rows)
