"""Profiles cover what the runtime asks for, and name exactly the sizes that vary."""

import dataclasses
from pathlib import Path

import pytest

from build_engines.quantize.profiles import profiles, tensorrt_names
from edge_tts.bundle import parse_manifest
from edge_tts.bundle.spec import TensorSpec
from edge_tts.sovits.schedule import next_window
from edge_tts.voice import MIN_SPEED

DEFAULT = Path("edge_tts/voices/default/manifest.json")


@pytest.fixture(scope="module")
def distilled():
    """The default voice's manifest."""
    return parse_manifest((Path(__file__).resolve().parents[3] / DEFAULT).read_bytes())


@pytest.fixture(scope="module")
def genuine(distilled):
    """One with the dimensions and inputs of an imported v2."""
    graphs = {}
    shapes = {
        "gpt_prefill": {"phones": (1, "phones"), "features": (1, "phones", 1024), "prompt": (1, "prompt")},
        "gpt_step": {"token": (1, 1), "past_key_0": (1, 16, "buffer", 32), "past_value_0": (1, 16, "buffer", 32)},
        "latents": {"codes": (1, "tokens"), "phones": (1, "phones"), "frames": (1,), "noise": (1, 192, "frames")},
        "vocoder": {"z": (1, 192, "frames"), "condition": (1, 512)},
    }
    for name, inputs in shapes.items():
        specs = {key: TensorSpec("float32", shape) for key, shape in inputs.items()}
        graphs[name] = dataclasses.replace(distilled.graphs[name], inputs=specs, outputs={})
    return dataclasses.replace(
        distilled,
        graphs=graphs,
        gpt=dataclasses.replace(distilled.gpt, max_context=2048, state_dim=0),
        decoder=dataclasses.replace(
            distilled.decoder, frames_per_token=2, latent_context_tokens=None, vocoder_context_frames=11
        ),
    )


def test_a_distilled_vocoder_is_left_to_onnx_runtime(distilled, genuine):
    assert tensorrt_names(distilled) == ("gpt_prefill", "gpt_step", "latents")
    assert tensorrt_names(genuine) == ("gpt_prefill", "gpt_step", "latents", "vocoder")


def test_every_profile_bounds_the_sizes_that_vary_and_no_others(distilled, genuine):
    sizes = [
        {name: [set(profile) for profile in profiles(name, manifest)] for name in tensorrt_names(manifest)}
        for manifest in (distilled, genuine)
    ]
    assert sizes[0] == {
        "gpt_prefill": [{"phones"}], "gpt_step": [{"buffer", "phones"}] * 3, "latents": [{"tokens", "phones"}]
    }  # fmt: skip
    assert sizes[1] == {
        "gpt_prefill": [{"phones", "prompt"}], "gpt_step": [{"buffer"}] * 4,
        "latents": [{"tokens", "phones", "frames"}], "vocoder": [{"frames"}] * 2,
    }  # fmt: skip


def test_sizes_are_ordered_and_at_least_one(distilled, genuine):
    for manifest in (distilled, genuine):
        for name in tensorrt_names(manifest):
            for profile in profiles(name, manifest):
                for least, usual, most in profile.values():
                    assert 1 <= least <= usual <= most


@pytest.mark.parametrize(
    ("context", "buffers"),
    [(2048, [256, 512, 1024, 2048]), (1024, [256, 512, 1024]), (300, [256, 300]), (100, [100])],
)
def test_the_cache_comes_in_buckets_up_to_all_that_the_voice_has_room_for(genuine, context, buffers):
    changed = dataclasses.replace(genuine, gpt=dataclasses.replace(genuine.gpt, max_context=context))
    found = [profile["buffer"] for profile in profiles("gpt_step", changed)]
    assert found == [(rows, rows, rows) for rows in buffers]


def windows(context_tokens, tokens):
    """(tokens done before, taken) of every window of a sentence that is known from the start."""
    done, number = 0, 0
    while count := next_window(number, done, tokens, context_tokens, True):
        yield done, count
        done, number = done + count, number + 1


@pytest.mark.parametrize("tokens", [1, 5, 30, 61, 150, 400])
def test_windows_of_the_vocoder_fit_into_a_profile_at_any_speed(genuine, tokens):
    decoder = genuine.decoder
    for speed in (1.0, MIN_SPEED):
        for _, count in windows(0, tokens):
            frames = int(count * decoder.frames_per_token / speed) + 1 + 2 * decoder.vocoder_context_frames
            assert any(p["frames"][0] <= frames <= p["frames"][2] for p in profiles("vocoder", genuine))


@pytest.mark.parametrize("tokens", [1, 5, 30, 61, 150, 400])
def test_windows_of_a_distilled_voices_latents_fit_into_a_profile(distilled, tokens):
    context = distilled.decoder.latent_context_tokens
    ((least, _, most),) = [profile["tokens"] for profile in profiles("latents", distilled)]
    for done, count in windows(context, tokens):
        given = min(tokens, done + count + context) - max(0, done - context)
        assert least <= given <= most


def test_profiles_leave_no_gap(genuine):
    early, late = (profile["frames"] for profile in profiles("vocoder", genuine))
    assert late[0] == early[2] + 1
