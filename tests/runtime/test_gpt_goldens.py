"""The exported graphs of genuine checkpoints, through the runtime's own classes, against GPT-SoVITS's own code."""

from __future__ import annotations

import numpy as np
import pytest

from edge_tts.gpt.generation import Generation, Outcome
from tests.gpt_goldens import CASES, CHECKPOINTS, RUNS, GptGoldens, arrays_of

pytest.importorskip("torch")

from build_engines.checkpoint import open_gpt
from build_engines.models.gpt import load_gpt
from tests.gpt_voice import GptVoice, Recorder, prompt_of

ALL_CASES = [(checkpoint, case) for checkpoint in CHECKPOINTS for case in CASES]
ALL_RUNS = [(checkpoint, run) for checkpoint in CHECKPOINTS for run in RUNS if f"gen_{run}_y" in arrays_of(checkpoint)]


@pytest.fixture(scope="module")
def voices(reference, tmp_path_factory):
    """Per checkpoint: its goldens and its voice."""
    found = {}
    for checkpoint in CHECKPOINTS:
        goldens = GptGoldens(reference, checkpoint)
        found[checkpoint] = goldens, GptVoice(load_gpt(open_gpt(goldens.path)), tmp_path_factory.mktemp(checkpoint))
    return found


def start(voices, checkpoint, case, room):
    goldens, voice = voices[checkpoint]
    return Recorder(voice.start(*goldens.inputs(case), room, of_prompt=int(goldens.arrays["n_ref_phones"])))


@pytest.mark.parametrize(("checkpoint", "case"), ALL_CASES)
def test_prefill(voices, checkpoint, case):
    goldens, voice = voices[checkpoint]
    phones, features, prompt = goldens.inputs(case)
    made = voice.graphs.prefill.run({"phones": phones, "features": features, "prompt": prompt})
    goldens.check(f"{case}_logits_prefill", made["logits"])
    for kind, rows in (("k", made["keys"]), ("v", made["values"])):
        flat = rows.transpose(0, 1, 3, 2, 4).reshape(*rows.shape[:2], rows.shape[3], -1)
        goldens.check(f"{case}_kv_shape", np.array([len(flat), 2, *flat.shape[1:]]))
        goldens.check(f"{case}_{kind}_first", flat[0])
        goldens.check(f"{case}_{kind}_last", flat[-1])


@pytest.mark.parametrize(("checkpoint", "case"), ALL_CASES)
def test_forced_steps(voices, checkpoint, case):
    goldens = voices[checkpoint][0]
    forced = goldens.arrays["forced"][0]
    logits = start(voices, checkpoint, case, len(forced)).feed(forced)
    goldens.check(f"{case}_logits_prefill", logits[:1])
    goldens.check(f"{case}_logits_forced", logits[1:])


@pytest.mark.parametrize(("checkpoint", "run"), ALL_RUNS)
def test_generation_token_for_token(voices, checkpoint, run):
    (goldens, voice), settings = voices[checkpoint], RUNS[run]
    expected = goldens.generated(run)
    decoder = start(voices, checkpoint, settings.case, settings.early_stop)
    phones, features, prompt = goldens.inputs(settings.case)
    speaker = prompt_of(prompt[0], phones[0], features[0])
    generation = Generation(
        decoder, speaker, settings.sampling, voice.spec.eos, lambda attempt, step, size: goldens.noise(run, step)
    )
    outcome = Outcome.TOKEN
    while outcome is Outcome.TOKEN:
        outcome = generation.advance()
    assert generation.tokens == expected
    # Room for as many rows as the original's limit lets through ends a run after one token more, like that limit.
    assert outcome is (Outcome.FULL if len(expected) > settings.early_stop else Outcome.END)
    goldens.check(f"gen_{run}_logits", decoder.logits)
