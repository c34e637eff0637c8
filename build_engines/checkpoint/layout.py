"""Which tensors a GPT-SoVITS checkpoint must hold, by name and shape, given its dimensions.

Names are those of RVC-Boss/GPT-SoVITS; weight norm is stored unfolded as ``weight_g`` and ``weight_v``, norm over all
but dimension 0. ``enc_q.*`` (training only) is not listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from build_engines.models.sovits.config import SovitsConfig

__all__ = [
    "BERT_DIM",
    "CODES",
    "SPEAKER_VECTOR",
    "SSL_DIM",
    "gpt_shapes",
    "is_training_only",
    "sovits_shapes",
]

Shape = tuple[int, ...]
Named = Iterator[tuple[str, Shape]]

BERT_DIM = 1024  # width of the text features
SSL_DIM = 768  # width of the speech features, and of the codebook
CODES = 1024
SPEAKER_VECTOR = 20_480  # width of the speaker-verification vector
_MRTE_DIM = 512
_STYLE_DIM = 128
_ATTENTION_WINDOW = 4
_FLOWS = (0, 2, 4, 6)  # the odd ones only flip
_FLOW_LAYERS = 4
_FLOW_KERNEL = 5
_END_KERNEL = 7


def is_training_only(name: str) -> bool:
    """Whether a tensor belongs to the posterior encoder, which speaking never runs."""
    return name.startswith("enc_q.")


def gpt_shapes(*, vocab_size: int, phoneme_vocab_size: int, hidden_dim: int, n_layer: int) -> dict[str, Shape]:
    """The GPT's tensors without the files' prefix ``model.``. The feed-forward is always four times the width."""
    width = hidden_dim
    shapes: dict[str, Shape] = {
        "bert_proj.weight": (width, BERT_DIM),
        "bert_proj.bias": (width,),
        "ar_text_embedding.word_embeddings.weight": (phoneme_vocab_size, width),
        "ar_text_position.alpha": (1,),
        "ar_audio_embedding.word_embeddings.weight": (vocab_size, width),
        "ar_audio_position.alpha": (1,),
        "ar_predict_layer.weight": (vocab_size, width),
    }
    for i in range(n_layer):
        layer = f"h.layers.{i}"
        shapes[f"{layer}.self_attn.in_proj_weight"] = (3 * width, width)
        shapes[f"{layer}.self_attn.in_proj_bias"] = (3 * width,)
        shapes.update(_affine(f"{layer}.self_attn.out_proj", width, width))
        shapes.update(_affine(f"{layer}.linear1", 4 * width, width))
        shapes.update(_affine(f"{layer}.linear2", width, 4 * width))
        for norm in ("norm1", "norm2"):
            shapes[f"{layer}.{norm}.weight"] = shapes[f"{layer}.{norm}.bias"] = (width,)
    return shapes


def sovits_shapes(config: SovitsConfig) -> dict[str, Shape]:
    """The acoustic model's tensors."""
    shapes = dict(_text_encoder(config))
    shapes.update(_generator(config))
    shapes.update(_flow(config))
    shapes.update(_reference_encoder(config))
    shapes.update(_affine("ssl_proj", SSL_DIM, SSL_DIM, 2))
    codebook = "quantizer.vq.layers.0._codebook"
    shapes[f"{codebook}.inited"] = (1,)
    shapes[f"{codebook}.cluster_size"] = (CODES,)
    shapes[f"{codebook}.embed"] = shapes[f"{codebook}.embed_avg"] = (CODES, SSL_DIM)
    if config.pro:
        shapes.update(_affine("sv_emb", config.gin_channels, SPEAKER_VECTOR))
        shapes.update(_affine("ge_to512", _MRTE_DIM, config.gin_channels))
        shapes["prelu.weight"] = (config.gin_channels,)
    return shapes


def _affine(name: str, *shape: int) -> Named:
    """A linear or convolution with a bias; ``shape`` is [out, in, *kernel]."""
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def _normed(name: str, *shape: int, outputs: int | None = None) -> Named:
    """A convolution under weight norm; ``outputs`` where dimension 0 is the input's (transposed convolutions)."""
    yield f"{name}.bias", shape[:1] if outputs is None else (outputs,)
    yield f"{name}.weight_g", (shape[0], *(1 for _ in shape[1:]))
    yield f"{name}.weight_v", shape


def _attention(name: str, width: int) -> Named:
    for part in "qkvo":
        yield from _affine(f"{name}.conv_{part}", width, width, 1)


def _encoder(name: str, layers: int, config: SovitsConfig) -> Named:
    width, inner, kernel = config.hidden_channels, config.filter_channels, config.kernel_size
    for i in range(layers):
        for part in "kv":
            yield f"{name}.attn_layers.{i}.emb_rel_{part}", (1, 2 * _ATTENTION_WINDOW + 1, width // config.n_heads)
        yield from _attention(f"{name}.attn_layers.{i}", width)
        yield from _affine(f"{name}.ffn_layers.{i}.conv_1", inner, width, kernel)
        yield from _affine(f"{name}.ffn_layers.{i}.conv_2", width, inner, kernel)
        for norm, part in product(("norm_layers_1", "norm_layers_2"), ("gamma", "beta")):
            yield f"{name}.{norm}.{i}.{part}", (width,)


def _text_encoder(config: SovitsConfig) -> Named:
    width = config.hidden_channels
    yield from _affine("enc_p.ssl_proj", width, SSL_DIM, 1)
    yield from _encoder("enc_p.encoder_ssl", config.n_layers // 2, config)
    yield from _encoder("enc_p.encoder_text", config.n_layers, config)
    yield "enc_p.text_embedding.weight", (config.symbols, width)
    yield from _attention("enc_p.mrte.cross_attention", _MRTE_DIM)
    yield from _affine("enc_p.mrte.c_pre", _MRTE_DIM, width, 1)
    yield from _affine("enc_p.mrte.text_pre", _MRTE_DIM, width, 1)
    yield from _affine("enc_p.mrte.c_post", width, _MRTE_DIM, 1)
    yield from _encoder("enc_p.encoder2", config.n_layers // 2, config)
    yield from _affine("enc_p.proj", 2 * config.inter_channels, width, 1)


def _generator(config: SovitsConfig) -> Named:
    width = config.upsample_initial_channel
    yield from _affine("dec.conv_pre", width, config.inter_channels, _END_KERNEL)
    yield from _affine("dec.cond", width, config.gin_channels, 1)
    kernels = config.resblock_kernel_sizes
    for i, up_kernel in enumerate(config.upsample_kernel_sizes):
        yield from _normed(f"dec.ups.{i}", width, width // 2, up_kernel, outputs=width // 2)
        width //= 2
        for j, (kernel, dilations) in enumerate(zip(kernels, config.resblock_dilation_sizes, strict=True)):
            for group, k in product(("convs1", "convs2"), range(len(dilations))):
                yield from _normed(f"dec.resblocks.{i * len(kernels) + j}.{group}.{k}", width, width, kernel)
    yield "dec.conv_post.weight", (1, width, _END_KERNEL)


def _flow(config: SovitsConfig) -> Named:
    width, half = config.hidden_channels, config.inter_channels // 2
    for i in _FLOWS:
        name = f"flow.flows.{i}"
        yield from _affine(f"{name}.pre", width, half, 1)
        for k in range(_FLOW_LAYERS):
            yield from _normed(f"{name}.enc.in_layers.{k}", 2 * width, width, _FLOW_KERNEL)
            last = k == _FLOW_LAYERS - 1
            yield from _normed(f"{name}.enc.res_skip_layers.{k}", width if last else 2 * width, width, 1)
        yield from _normed(f"{name}.enc.cond_layer", 2 * width * _FLOW_LAYERS, config.gin_channels, 1)
        yield from _affine(f"{name}.post", half, width, 1)


def _reference_encoder(config: SovitsConfig) -> Named:
    yield from _affine("ref_enc.spectral.0.fc", _STYLE_DIM, config.reference_bins)
    yield from _affine("ref_enc.spectral.3.fc", _STYLE_DIM, _STYLE_DIM)
    for i in range(2):
        yield from _affine(f"ref_enc.temporal.{i}.conv1.conv", 2 * _STYLE_DIM, _STYLE_DIM, 5)
    for part in ("w_qs", "w_ks", "w_vs", "fc"):
        yield from _affine(f"ref_enc.slf_attn.{part}", _STYLE_DIM, _STYLE_DIM)
    yield from _affine("ref_enc.fc.fc", config.gin_channels, _STYLE_DIM)
