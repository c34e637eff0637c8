"""edge_tts.gpt.sampler and the stop rules, against what GPT-SoVITS's own code computed."""

import json

import numpy as np
import pytest

from edge_tts.bundle import Sampling
from edge_tts.gpt.decoder import StepOutput
from edge_tts.gpt.generation import Generation, Outcome
from edge_tts.gpt.sampler import draw, penalise, probabilities

EOS = 1024
CASES = ["default", "topk5_topp.9_t.8", "topp.6_nok", "greedy", "t0", "k_over_vocab", "tie_k3", "topp_tiny"]


def settings(top_k=15, top_p=1.0, temperature=1.0, repetition_penalty=1.35, min_tokens=11):
    return Sampling(top_k or 1 << 20, top_p, temperature, repetition_penalty, min_tokens)


@pytest.fixture(scope="module")
def golden(reference):
    parameters = json.loads((reference / "manifest.json").read_text())["files"]["golden/golden_sampler.npz"][
        "parameters"
    ]
    return dict(np.load(reference / "golden" / "golden_sampler.npz")), parameters


@pytest.mark.parametrize("end", ["", "_noeos"])
@pytest.mark.parametrize("case", CASES)
def test_golden_rows(golden, case, end):
    arrays, parameters = golden
    sampling = settings(**parameters[case])
    logits = arrays["logits_tie" if case == "tie_k3" else "logits"]
    columns = EOS if end else EOS + 1
    for row in range(len(logits)):
        penalised = penalise(logits[row, :columns], arrays["previous"][row], sampling.repetition_penalty)
        if not end:
            np.testing.assert_allclose(penalised, arrays.get(f"penalised_{case}", logits)[row], atol=8e-5)
        shares = probabilities(penalised, sampling)
        np.testing.assert_allclose(shares, arrays[f"probs_{case}{end}"][row], atol=4e-6)
        np.testing.assert_array_equal(shares > 0, arrays[f"probs_{case}{end}"][row] > 0)
        drawn = draw(logits[row], arrays["previous"][row], arrays["exp_noise"][row], sampling, EOS, masked=bool(end))
        assert drawn.token == arrays[f"token_{case}{end}"][row, 0]


def test_the_token_that_crosses_top_p_is_removed_but_the_first_stays():
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    assert (probabilities(logits, settings(top_p=0.7)) > 0).tolist() == [True, False, False]
    assert (probabilities(logits, settings(top_p=0.85)) > 0).tolist() == [True, True, False]
    assert (probabilities(logits, settings(top_p=0.01)) > 0).tolist() == [True, False, False]


def test_top_p_comes_before_the_temperature():
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    # After a temperature of 0.1 the first alone would pass 0.7; before it, the first two stay below 0.85.
    assert (probabilities(logits, settings(top_p=0.85, temperature=0.1)) > 0).tolist() == [True, True, False]


def test_penalty_moves_negative_and_positive_logits_away_from_likely():
    logits = np.array([2.0, -2.0, 1.0], np.float32)
    np.testing.assert_allclose(penalise(logits, [0, 1, 1], 2.0), [1.0, -4.0, 1.0])
    assert logits.tolist() == [2.0, -2.0, 1.0]


def test_the_end_counts_when_it_is_the_maximum_though_another_token_was_drawn():
    logits = np.array([1.0, 0.5, 1.1], np.float32)
    noise = np.array([0.01, 1.0, 10.0], np.float32)
    sampling = settings(repetition_penalty=1.0)
    drawn = draw(logits, [], noise, sampling, 2, masked=False)
    assert (drawn.token, drawn.ends) == (0, True)
    assert not draw(logits, [], noise, sampling, 2, masked=True).ends


class Recording:
    """Plays back the logits that GPT-SoVITS computed in one of its own runs."""

    def __init__(self, logits):
        self.logits = logits
        self.first = StepOutput(logits[0], None)
        self.capacity = len(logits)

    def step(self, index, token, pointer):
        return StepOutput(self.logits[index + 1], None)


class Prompt:
    def __init__(self, tokens):
        self.prompt_semantic = tokens


RUNS = {
    "greedy": {"top_k": 1},
    "greedy_zero_bert": {"top_k": 1},
    "free": {"top_k": 1},
    "sampled": {},
    "sampled_topp": {"top_k": 50, "top_p": 0.8, "temperature": 0.9, "repetition_penalty": 1.2},
    "eos_by_argmax": {},
    "eos_by_sample": {"top_k": 200},
}


@pytest.mark.parametrize(("version", "run"), [*(("v2", run) for run in RUNS), *(("v1", run) for run in list(RUNS)[:5])])
def test_whole_runs_of_the_original_loop(reference, version, run):
    arrays = np.load(reference / "golden" / f"golden_s1_{version}_tiny-e15.npz")
    logits = arrays[f"gen_{run}_logits"]
    recorded = f"gen_{run}_exp_noise"
    noise = arrays[recorded] if recorded in arrays else np.ones_like(logits)  # greedy runs need none
    spoken = arrays[f"gen_{run}_y"][0].tolist()
    prompt = spoken[: len(arrays["prompts"].ravel())] if run != "free" else []
    generation = Generation(
        Recording(logits), Prompt(prompt), settings(**RUNS[run]), EOS, lambda attempt, step, size: noise[step, :size]
    )
    outcomes = [generation.advance() for _ in logits]
    assert prompt + generation.tokens == spoken
    # A run of the original ends by EOS, or by its early-stop length with a token more than steps.
    assert outcomes[:-1] == [Outcome.TOKEN] * (len(logits) - 1)
    assert outcomes[-1] is (Outcome.END if len(logits) > len(generation.tokens) else Outcome.TOKEN)
    assert run not in ("greedy", "eos_by_argmax", "eos_by_sample") or outcomes[-1] is Outcome.END
