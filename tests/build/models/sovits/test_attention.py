"""Relative positions: the skewed reshapes equal their definition."""

import math

import pytest
import torch

from build_engines.models.sovits.attention import WINDOW, Attention, band_to_square, square_to_band

WIDTH = 2 * WINDOW + 1
LENGTHS = (1, 2, WINDOW, WINDOW + 1, WIDTH, 23)


@pytest.mark.parametrize("length", LENGTHS)
def test_band_to_square(length):
    band = torch.randn(1, 2, length, WIDTH)
    square = band_to_square(band)
    assert square.shape == (1, 2, length, length)
    for i in range(length):
        for j in range(length):
            offset = j - i + WINDOW
            wanted = band[0, :, i, offset] if 0 <= offset < WIDTH else torch.zeros(2)
            assert torch.equal(square[0, :, i, j], wanted)


@pytest.mark.parametrize("length", LENGTHS)
def test_square_to_band(length):
    square = torch.randn(1, 2, length, length)
    band = square_to_band(square, WIDTH)
    assert band.shape == (1, 2, length, WIDTH)
    for i in range(length):
        for offset in range(WIDTH):
            j = i + offset - WINDOW
            wanted = square[0, :, i, j] if 0 <= j < length else torch.zeros(2)
            assert torch.equal(band[0, :, i, offset], wanted)


@pytest.mark.parametrize("length", [3, 14])
def test_attention_by_definition(length):
    """Every pair of rows for itself, in double precision."""
    attention = Attention(8, heads=2, window=WINDOW).double()
    x = torch.randn(1, 8, length, dtype=torch.float64)
    with torch.no_grad():
        q, k, v = (conv(x)[0].reshape(2, 4, length) for conv in (attention.conv_q, attention.conv_k, attention.conv_v))
        rows = torch.zeros(2, 4, length, dtype=torch.float64)
        for head in range(2):
            for i in range(length):
                near = {j: j - i + WINDOW for j in range(length) if abs(j - i) <= WINDOW}
                scores = torch.stack(
                    [
                        q[head, :, i] @ (k[head, :, j] + (attention.emb_rel_k[0, near[j]] if j in near else 0))
                        for j in range(length)
                    ]
                )
                weights = torch.softmax(scores / math.sqrt(4), 0)
                for j in range(length):
                    shifted = v[head, :, j] + (attention.emb_rel_v[0, near[j]] if j in near else 0)
                    rows[head, :, i] += weights[j] * shifted
        wanted = attention.conv_o(rows.reshape(1, 8, length))
        assert torch.allclose(attention(x, x), wanted, atol=1e-12)
