"""`certify`: everything that an INT8 bundle must prove, in one call. Reads two bundles and writes nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from build_engines.certify.bars import BARS, TENSORRT, TENSORRT_BARS, Bar, judge
from build_engines.certify.certificate import Certificate, content_hash, environment
from build_engines.certify.figures import forced_figures, free_figures
from build_engines.certify.forced import compare
from build_engines.certify.free import FreeVoice
from build_engines.certify.listeners import listeners_for
from build_engines.certify.plan import Plan, forced_jobs, free_jobs
from build_engines.certify.rows import Example, FreeRow, Speed
from build_engines.commands.needs import needs_extra
from build_engines.errors import BuildError
from build_engines.forced import ForcedVoice
from build_engines.sentences import sentences
from build_engines.tensorrt.emulated import emulated
from edge_tts.bundle import Bundle, open_bundle
from edge_tts.engines import Engine
from edge_tts.engines.onnx import OnnxEngine

__all__ = ["Progress", "certify", "check_pair"]

Progress = Callable[[str, int, int], None]
"""(what is done, steps done, steps in all)."""

# ONNX Runtime takes its time over float16.
_TENSORRT_FORCED = 4
_STAGES = ("text", "prefill", "decode", "latents", "vocoder")


def certify(
    candidate: Path | Bundle, against: Path | Bundle, *, plan: Plan | None = None, progress: Progress | None = None
) -> Certificate:
    """Compares an INT8 bundle with the float bundle that it was made of; a failing one raises nothing.

    Raises BuildError: an extra is missing, the two don't belong together, or the float voice gives nothing to compare
    with; and what bundles, texts and engines raise.
    """
    plan, progress = plan or Plan(), progress or _quiet
    needs_extra("certify", ("pesq", "pystoi", "pyloudnorm"))
    after, before = (one if isinstance(one, Bundle) else open_bundle(one) for one in (candidate, against))
    check_pair(after, before)
    texts = _texts(after, before, plan)
    if plan.wer:
        _check_words(before, texts)
    engine = OnnxEngine(plan.threads)
    examples = _forced(before, after, engine, plan, texts, progress)
    free, speed = _free(before, after, engine, plan, texts, progress)
    forced = tuple(example.row for example in examples)
    figures = forced_figures(forced) | free_figures(free)
    bars: tuple[Bar, ...] = BARS
    if after.manifest.tensorrt is not None:
        rows = [example.row for example in _forced(before, after, engine, plan, texts, progress, tensorrt=True)]
        figures |= {f"{TENSORRT}{key}": figure for key, figure in forced_figures(rows).items()}
        bars += TENSORRT_BARS
    checks = judge(figures, bars)
    barred = {check.bar.key for check in checks}
    return Certificate(
        identity=_identity(after, before, plan, texts),
        checks=checks,
        others={key: figure for key, figure in figures.items() if key not in barred},
        forced=forced,
        free=tuple(free),
        environment=environment(plan.threads),
        speed=speed,
        examples=_chosen(examples, plan.examples),
    )


def check_pair(candidate: Bundle, against: Bundle) -> None:
    """Raises BuildError: the candidate is no INT8 bundle, or not that float bundle's."""
    quantization = candidate.manifest.quantization
    if quantization is None:
        raise BuildError(f"{candidate.path} is a float bundle: there is nothing to certify (edgetts-build quantize)")
    if quantization.source != against.id:
        raise BuildError(
            f"{candidate.path} was made of the bundle {quantization.source}, but {against.path} is {against.id}: "
            "give --against that very bundle"
        )
    one, other = candidate.manifest, against.manifest
    if (one.sample_rate, one.gpt.vocab_size, one.decoder) != (other.sample_rate, other.gpt.vocab_size, other.decoder):
        raise BuildError(f"{candidate.path} and {against.path} are voices of other dimensions: quantize again")


def _texts(after: Bundle, before: Bundle, plan: Plan) -> dict[str, Sequence[str]]:
    """What each speaker says that both bundles have, in his own language."""
    entries = after.manifest.speakers
    names = [name for name in entries if name in before.manifest.speakers]
    if not names:
        raise BuildError(f"{before.path} and {after.path} have no speaker in common: enroll one, then quantize")
    if plan.texts is not None:
        return dict.fromkeys(names, plan.texts)
    return {name: sentences(entries[name].language, "certification") for name in names}


def _check_words(bundle: Bundle, texts: Mapping[str, Sequence[str]]) -> None:
    """Raises BuildError: words can't be counted."""
    needs_extra("evaluate", ("pocketsphinx",))
    if not any(bundle.manifest.speakers[name].language == "en" for name in texts):
        raise BuildError(f"{bundle.path}: --wer needs a speaker whose language is en, it has none")


def _forced(
    before: Bundle, after: Bundle, engine: Engine, plan: Plan, texts: Mapping[str, Sequence[str]], progress: Progress,
    tensorrt: bool = False,
) -> list[Example]:  # fmt: skip
    """Both voices on the same tokens; with `tensorrt` the second one's graphs are those that engines are built of."""
    jobs = forced_jobs(texts, _TENSORRT_FORCED if tensorrt else plan.forced)
    listeners = listeners_for(before, engine, plan.verifier)
    voice = ForcedVoice(before, engine, plan.seed)
    other = ForcedVoice(after, engine, plan.seed, emulated(after, plan.threads) if tensorrt else None)
    stage, found = "TensorRT's graphs" if tensorrt else "the same tokens", list[Example]()
    for example in compare(voice, other, jobs, listeners):
        found.append(example)
        progress(stage, len(found), len(jobs))
    return found


def _free(
    before: Bundle, after: Bundle, engine: Engine, plan: Plan, texts: Mapping[str, Sequence[str]], progress: Progress
) -> tuple[list[FreeRow], Speed]:
    """Both voices take turns, so that what else the machine does slows both."""
    jobs = free_jobs(texts)
    pair = FreeVoice(before, engine), FreeVoice(after, engine)
    for voice in pair:
        voice.warm_up(jobs[0][1], jobs[0][0])
    rows = []
    for number, (speaker, text) in enumerate(jobs):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        seed = plan.seed + number
        said = {index: pair[index].speak(text, speaker, seed) for index in order}
        row = FreeRow(speaker, text, seed, said[0][1], said[1][1])
        if plan.wer and before.manifest.speakers[speaker].language == "en":
            row = _listened(row, [said[index][0] for index in (0, 1)], before.manifest.sample_rate)
        rows.append(row)
        progress("speaking freely", len(rows), len(jobs))
    return rows, Speed(_per_second(pair[0]), _per_second(pair[1]), _size(before), _size(after))


def _listened(row: FreeRow, sounds: Sequence[NDArray[np.float32]], rate: int) -> FreeRow:
    """The row with the words that pocketsphinx got wrong; of no sound, all."""
    from build_engines.evaluate.judge import normalized_words, word_errors

    words = len(normalized_words(row.text))
    before, after = (word_errors(row.text, sound, rate)[0] if len(sound) else words for sound in sounds)
    return replace(row, before=replace(row.before, errors=before), after=replace(row.after, errors=after), words=words)


def _per_second(voice: FreeVoice) -> dict[str, float]:
    return {stage: voice.times.seconds[stage] / max(voice.seconds, 1e-9) for stage in _STAGES}


def _size(bundle: Bundle) -> int:
    """Bytes of the graphs that speak, with their weights: neither goldens nor what TensorRT would be built of."""
    folders = ("graphs/", "text/")
    return sum(entry.size_bytes for name, entry in bundle.manifest.files.items() if name.startswith(folders))


def _identity(after: Bundle, before: Bundle, plan: Plan, texts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    said = json.dumps(texts, ensure_ascii=False, sort_keys=True).encode()
    return {
        "voice": after.manifest.name,
        # Not the candidate's id: its certificate is part of that, and a second one would not be the same.
        "candidate": {"content": content_hash((after.path / "manifest.json").read_bytes())},
        "against": {"name": before.manifest.name, "id": before.id},
        "sentences": {"own": plan.texts is not None, "sha256": hashlib.sha256(said).hexdigest()},
        "speakers": list(texts),
        "seed": plan.seed,
    }


def _chosen(examples: Sequence[Example], count: int) -> tuple[Example, ...]:
    """From the worst to the best, evenly: by PESQ, or by distance where it can't judge."""
    ordered = sorted(examples, key=lambda one: (one.row.figures.get("pesq", 0.0), -one.row.figures["lsd_db"]))
    count = min(count, len(ordered))
    return tuple(ordered[index * (len(ordered) - 1) // max(1, count - 1)] for index in range(count))


def _quiet(stage: str, done: int, total: int) -> None:
    """Tells nobody."""
