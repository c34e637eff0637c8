from dataclasses import replace

import torch

from build_engines.checkpoint.layout import gpt_shapes
from build_engines.models.gpt import GPT, GPTConfig, attend, visible
from tests.build.conftest import GPT_CONFIG


def test_attention_equals_pytorchs():
    q, k, v = (torch.randn(2, 3, n, 8) for n in (4, 6, 6))
    allowed = torch.ones(4, 6, dtype=torch.bool).tril(2)
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, allowed)
    torch.testing.assert_close(attend(q, k, v, allowed), expected.transpose(1, 2).flatten(2))


def test_padding_does_not_change_the_result():
    torch.manual_seed(1)
    gpt = GPT(GPT_CONFIG).eval()
    phones, features = torch.randint(0, 732, (1, 6)), torch.randn(1, 6, 8)
    tokens, pointer = torch.randint(0, 64, (1, 5)), torch.tensor([[0, 1, 2, 4, 5]])
    mask = torch.ones(1, 6, dtype=torch.bool)
    pad = (0, 3)
    padded = (
        torch.nn.functional.pad(phones, pad, value=9),
        torch.nn.functional.pad(features, (0, 0, *pad), value=2.0),
        torch.nn.functional.pad(mask, pad),
    )
    with torch.no_grad():
        expected = gpt(phones, features, mask, tokens, pointer)
        made = gpt(*padded, tokens, pointer)
    for a, b in zip(made, expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


def test_later_tokens_do_not_reach_back():
    torch.manual_seed(2)
    gpt = GPT(GPT_CONFIG).eval()
    phones, features, mask = torch.randint(0, 732, (1, 6)), torch.randn(1, 6, 8), torch.ones(1, 6, dtype=torch.bool)
    tokens, pointer = torch.randint(0, 64, (1, 5)), torch.zeros(1, 5, dtype=torch.int64)
    other = tokens.clone()
    other[0, 3] = (other[0, 3] + 1) % 64
    with torch.no_grad():
        a, b = (gpt(phones, features, mask, t, pointer)[0] for t in (tokens, other))
    torch.testing.assert_close(a[:, :3], b[:, :3])
    assert not torch.allclose(a[:, 3], b[:, 3])


def test_a_genuine_network_has_the_tensors_of_a_checkpoint():
    config = GPTConfig(hidden_dim=512, head=16, n_layer=24, linear_units=2048, feature_dim=1024, pointer_window=0)
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in GPT(config).state_dict().items()}
    assert shapes == gpt_shapes(vocab_size=1025, phoneme_vocab_size=732, hidden_dim=512, n_layer=24)
    assert len(shapes) == 295


def test_a_distilled_network_has_a_pointer_besides():
    names = set(GPT(GPT_CONFIG).state_dict())
    assert set(GPT(replace(GPT_CONFIG, pointer_window=0)).state_dict()) < names
    assert {"pointer.query.weight", "pointer.offset_bias", "pointer_input.bias"} < names


def test_text_sees_all_text_and_audio_what_was_before_it():
    rows = visible(torch.zeros(1, 2), torch.zeros(1, 3)).int()
    assert rows.tolist() == [[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]


def test_rows_of_audio_change_nothing_before_them():
    torch.manual_seed(3)
    gpt = GPT(replace(GPT_CONFIG, pointer_window=0)).eval()
    phones, features, tokens = torch.randint(0, 732, (1, 6)), torch.randn(1, 6, 8), torch.randint(0, 64, (1, 5))
    with torch.no_grad():
        longest = gpt.rows(phones, features, tokens)[0]
        for count in range(5):
            torch.testing.assert_close(gpt.rows(phones, features, tokens[:, :count])[0], longest[:, : 6 + count])
