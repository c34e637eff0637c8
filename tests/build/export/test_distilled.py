"""The graphs compute what the modules compute, and windows of a stream what the whole utterance gives."""

import numpy as np
import pytest
import torch

from build_engines.bundles.distilled import _VOCODER_CONTEXT_FRAMES as CONTEXT_FRAMES
from tests.build.conftest import DECODER_CONFIG, GPT_CONFIG

HOP = DECODER_CONFIG.hop
PHONES, TOKENS = 11, 14


def decibels(signal, other):
    return 10 * np.log10((signal**2).sum() / max(((signal - other) ** 2).sum(), 1e-30))


def spoken_by_graphs(exported, phones, features, prompt, tokens):
    """Logits and pointers of the prefill and of one step per token, the cache in one shared buffer per layer."""
    inputs = {"phones": phones, "features": features, "prompt": prompt}
    logits, keys, values, pointer, state = exported.session("gpt_prefill").run(None, inputs)
    rows, buffer = keys.shape[3], 64
    past = {}
    for layer in range(GPT_CONFIG.n_layer):
        for kind, cache in (("key", keys), ("value", values)):
            past[f"past_{kind}_{layer}"] = np.zeros((1, cache.shape[2], buffer, cache.shape[4]), np.float32)
            past[f"past_{kind}_{layer}"][:, :, :rows] = cache[layer]
    step = exported.session("gpt_step")
    all_logits, pointers = [logits], [pointer]
    for i, token in enumerate(tokens):
        fed = {
            "token": np.array([[token]]),
            "position": np.array([prompt.shape[1] + i]),
            "pointer": pointers[-1],
            "state": state,
            "seqlens_k": np.array([rows + i], np.int32),
            "total_length": np.array([rows + i + 1], np.int32),
        }
        logits, pointer, *present = step.run(None, fed | past)
        past = dict(zip(past, present, strict=True))
        all_logits.append(logits)
        pointers.append(pointer)
    return np.concatenate(all_logits), np.concatenate(pointers)


@pytest.mark.parametrize("prompt_length", [0, 3])
def test_prefill_and_steps_equal_the_training_pass(exported, prompt_length):
    rng = np.random.default_rng(1)
    phones = rng.integers(0, 732, (1, PHONES))
    features = rng.standard_normal((1, PHONES, GPT_CONFIG.feature_dim)).astype(np.float32)
    prompt = rng.integers(0, GPT_CONFIG.eos, (1, prompt_length))
    tokens = rng.integers(0, GPT_CONFIG.eos, TOKENS)
    logits, pointers = spoken_by_graphs(exported, phones, features, prompt, tokens)
    fed = np.concatenate([[GPT_CONFIG.eos], prompt[0], tokens])[None]
    spoken = np.concatenate([np.zeros(prompt_length + 1, np.int64), pointers[:-1]])[None]
    with torch.no_grad():
        expected, log_weights = exported.gpt(
            torch.from_numpy(phones),
            torch.from_numpy(features),
            torch.ones(1, PHONES, dtype=torch.bool),
            torch.from_numpy(fed),
            torch.from_numpy(spoken),
        )
    np.testing.assert_allclose(logits, expected[0, prompt_length:].numpy(), atol=2e-5)
    offsets = log_weights[0, prompt_length:].argmax(-1).numpy()
    np.testing.assert_array_equal(pointers, np.minimum(spoken[0, prompt_length:] + offsets, PHONES - 1))


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_pointer_never_goes_back_nor_skips_a_window(exported, seed):
    rng = np.random.default_rng(seed)
    phones = rng.integers(0, 732, (1, PHONES))
    features = rng.standard_normal((1, PHONES, GPT_CONFIG.feature_dim)).astype(np.float32)
    tokens = rng.integers(0, GPT_CONFIG.vocab_size, 30)
    _, pointers = spoken_by_graphs(exported, phones, features, np.zeros((1, 0), np.int64), tokens)
    steps = np.diff(np.concatenate([[0], pointers]))
    assert steps.min() >= 0
    assert steps.max() <= GPT_CONFIG.pointer_window - 1
    assert pointers.max() <= PHONES - 1
    assert steps.max() > 0, "a pointer that never moves proves nothing"


@pytest.fixture(scope="module")
def spoken(exported):
    """Inputs of the latents and their output, 40 tokens; one token's phone is unknown."""
    rng = np.random.default_rng(5)
    count = 40
    inputs = {
        "codes": rng.integers(0, 1024, (1, count)),
        "phones": rng.integers(0, 732, (1, PHONES)),
        "align": (np.arange(count) * PHONES // count)[None],
        "condition": rng.standard_normal((1, DECODER_CONFIG.ge_dim)).astype(np.float32),
    }
    inputs["align"][0, 7] = -1
    return inputs, exported.session("latents").run(["z"], inputs)[0]


def test_latents_equal_the_module(exported, spoken):
    inputs, z = spoken
    with torch.no_grad():
        names = ("codes", "phones", "align", "condition")
        expected = exported.decoder.latents(*(torch.from_numpy(inputs[name]) for name in names))
    assert z.shape == (1, DECODER_CONFIG.dim, 160)
    np.testing.assert_allclose(z, expected.transpose(1, 2).numpy(), atol=2e-5)


@pytest.mark.parametrize(("first", "last"), [(0, 9), (13, 21), (31, 40)])
def test_windows_of_latents_equal_the_whole(exported, spoken, first, last):
    inputs, z = spoken
    context = DECODER_CONFIG.latent_context_tokens
    start, stop = max(0, first - context), min(40, last + context)
    window = inputs | {name: inputs[name][:, start:stop] for name in ("codes", "align")}
    made = exported.session("latents").run(["z"], window)[0]
    part = made[:, :, 4 * (first - start) : 4 * (last - start)]
    assert decibels(z[:, :, 4 * first : 4 * last], part) > 60


def vocode(exported, z, ge, phase, noise):
    return exported.session("vocoder").run(
        ["audio", "phases"], {"z": z, "condition": ge, "phase": np.asarray(phase, np.float32), "noise": noise}
    )


def test_vocoder_equals_the_module_and_its_windows_the_whole(exported, spoken):
    inputs, z = spoken
    z, ge = 3 * z, inputs["condition"]
    noise = np.random.default_rng(6).standard_normal((1, z.shape[2] * HOP)).astype(np.float32)
    audio, phases = vocode(exported, z, ge, [0], noise)
    assert audio.shape == (1, 160 * HOP)
    assert phases.shape == (1, 161)

    vocoder = exported.decoder.vocoder
    frames = torch.from_numpy(z).transpose(1, 2)
    with torch.no_grad():
        log_f0 = vocoder.curves(frames, torch.from_numpy(ge))[0]
        f0 = torch.round(torch.exp(log_f0.clamp(3.9, 6.3)) * 64) / 64  # the graph's grid
        expected = vocoder(frames, torch.from_numpy(ge), torch.cat([f0, f0[:, -1:]], 1), torch.from_numpy(noise))[0]
    assert decibels(expected.numpy(), audio) > 50

    for first, last in ((0, 30), (50, 90), (120, 160)):
        start, stop = max(0, first - CONTEXT_FRAMES), min(160, last + CONTEXT_FRAMES)
        window = noise[:, start * HOP : stop * HOP]
        made, its_phases = vocode(exported, z[:, :, start:stop], ge, phases[:, start], window)
        part = made[:, (first - start) * HOP : (last - start) * HOP]
        assert decibels(audio[:, first * HOP : last * HOP], part) > 60
        cycles = its_phases[:, :-1] - phases[:, start:stop]  # the last edge needs the pitch of the frame after it
        np.testing.assert_allclose(cycles - np.round(cycles), 0, atol=1e-4)
