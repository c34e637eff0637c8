import torch

from build_engines.models.gpt import GPT, attend
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


def test_the_stack_keeps_the_names_of_genuine_checkpoints():
    names = GPT(GPT_CONFIG).state_dict()
    assert "h.layers.0.self_attn.in_proj_weight" in names
    assert "ar_audio_embedding.word_embeddings.weight" in names
    assert len(list(GPT(GPT_CONFIG).h)) == GPT_CONFIG.n_layer
