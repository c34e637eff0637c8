import numpy as np
import pytest
import torch

from build_engines.models.tokenizer import (
    FSQ,
    MelSpectrogram,
    ReferenceEncoder,
    Tokenizer,
    TokenizerConfig,
    mel_filters,
)

CONFIG = TokenizerConfig()


def test_tokens_index_their_own_values():
    quantizer = FSQ(4, 5)
    quantized, tokens = quantizer(3 * torch.randn(2, 200, 5, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(quantizer.values()[tokens], quantized)
    assert tokens.dtype == torch.int64


def test_all_tokens_can_be_reached_and_lie_in_order():
    quantizer = FSQ(4, 5)
    half = 1.5
    inputs = torch.atanh(quantizer.values() * half / (half + 0.4))
    quantized, tokens = quantizer(inputs[None])
    assert tokens[0].tolist() == list(range(1024))
    assert sorted(quantized.unique().tolist()) == pytest.approx([-1, -1 / 3, 1 / 3, 1])


def test_gradients_pass_the_quantizer():
    x = torch.zeros(1, 1, 5, requires_grad=True)
    FSQ(4, 5)(x)[0].sum().backward()
    assert (x.grad > 0.5).all()


def test_mel_filters_are_triangles_of_equal_area_inside_their_range():
    n_fft = 16384
    filters = mel_filters(24_000, n_fft, 80, 40.0, 7_600.0).numpy()
    hertz = np.arange(n_fft // 2 + 1) * 24_000 / n_fft
    assert filters.shape == (n_fft // 2 + 1, 80)
    assert filters.min() >= 0
    assert not filters[(hertz <= 40) | (hertz >= 7_600)].any()
    np.testing.assert_allclose(filters.sum(0) * 24_000 / n_fft, 100, rtol=1e-2)
    peaks = hertz[filters.argmax(0)]
    mel = 2595 * np.log10(1 + peaks / 700)
    np.testing.assert_allclose(np.diff(mel), np.diff(mel).mean(), atol=2)


def test_a_warp_stretches_the_filters():
    plain, warped = (mel_filters(24_000, 16384, 20, 40.0, 7_600.0, warp).argmax(0).float() for warp in (1.0, 1.1))
    torch.testing.assert_close(warped / plain, torch.full((20,), 1.1), atol=0.01, rtol=0)


def test_a_tone_is_loudest_in_its_own_band():
    time = torch.arange(24_000) / 24_000
    mel = MelSpectrogram(CONFIG)(0.1 * torch.sin(2 * torch.pi * 1000 * time)[None])
    assert mel.shape == (1, 100, CONFIG.mels)
    band = int(mel_filters(24_000, 1024, 80, 40.0, 7_600.0)[round(1000 * 1024 / 24_000)].argmax())
    assert abs(int(mel[0, 50].argmax()) - band) <= 1


def test_reference_encoder_gives_one_normalized_embedding_whatever_the_length():
    encoder = ReferenceEncoder(CONFIG).eval()
    with torch.no_grad():
        for frames in (40, 101):
            ge = encoder(torch.randn(3, frames, CONFIG.mels))
            assert ge.shape == (3, CONFIG.ge_dim)
            torch.testing.assert_close(ge.mean(1), torch.zeros(3), atol=1e-5, rtol=0)
            torch.testing.assert_close(ge.std(1, unbiased=False), torch.ones(3), atol=1e-3, rtol=0)


def test_tokenizer_shapes():
    model = Tokenizer(CONFIG, speakers=4).eval()
    mel = torch.randn(2, 24, CONFIG.mels)
    with torch.no_grad():
        quantized, tokens, hidden = model.encode(mel)
        from_tokens, from_hidden = model.phones(quantized, hidden)
        made, log_f0, voiced = model.decode(quantized, model.reference(mel))
    assert quantized.shape == (2, 6, 5)
    assert tokens.shape == (2, 6)
    assert from_tokens.shape == from_hidden.shape == (2, 12, CONFIG.phone_classes)
    assert made.shape == mel.shape
    assert log_f0.shape == voiced.shape == (2, 24)
