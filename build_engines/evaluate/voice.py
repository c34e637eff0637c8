"""``edgetts-build evaluate``: everything that the default voice's card reports, in one run.

The voice speaks through the shipped code path (``edge_tts.Voice``) on sentences that no stage of training has seen.
Every utterance's figures are appended to ``utterances.jsonl`` at once, so an interrupted run resumes.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from tqdm import tqdm

from build_engines.evaluate.acoustics import CopySynthesis, pitch_statistics
from build_engines.evaluate.judge import speaker_embedding, word_errors
from build_engines.training.corpus import read_recording, read_teacher
from build_engines.training.texts import Text, evaluation_texts, unpredictable_texts
from edge_tts import Voice
from edge_tts.bundle import locate, search_path
from edge_tts.text import front_end

__all__ = ["Plan", "acoustics", "evaluate", "speaker_similarity", "summarize"]

SEEDS = (1, 2, 3)
TEACHER_OF = {"clara": "slt", "miles": "rms", "linda": "slt"}  # LJ has no teacher: durations against the female one


@dataclass(frozen=True)
class Plan:
    """Folders of one evaluation; ``work`` is the training's."""

    voice: str
    work: Path
    sentences: Path
    output: Path


def _duration(audio: NDArray[np.float32], rate: int) -> float:
    """Seconds between the first and the last 10 ms block above -40 dB of the loudest."""
    size = rate // 100
    blocks = np.sqrt(np.mean(audio[: len(audio) // size * size].reshape(-1, size) ** 2, axis=1))
    loud = np.flatnonzero(blocks > 0.01 * blocks.max()) if len(blocks) else np.zeros(0, int)
    return float((loud[-1] - loud[0] + 1) / 100) if len(loud) else 0.0


def _figures(plan: Plan, text: Text, audio: NDArray[np.float32], rate: int) -> dict[str, Any]:
    errors, words = word_errors(text.text, audio, rate)
    phones = [p for s in front_end(text.text) for p in s.phones]
    return {
        "errors": errors,
        "words": words,
        "seconds": round(_duration(audio, rate), 2),
        "missed": round(_listener(plan.work).missed(audio, rate, phones), 4),
    }


_loaded: dict[str | Path, Any] = {}


def _voice(name: str) -> Voice:
    if name not in _loaded:
        _loaded[name] = Voice.load(name)
    return _loaded[name]  # type: ignore[no-any-return]


def _listener(work: Path) -> Any:
    from build_engines.evaluate.phones import PhoneListener

    key = work / "model"
    if key not in _loaded:
        _loaded[key] = PhoneListener(key)
    return _loaded[key]


def _judge(plan: Plan, job: tuple[str, int, Text]) -> dict[str, Any]:
    """One utterance: of the voice (seed >= 0) or of a teacher (seed -1)."""
    speaker, seed, text = job
    if seed < 0:
        audio, rate = soundfile.read(plan.work / "evaluation" / speaker / f"{text.name}.wav", dtype="float32")
    else:
        voice = _voice(plan.voice)
        audio = np.concatenate([c.samples for c in voice.synthesize(text.text, speaker=speaker, seed=seed)])
        rate = voice.sample_rate
        folder = plan.output / "wav" / speaker
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"{text.name}-{seed}.wav", audio, rate)
    return {"speaker": speaker, "seed": seed, "text": text.name, **_figures(plan, text, audio, rate)}


def evaluate(plan: Plan, speakers: Iterable[str], workers: int = 2, count: int = 48) -> None:
    """Speak and judge everything that isn't in ``utterances.jsonl`` yet."""
    plan.output.mkdir(parents=True, exist_ok=True)
    path = plan.output / "utterances.jsonl"
    done = set()
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            done.add((row["speaker"], row["seed"], row["text"]))
    usual, unpredictable = evaluation_texts(plan.sentences, count), unpredictable_texts()
    jobs = [(s, seed, t) for seed in SEEDS for s in speakers for t in usual]
    jobs += [(s, SEEDS[0], t) for s in speakers for t in unpredictable]
    jobs += [(teacher, -1, t) for teacher in ("slt", "rms") for t in usual + unpredictable]
    jobs = [job for job in jobs if (job[0], job[1], job[2].name) not in done]
    judge: Callable[[tuple[str, int, Text]], dict[str, Any]] = partial(_judge, plan)
    with path.open("a", encoding="utf-8") as file, ProcessPoolExecutor(workers) as pool:
        for row in tqdm(pool.map(judge, jobs), total=len(jobs), desc="judging", unit="utterance"):
            file.write(json.dumps(row) + "\n")
            file.flush()


def summarize(output: Path) -> dict[str, dict[str, float]]:
    """Per speaker: word error rates, duration ratios to the teacher, and phones missed."""
    rows = [json.loads(line) for line in (output / "utterances.jsonl").read_text(encoding="utf-8").splitlines()]
    teacher = {(r["speaker"], r["text"]): r for r in rows if r["seed"] < 0}
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["speaker"]].append(row)
    table: dict[str, dict[str, float]] = {}
    for speaker, group in groups.items():
        usual = [r for r in group if not r["text"].startswith("sus")]
        odd = [r for r in group if r["text"].startswith("sus")]
        own = TEACHER_OF.get(speaker, speaker)
        told = [(r["seconds"], teacher[own, r["text"]]["seconds"]) for r in usual if (own, r["text"]) in teacher]
        ratios = np.array([mine / theirs for mine, theirs in told])
        found = {
            "utterances": float(len(usual)),
            "wer": _rate(usual),
            "wer_everyday": _rate(r for r in usual if r["text"].startswith("own")),
            "wer_unpredictable": _rate(odd),
            "missed_over_5_percent": float(np.mean([r["missed"] > 0.05 for r in usual])),
        }
        if len(ratios):
            median = float(np.median(ratios))
            found |= {
                "duration_ratio_median": median,
                "duration_ratio_min": float(ratios.min()),
                "duration_ratio_max": float(ratios.max()),
                "duration_within_15_percent": float(np.mean((ratios >= 0.85) & (ratios <= 1.15))),
            }
        table[speaker] = {k: round(v, 4) for k, v in found.items()}
    return table


def _rate(rows: Iterable[dict[str, Any]]) -> float:
    listed = list(rows)
    errors, words = (float(sum(r[key] for r in listed)) for key in ("errors", "words"))
    return errors / max(1.0, words)


def speaker_similarity(
    plan: Plan, recordings: Path, speakers: Iterable[str], count: int = 20
) -> dict[str, dict[str, float]]:
    """Resemblyzer cosine of each speaker to the real LJ Speech recordings and to the teachers."""

    def read(paths: Iterable[Path]) -> list[tuple[NDArray[np.float32], int]]:
        return [soundfile.read(p, dtype="float32") for p in paths]

    real = {"LJ Speech": speaker_embedding(read(sorted((recordings / "audio").glob("*.flac"))[:count]))}
    for teacher in ("slt", "rms"):
        real[teacher] = speaker_embedding(read(sorted((plan.work / "evaluation" / teacher).glob("*.wav"))[:count]))
    table = {}
    for speaker in speakers:
        made = speaker_embedding(read(sorted((plan.output / "wav" / speaker).glob("*-1.wav"))[:count]))
        table[speaker] = {name: round(float(made @ other), 3) for name, other in real.items()}
    return table


def acoustics(plan: Plan, recordings: Path, speakers: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Per speaker: pitch of what it says and of its model, and the distance of copy synthesis to the original, in dB.

    ``linda`` is compared with the recordings that she was adapted to; the teachers' sentences were not trained on.
    """
    bundle = locate(plan.voice, search_path(os.environ, Path.home()))
    copy = CopySynthesis(bundle, plan.work / "model")
    texts = evaluation_texts(plan.sentences)[::4]
    table: dict[str, dict[str, Any]] = {}
    for speaker in speakers:
        folder = plan.work / "evaluation" / TEACHER_OF.get(speaker, speaker)
        if speaker == "linda":
            models = sorted((recordings / "audio").glob("*.flac"))[:12]
            originals = [read_recording(path, speaker) for path in models]
        else:
            models = [folder / f"{text.name}.wav" for text in texts]
            read = (read_teacher(text, folder, speaker) for text in texts)
            originals = [utterance for utterance in read if utterance is not None]
        table[speaker] = {
            "pitch": pitch_statistics(sorted((plan.output / "wav" / speaker).glob("own-*-1.wav"))),
            "pitch_of_model": pitch_statistics(models),
            "copy_distance_db": round(copy.distance(originals, speaker), 2),
        }
    return table
