"""Plain PyTorch computes what the exported graphs compute, so that comparing their speed means something."""

import numpy as np
import pytest

from build_engines.bench.decode import Decoding
from build_engines.bench.torch_path import TorchVoice
from build_engines.forced import Drawn, ForcedVoice
from build_engines.quantize.measure import snr_db
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.noise import latent_noise

TOKENS = 48


@pytest.fixture(scope="module")
def torch_voice(made, speech):
    return TorchVoice(made.checkpoints.gpt, made.checkpoints.sovits, speech.manifest, speech.speaker)


def test_the_same_tokens(torch_voice, speech):
    graphs, plain = Decoding(speech).start(60, TOKENS), torch_voice.start(60, TOKENS)
    for _ in range(TOKENS):
        graphs.advance()
        plain.advance()
    assert list(graphs.tokens) == list(plain.tokens)
    assert len(set(plain.tokens)) > TOKENS / 2  # not one token again and again


def test_the_same_sound(torch_voice, made, speech):
    voice = ForcedVoice(speech.bundle, OnnxEngine())
    utterance = voice.read("Two boats.", "ann")[0]
    tokens = np.random.default_rng(0).integers(0, 1024, 30)
    drawn = Drawn(tuple(int(token) for token in tokens), None, False)
    z = voice.latents(utterance, "ann", drawn, 0)
    spec = speech.manifest.decoder
    noise = latent_noise(0, 0, 0, 60, spec.latent_channels).T * np.float32(spec.noise_scale)
    plain = torch_voice.latents(tokens, utterance.ids, np.ascontiguousarray(noise))
    assert snr_db([plain[0].numpy()], [z]) > 80
    assert snr_db([torch_voice.sound(plain)], [voice.sound(z, "ann", 0)]) > 70


def test_a_whole_sentence(torch_voice, speech):
    spec = speech.manifest.decoder
    noise = np.zeros((spec.latent_channels, 50), np.float32)
    sound = torch_voice.sentence(speech.read(1)[0].ids, 25, noise)
    assert len(sound) == speech.manifest.sample_rate
    assert np.isfinite(sound).all()
    assert sound.any()
