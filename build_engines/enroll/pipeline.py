"""Enrolment from end to end: recordings are examined, tokens are made, and the speaker enters the bundle."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from tqdm import tqdm

import edge_tts
from build_engines.bundles.speakers import (
    Key,
    NewSpeaker,
    add_speaker,
    check_free,
    content_hash,
    find_speaker,
    graphs_hash,
    is_name,
)
from build_engines.enroll.audio import Recording, read_recording
from build_engines.enroll.errors import RefusedError
from build_engines.enroll.graphs import EnrolmentGraphs
from build_engines.enroll.measures import measure
from build_engines.enroll.places import check_hubert, check_verifier
from build_engines.enroll.report import Examined, write_report
from build_engines.enroll.tokens import Listener, genuine_tokens, nearest_speaker, own_embedding, own_tokens
from build_engines.enroll.verdicts import Level, judge, judge_text, raise_refused
from edge_tts.bundle import Bundle, open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.text import Sentence, gpt_sovits
from edge_tts.text.symbols import PUNCTUATION

__all__ = ["Outcome", "Plan", "enroll"]

_SILENT = frozenset({*PUNCTUATION, "SP", "SP2", "SP3", "_", "停", "空"})

_Step = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What to enroll and where to.

    voice: the bundle's folder. audios: the reference, and further ones of the same speaker. text, language: what the
    reference says; a voice with an encoder of its own needs neither. output: the folder of a copy; None means the
    bundle itself, or a copy in `voices` where that belongs to the package or can't be written. hubert, verifier: where
    the models of others lie.
    """

    voice: Path
    audios: tuple[Path, ...]
    voices: Path
    hubert: Path
    verifier: Path
    text: str | None = None
    language: str | None = None
    name: str | None = None
    description: str | None = None
    output: Path | None = None
    report: Path | None = None
    replace: bool = False
    make_default: bool = False


@dataclass(frozen=True)
class Outcome:
    """The speaker's name and bundle; `new` is False if he was there already. `facts` and `warnings` are for people."""

    name: str
    folder: Path
    new: bool
    facts: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Job:
    """A plan with all that has been found out about it. `sentences` is empty where the voice needs no prompt."""

    plan: Plan
    name: str
    bundle: Bundle
    graphs: EnrolmentGraphs
    sentences: Sequence[Sentence]
    recordings: Sequence[Recording]
    key: Key


def enroll(plan: Plan) -> Outcome:
    """Enrolls a speaker. The report is written even when the recordings are refused.

    Raises RefusedError (recording, text, language or name can't be taken), BuildError (a model is missing, the bundle
    can't enroll), and what bundles, texts and engines raise. Then no bundle has changed.
    """
    bundle, name = open_bundle(plan.voice), _name(plan)
    graphs = EnrolmentGraphs(bundle, OnnxEngine(os.cpu_count() or 1))
    sentences = _sentences(plan, bundle) if graphs.needs.prompt else ()
    with _progress(3 + graphs.needs.prompt + graphs.needs.speaker_vector) as step:
        step("listening")
        examined = [_examine(path, sentences, index) for index, path in enumerate(plan.audios)]
        if plan.report is not None:
            write_report(plan.report, f"Recordings of {name}", examined)
        for one in examined:
            raise_refused(one.measures.recording.path, one.findings)
        output = _output(plan, bundle, name)
        recordings = [one.measures.recording for one in examined]
        key = _key(plan, bundle, recordings, prompt=graphs.needs.prompt)
        if not plan.replace:
            known = _known(bundle, output, key)
            if known is not None:
                return known
            check_free(bundle, name, output)
        job = _Job(plan, name, bundle, graphs, sentences, recordings, key)
        speaker, facts = (_genuine if graphs.needs.prompt else _own)(job, step)
        step("writing the bundle")
        # A copy that is made for this speaker alone speaks with it.
        make_default = plan.make_default or (output is not None and plan.output is None)
        new = add_speaker(bundle.path, speaker, output=output, replace=plan.replace, make_default=make_default)
    return Outcome(name, new.path, True, facts, tuple(_warnings(examined)))


def _name(plan: Plan) -> str:
    """The speaker's name: the one given, or what a file's name makes of it."""
    if plan.name is None:
        made = re.sub(r"[^A-Za-z0-9._-]+", "-", plan.audios[0].stem).strip("._-")[:64]
        return made or "speaker"
    if not is_name(plan.name):
        raise RefusedError(f"--name {plan.name[:60]!r}: use letters, digits, '.', '_' and '-', at most 64")
    return plan.name


def _sentences(plan: Plan, bundle: Bundle) -> Sequence[Sentence]:
    """What the reference says, read. Raises RefusedError, TextError."""
    if plan.text is None or not plan.text.strip():
        raise RefusedError(f"{bundle.path} speaks on from its reference: give --text with exactly what that says")
    known = bundle.manifest.languages
    if plan.language not in known:
        given = "is missing" if plan.language is None else f"is {plan.language!r}"
        raise RefusedError(f"--lang {given}: this voice reads {', '.join(known)}; give the reference's language")
    return gpt_sovits.sentences(plan.text, plan.language)


def _examine(path: Path, sentences: Sequence[Sentence], index: int) -> Examined:
    measures = measure(read_recording(path))
    findings = judge(measures, prompt=index == 0)
    if sentences and index == 0:
        phones = [phone for sentence in sentences for phone in sentence.phones]
        findings += (judge_text(phones, _SILENT, measures.speech_seconds),)
    return Examined(measures, findings)


def _is_ours_to_change(folder: Path) -> bool:
    """Not what came with the package, nor what this user may not write."""
    path = folder.resolve()
    packaged = path.is_relative_to(Path(edge_tts.__file__).resolve().parent)
    return not packaged and os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _output(plan: Plan, bundle: Bundle, name: str) -> Path | None:
    """Where a copy goes; None: the bundle itself is changed."""
    if plan.output is None and not _is_ours_to_change(bundle.path):
        return plan.voices / f"{bundle.manifest.name}-{name}"
    return plan.output


def _key(plan: Plan, bundle: Bundle, recordings: Sequence[Recording], *, prompt: bool) -> Key:
    text, language = (plan.text or "", plan.language or "") if prompt else ("", "")
    return Key(graphs_hash(bundle), content_hash([one.sha256 for one in recordings], text, language))


def _known(bundle: Bundle, output: Path | None, key: Key) -> Outcome | None:
    """The same work, done before: in the bundle, or in the copy that would be written."""
    folders = [bundle.path] if output is None else [output]
    for folder in folders:
        if (folder / "manifest.json").is_file():
            name = find_speaker(open_bundle(folder), key)
            if name is not None:
                return Outcome(name, folder, False)
    return None


def _genuine(job: _Job, step: _Step) -> tuple[NewSpeaker, str]:
    """A speaker of a voice that was imported from GPT-SoVITS."""
    plan, needs = job.plan, job.graphs.needs
    check_hubert(plan.hubert)
    if needs.speaker_vector:
        check_verifier(plan.verifier)
    step("loading HuBERT")
    # PyTorch and transformers take seconds to import; a voice with its own encoder does without both.
    from build_engines.enroll.ssl import load_hubert, ssl_features

    hubert = partial(ssl_features, load_hubert(plan.hubert))
    verifier: Listener | None = None
    if needs.speaker_vector:
        step("loading ERes2NetV2")
        from build_engines.models.eres2net import load_eres2net, speaker_vector

        verifier = partial(speaker_vector, load_eres2net(plan.verifier))
    step("making tokens")
    tokens = genuine_tokens(job.graphs, job.bundle.manifest, job.recordings, job.sentences, hubert, verifier)
    facts = f"the prompt has {len(tokens.prompt_semantic)} semantic tokens and {len(tokens.prompt_phones)} phones"
    description = plan.description or f"enrolled from {job.recordings[0].seconds:.1f} s of speech"
    return NewSpeaker(job.name, plan.language or "", description, tokens, job.key), facts


def _own(job: _Job, step: _Step) -> tuple[NewSpeaker, str]:
    """A speaker of a voice with an encoder of its own: his timbre, and the prosody of the most similar one."""
    plan, bundle = job.plan, job.bundle
    entries = bundle.manifest.speakers
    speakers = {speaker: bundle.speaker(speaker) for speaker in entries if speaker != job.name}
    if not speakers:
        raise RefusedError(f"{bundle.path} has no other speaker to take the prosody of: choose another --name")
    step("making tokens")
    ge = own_embedding(job.graphs, bundle.manifest, job.recordings)
    like, cosine = nearest_speaker(ge, speakers)
    tokens = own_tokens(job.graphs, ge, speakers[like])
    facts = f"the prosody is that of {like!r}, whose voice is nearest (cosine {cosine:.2f})"
    description = plan.description or f"enrolled from {job.recordings[0].seconds:.1f} s of speech, prosody of {like}"
    language, breaks = plan.language or entries[like].language, entries[like].phrase_breaks
    return NewSpeaker(job.name, language, description, tokens, job.key, breaks), facts


def _warnings(examined: Sequence[Examined]) -> Iterator[str]:
    for one in examined:
        for finding in one.findings:
            if finding.level is not Level.FINE:
                yield f"{one.measures.recording.path}: {finding.what} {finding.figure}: {finding.advice}"


@contextmanager
def _progress(steps: int) -> Iterator[_Step]:
    """A bar for people who wait at a terminal; it goes away in the end."""
    with tqdm(total=steps, bar_format="{desc:20}|{bar}| {elapsed}", leave=False, disable=None) as bar:
        begun = count()

        def step(name: str) -> None:
            bar.n = next(begun)
            bar.set_description_str(name)

        yield step
