from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

import edge_tts
from build_engines.errors import BuildError
from build_engines.models.decoder import Decoder, DecoderConfig
from build_engines.training.shipped import shipped_decoder

VOICE = Path(edge_tts.__file__).parent / "voices" / "default"


def decibels(expected, found):
    return 10 * np.log10(np.sum(expected**2) / np.sum((expected - found) ** 2))


def test_the_default_voice_comes_back():
    decoder = shipped_decoder(VOICE)
    rng = np.random.default_rng(0)
    codes, phones = rng.integers(0, 1024, (1, 20)), rng.integers(0, 700, (1, 6))
    align = np.sort(rng.integers(0, 6, (1, 20)))
    ge = rng.standard_normal((1, 64)).astype(np.float32)
    options = onnxruntime.SessionOptions()
    # As written: optimized, the runtime may multiply INT8 weights with rounded activations.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        str(VOICE / "graphs" / "latents.onnx"), options, providers=["CPUExecutionProvider"]
    )
    (expected,) = session.run(["z"], {"codes": codes, "phones": phones, "align": align, "condition": ge})
    with torch.no_grad():
        z = decoder.latents(*(torch.from_numpy(x) for x in (codes, phones, align, ge))).transpose(1, 2)
        log_f0, *_ = decoder.vocoder.curves(z.transpose(1, 2), torch.from_numpy(ge))
    assert decibels(expected, z.numpy()) > 60
    vocoder = onnxruntime.InferenceSession(
        str(VOICE / "graphs" / "vocoder.onnx"), options, providers=["CPUExecutionProvider"]
    )
    feeds = {"z": expected, "condition": ge, "phase": np.zeros(1, np.float32), "noise": np.zeros((1, 80 * 240), "f4")}
    (phases,) = vocoder.run(["phases"], feeds)
    # The oscillator runs at the F0 that the weights give.
    hertz = torch.exp(log_f0[0].clamp(3.9, 6.3)).numpy()
    cycles = np.cumsum((hertz[:-1] + hertz[1:]) / 2 / 100)
    slipped = (phases[0, 1:80] - cycles + 0.5) % 1 - 0.5
    assert np.abs(slipped).max() < 0.02


def test_another_decoder_is_refused():
    with pytest.raises(BuildError, match="own decoder"):
        shipped_decoder(VOICE, DecoderConfig(dim=128))


def test_it_is_frozen():
    decoder = shipped_decoder(VOICE)
    assert isinstance(decoder, Decoder)
    assert not any(p.requires_grad for p in decoder.parameters())
