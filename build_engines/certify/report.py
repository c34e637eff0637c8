"""One self-contained HTML page about a certification: the verdict, sound and pictures, every layer and sentence."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

from build_engines.certify.accounts import Account, read_accounts
from build_engines.certify.bars import BARS, TENSORRT, Check
from build_engines.certify.certificate import Certificate
from build_engines.certify.page import STYLE, details, image, mark, meter, player, table
from build_engines.certify.pictures import draw_distributions, draw_example, draw_layers, draw_speed
from build_engines.certify.rows import Example, FreeRow, Spoken
from build_engines.quantize.timing import time_graph
from edge_tts.bundle import Bundle

__all__ = ["render", "write_report"]

_LAYER_HEADS = ("layer", "kind", "alone in INT8 (dB)", "share of time saved", "here, alone (µs)", "kept in", "why")
_MARKS = {True: ("fine", "met"), False: ("refuse", "missed"), None: ("none", "not judged")}
_OTHERS = {
    "logits_snr_db": "the logits",
    "latents_snr_db": "the latents",
    f"{TENSORRT}logits_snr_db": "TensorRT's logits",
    f"{TENSORRT}latents_snr_db": "TensorRT's latents",
}


def write_report(path: Path, certificate: Certificate, candidate: Bundle, against: Bundle) -> None:
    """Writes the page in one step; folders are made as needed. Layers are timed on this machine for it.

    Raises OSError, BundleError.
    """
    text = render(certificate, candidate, against)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:100]}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def render(certificate: Certificate, candidate: Bundle, against: Bundle) -> str:
    """The page; it holds its pictures and sounds and refers to nothing outside."""
    title = f"{certificate.identity['voice']}: INT8 against float"
    sections = (
        _verdict(certificate), _cost(certificate), _examples(certificate), _distributions(certificate),
        _layers(candidate, against), _sentences(certificate), _facts(certificate),
    )  # fmt: skip
    body = "\n".join(sections)
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{STYLE}</style></head><body>
<h1>{escape(title)}</h1>
{body}
</body></html>
"""


def _verdict(certificate: Certificate) -> str:
    word = mark("fine", "passed") if certificate.passed else mark("refuse", "failed")
    rows = [_check(check) for check in certificate.checks]
    others = " · ".join(
        f"SNR of {escape(_OTHERS[key])} {figure.value:.1f} dB"
        for key, figure in certificate.others.items() if figure.value is not None and key in _OTHERS
    )  # fmt: skip
    head = ("figure", "INT8", "bar", "", "used of what is allowed", "what it tells")
    return f"""<p class="verdict">{word} {escape(certificate.verdict)}.</p>
{table(head, rows, "verdict")}
<p class="note">Every figure but those of free speech is the mean over a speaker's sentences, of the worst speaker.
Also measured, without a bar: {others or "nothing"}.</p>"""


def _check(check: Check) -> tuple[str, ...]:
    where = f' <span class="note">{escape(check.figure.where)}</span>' if check.figure.where else ""
    note = f'<br><span class="note">{escape(check.figure.note)}</span>' if check.figure.note else ""
    return (
        escape(check.bar.title), f"<b>{escape(check.shown)}</b>{where}", escape(check.bar.shown),
        mark(*_MARKS[check.passed]), "" if check.is_count else meter(check.used), escape(check.bar.about) + note,
    )  # fmt: skip


def _cost(certificate: Certificate) -> str:
    speed = certificate.speed
    size = speed.after_bytes / max(speed.before_bytes, 1)
    cpu = certificate.environment["cpu"]["model"] or certificate.environment["machine"]
    threads = certificate.environment["threads"]
    return f"""<h2>Speed and size</h2>
<p>INT8 takes <b>{speed.ratio:.2f}</b> of the float voice's time and <b>{size:.2f}</b> of its graphs' size.</p>
{image("time by stage, and size, of both voices", draw_speed(speed))}
<p class="note">Measured while speaking freely, sentence by sentence in turns, on {escape(cpu)}, {threads} thread(s).
Graphs and weights that ONNX Runtime speaks with; those for TensorRT are not counted.</p>"""


def _examples(certificate: Certificate) -> str:
    if not certificate.examples:
        return ""
    parts = "\n".join(_example(example) for example in certificate.examples)
    return f"""<h2>Listen</h2>
<p>Both voices on the same tokens, from the sentence that fares worst to the one that fares best.</p>
{parts}"""


def _example(example: Example) -> str:
    row = example.row
    figures = {"PESQ": ("pesq", 2), "STOI": ("stoi", 3), "log-spectral distance (dB)": ("lsd_db", 2)}
    told = ", ".join(
        f"{name} {row.figures[key]:.{digits}f}" for name, (key, digits) in figures.items() if key in row.figures
    )
    players = "".join(
        f"<label>{name} {player(sound, example.rate)}</label>"
        for name, sound in (("float", example.before), ("INT8", example.after))
    )
    return f"""<section><h3>“{escape(row.text)}” <span class="note">{escape(row.speaker)}: {told}</span></h3>
<div class="players">{players}</div>
{image(f"spectrograms of {row.text}", draw_example(example))}</section>"""


def _distributions(certificate: Certificate) -> str:
    bars = {bar.key: bar for bar in BARS}
    kl, pesq = bars["kl_nats"].high or 0.0, bars["pesq"].low or 0.0
    picture = draw_distributions(certificate.forced, certificate.free, kl, pesq)
    return f"<h2>How the figures are spread</h2>\n{image('distributions of KL, PESQ and lengths', picture)}"


def _timed(account: Account, against: Bundle) -> Mapping[str, tuple[float, float]]:
    """Layer → seconds of a call in float and in INT8 on this machine's processor; none for other targets."""
    entry = against.manifest.graphs.get(account.graph)
    rows = {layer.name: layer.rows for layer in account.layers if layer.rows is not None}
    if account.target != "cpu" or entry is None or not rows:
        return {}
    return time_graph(against.path / entry.file, rows, static=not account.graph.startswith("gpt_"))


def _microseconds(pair: tuple[float, float] | None) -> str:
    return "" if pair is None else f"{1e6 * pair[0]:.0f} → {1e6 * pair[1]:.0f}"


def _layers(candidate: Bundle, against: Bundle) -> str:
    accounts = read_accounts(candidate)
    if not accounts:
        return """<h2>Layer by layer</h2>
<p>This bundle has no quantization.json, so what each layer costs is not known.</p>"""
    parts = []
    for account in accounts:
        layers, times = account.layers, _timed(account, against)
        picture = draw_layers([one.snr_db for one in layers], [one.is_int8 for one in layers], account.snr_db)
        ordered = sorted(layers, key=lambda one: (one.snr_db is None, one.snr_db or 0.0))
        rows = [
            (
                escape(one.name), escape(one.kind), "" if one.snr_db is None else f"{one.snr_db:.1f}",
                f"{100 * one.gain_share:.2f} %", _microseconds(times.get(one.name)),
                mark("fine" if one.is_int8 else "none", one.kept), escape(one.reason),
            )
            for one in ordered
        ]  # fmt: skip
        steps = [tuple(escape(_value(value)) for value in step.values()) for step in account.search]
        parts.append(
            f"<h3>{escape(account.title)}</h3>\n{_methods(account.methods, account.method)}"
            f"{image(f'SNR of the layers of {account.title}', picture)}"
            + details(
                f"{len(rows)} layers, the most harmful first",
                table(_LAYER_HEADS, rows),
            )
            + (details(f"the search, {len(steps)} steps", table(tuple(account.search[0]), steps)) if steps else "")
        )
    return """<h2>Layer by layer</h2>
<p>The SNR of the graph's output when only this layer is INT8: the lower, the more harm. The share of time saved is the
fixed table's, by which layers are chosen; what a call of the layer alone takes on this machine, in float and in INT8,
stands beside it.</p>
""" + "\n".join(parts)


def _methods(methods: Mapping[str, float], chosen: str) -> str:
    if not methods:
        return ""
    told = ", ".join(
        f"{escape(name)} {db:.1f} dB{' (taken)' if name == chosen else ''}" for name, db in methods.items()
    )
    return f"<p>Clipping points of the activations by: {told}.</p>"


def _sentences(certificate: Certificate) -> str:
    keys = list(dict.fromkeys(key for row in certificate.forced for key in row.figures))
    forced = [
        (
            escape(row.speaker), escape(row.text), str(row.tokens),
            *(f"{row.figures[key]:.4g}" if key in row.figures else "–" for key in keys),
        )
        for row in certificate.forced
    ]  # fmt: skip
    free = [_free(row) for row in certificate.free]
    heads = tuple(key.replace("_", " ") for key in keys)
    return f"""<h2>Sentence by sentence</h2>
{details(f"{len(forced)} sentences on the same tokens", table(("speaker", "text", "tokens", *heads), forced))}
{details(f"{len(free)} sentences spoken freely", table(("speaker", "text", "float", "INT8", "ratio"), free))}"""


def _free(row: FreeRow) -> tuple[str, ...]:
    ratio = f"{row.after.seconds / row.before.seconds:.2f}" if row.before.seconds else "–"
    return (escape(row.speaker), escape(row.text), _spoken(row.before), _spoken(row.after), ratio)


def _spoken(spoken: Spoken) -> str:
    parts = [f"{spoken.seconds:.2f} s"]
    if spoken.fault is not None:
        parts.append(f"{spoken.fault}, {spoken.redrawn} tokens in vain")
    if spoken.failed:
        parts.append("failed")
    if spoken.errors is not None:
        parts.append(f"{spoken.errors} wrong words")
    return escape("; ".join(parts))


def _facts(certificate: Certificate) -> str:
    identity, around = certificate.identity, certificate.environment
    facts = {
        "INT8 bundle": f"{identity['voice']}, {identity['candidate']['content']} (manifest without certificate)",
        "float bundle": f"{identity['against']['name']}, {identity['against']['id']}",
        "sentences (SHA-256)": identity["sentences"]["sha256"],
        "seed": identity["seed"],
        "processor": f"{around['cpu']['model']} ({', '.join(around['cpu']['features'])})",
        "software": ", ".join(f"{name} {version}" for name, version in around["packages"].items()),
    }
    rows = [(escape(key), f"<code>{escape(str(value))}</code>") for key, value in facts.items()]
    return f"<h2>What was compared</h2>\n{table(('', ''), rows)}"


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
