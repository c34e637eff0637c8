"""The GPT in PyTorch against GPT-SoVITS's own: every array of the golden files has its test."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from build_engines.checkpoint import open_gpt
from build_engines.models.gpt import SinePosition, load_gpt, visible
from edge_tts.gpt.sampler import draw
from tests.gpt_goldens import CASES, CHECKPOINTS, RUNS, GptGoldens, arrays_of

GIVEN = {"phones", "n_ref_phones", "bert_rand", "prompts", "forced"}
ARRAYS = [
    (checkpoint, name)
    for checkpoint in CHECKPOINTS
    for name in arrays_of(checkpoint)
    if name not in GIVEN and not name.endswith("_exp_noise")
]


@pytest.fixture(scope="module")
def computed(reference):
    """Per checkpoint: its goldens, and by the same names what our modules make of the same inputs."""
    found = {}
    for checkpoint in CHECKPOINTS:
        goldens = GptGoldens(reference, checkpoint)
        with torch.no_grad():
            found[checkpoint] = goldens, compute(goldens, load_gpt(open_gpt(goldens.path)))
    return found


def compute(goldens, gpt):
    width = gpt.config.hidden_dim
    made = {"text_pe_first4": SinePosition(width)(torch.zeros(1, 4, width), torch.arange(4))[0]}
    for case in CASES:
        made |= {f"{case}_{name}": value for name, value in prefill(goldens, gpt, case).items()}
    for run in goldens.runs():
        made |= {f"gen_{run}_{name}": value for name, value in generation(goldens, gpt, run).items()}
    raw = made["gen_greedy_logits"][:11].argmax(-1)
    return {name: np.asarray(value) for name, value in (made | {"eos_masked_raw_argmax_first11": raw}).items()}


def prefill(goldens, gpt, case):
    phones, features, prompt = (torch.from_numpy(array) for array in goldens.inputs(case))
    audio = gpt.embed_audio(prompt, torch.arange(prompt.shape[1]))
    hidden, keys, values = gpt.rows(phones, features, prompt)
    made = {
        "xy_pos": torch.cat([gpt.embed_text(phones, features), audio], 1),
        "mask_true_means_blocked": ~visible(phones, prompt),
        "hidden_last": hidden[:, -1],
        "logits_prefill": gpt.ar_predict_layer(hidden[:, -1]),
        "kv_shape": kv_shape(keys, values),
    }
    for kind, rows in (("k", keys), ("v", values)):
        made |= {f"{kind}_first": flat(rows[0]), f"{kind}_last": flat(rows[-1])}
    forced = torch.from_numpy(goldens.arrays["forced"])
    hidden, keys, values = gpt.rows(phones, features, torch.cat([prompt, forced], 1))
    return made | {
        "logits_forced": gpt.ar_predict_layer(hidden[0, -forced.shape[1] :]),
        "kv_shape_after16": kv_shape(keys, values),
        "k_last_after16_tail": flat(keys[-1])[:, -3:],
    }


def flat(heads):
    """[B, H, T, D] to [B, T, C], as the original keeps them."""
    return heads.transpose(1, 2).flatten(2)


def kv_shape(keys, values):
    assert len(keys) == len(values)
    return (len(keys), 2, *flat(keys[0]).shape)


def generation(goldens, gpt, run):
    """Logits of all steps in one pass over the recorded tokens, and the tokens that are drawn from them.

    When each token drawn from the recorded past is the recorded one, they are what the loop would have made.
    """
    sampling, eos = RUNS[run].sampling, gpt.config.eos
    phones, features, prompt = (torch.from_numpy(array) for array in goldens.inputs(RUNS[run].case))
    recorded = goldens.generated(run)
    hidden, _, _ = gpt.rows(phones, features, torch.cat([prompt, torch.tensor([recorded])], 1))
    logits = gpt.ar_predict_layer(hidden[0, phones.shape[1] + prompt.shape[1] - 1 :]).numpy()
    tokens = prompt[0].tolist()
    for step, row in enumerate(logits[: RUNS[run].early_stop + 1]):
        drawn = draw(row, tokens, goldens.noise(run, step), sampling, eos, step < sampling.min_tokens)
        if drawn.ends:
            break
        tokens.append(drawn.token)
    # Without a prompt the original returns no index.
    made = {"y": [tokens], "idx": step if prompt.shape[1] else 0, "logits": logits[: step + 1]}
    return made | {"discarded_token": drawn.token}


@pytest.mark.parametrize(("checkpoint", "name"), ARRAYS)
def test_array(computed, checkpoint, name):
    goldens, made = computed[checkpoint]
    assert name in made, "nobody computes this array"
    goldens.check(name, made[name])


def test_a_genuine_network_has_the_checkpoint_s_tensors_and_nothing_else(reference):
    for checkpoint in CHECKPOINTS:
        opened = open_gpt(reference / "ckpt" / f"{checkpoint}.ckpt")
        gpt = load_gpt(opened)
        assert set(gpt.state_dict()) == set(opened.names)
        assert not gpt.training
        np.testing.assert_array_equal(
            gpt.h.layers[0].linear1.weight.detach(), opened.tensor("h.layers.0.linear1.weight")
        )
