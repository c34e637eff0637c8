"""PyTorch modules → the four graphs of a bundle (docs/bundle.md has their inputs and outputs)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from build_engines.models.decoder import Decoder, pulse_train
from build_engines.models.gpt import GPT, attend

__all__ = ["export_decoder", "export_gpt"]

_OPSET = 17


class _SharedBufferAttention(torch.autograd.Function):
    """com.microsoft GroupQueryAttention: writes the new row into the cache's buffer and attends to all rows so far."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, past_k: Tensor, past_v: Tensor, rows: Tensor, total: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:  # noqa: E501
        present_k, present_v = past_k.clone(), past_v.clone()
        at = int(rows[0])
        shape = (1, 1, heads, -1)
        present_k[:, :, at : at + 1] = k.view(shape).transpose(1, 2)
        present_v[:, :, at : at + 1] = v.view(shape).transpose(1, 2)
        out = attend(q.view(shape).transpose(1, 2), present_k[:, :, : at + 1], present_v[:, :, : at + 1], None)
        return out.transpose(1, 2).flatten(2), present_k, present_v

    @staticmethod
    def symbolic(g: Any, q: Any, k: Any, v: Any, past_k: Any, past_v: Any, rows: Any, total: Any, heads: int) -> Any:
        return g.op(
            "com.microsoft::GroupQueryAttention", q, k, v, past_k, past_v, rows, total,
            num_heads_i=heads, kv_num_heads_i=heads, outputs=3,
        )  # fmt: skip


class _Prefill(nn.Module):
    """Text rows and the start row; see docs/bundle.md."""

    def __init__(self, gpt: GPT) -> None:
        super().__init__()
        self.gpt = gpt

    def forward(self, phones: Tensor, features: Tensor, prompt: Tensor) -> tuple[Tensor, ...]:
        gpt = self.gpt
        memory = gpt.read(phones, features)
        start = torch.full((1, 1), gpt.config.eos, dtype=torch.int64)
        tokens = torch.cat([start, prompt], 1)
        rows = torch.cumsum(torch.ones_like(tokens[0]), 0) - 1
        pointer = torch.zeros_like(tokens)
        x = gpt.embed_audio(tokens, rows, pointer, memory.state)
        last = torch.ones_like(phones).sum(1, keepdim=True) - 1
        text = torch.ones_like(phones, dtype=torch.bool)[:, None, :].expand(1, tokens.shape[1], -1)
        allowed = torch.cat([text, (rows[None, :] <= rows[:, None])[None]], 2)[:, None]
        keys, values = [], []
        weights = x
        for i, layer in enumerate(gpt.h):
            if i == gpt.config.pointer_layer:
                x, weights = gpt.pointer(x, memory.state, pointer, last)
            q, k, v = layer.self_attn.project(x)
            keys.append(torch.cat([memory.keys[i], k], 2))
            values.append(torch.cat([memory.values[i], v], 2))
            x = layer.finish(x, attend(q, keys[-1], values[-1], allowed))
        following = torch.minimum(pointer[0, -1:] + weights[0, -1:].argmax(-1), last[0])
        logits = gpt.ar_predict_layer(x[:, -1])
        return logits, torch.stack(keys), torch.stack(values), following, memory.state


class _Step(nn.Module):
    """One audio row on the cache; see docs/bundle.md."""

    def __init__(self, gpt: GPT) -> None:
        super().__init__()
        self.gpt = gpt

    def forward(self, token: Tensor, position: Tensor, pointer: Tensor, state: Tensor, rows: Tensor, total: Tensor, *past: Tensor) -> tuple[Tensor, ...]:  # noqa: E501
        gpt = self.gpt
        spoken = pointer[None]
        x = gpt.embed_audio(token, position + 1, spoken, state)  # the start row has position 0
        last = torch.ones_like(state[:, :, 0], dtype=torch.int64).sum(1, keepdim=True) - 1
        present: list[Tensor] = []
        weights = x
        for i, layer in enumerate(gpt.h):
            if i == gpt.config.pointer_layer:
                x, weights = gpt.pointer(x, state, spoken, last)
            attention = layer.self_attn
            q, k, v = F.linear(x, attention.in_proj_weight, attention.in_proj_bias).chunk(3, -1)
            out, key, value = _SharedBufferAttention.apply(  # type: ignore[no-untyped-call]
                q, k, v, past[2 * i], past[2 * i + 1], rows, total, attention.heads
            )
            present += [key, value]
            depth = q.shape[-1] // attention.heads
            x = layer.finish(x, out.view(1, 1, attention.heads, depth).transpose(1, 2))
        following = torch.minimum(pointer + weights[0, -1:].argmax(-1), last[0])
        return gpt.ar_predict_layer(x[:, -1]), following, *present


class _Latents(nn.Module):
    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.latents = decoder.latents

    def forward(self, codes: Tensor, phones: Tensor, align: Tensor, ge: Tensor) -> Tensor:
        return self.latents(codes, phones, align, ge).transpose(1, 2)  # type: ignore[no-any-return]


class _Vocoder(nn.Module):
    """The vocoder with its Fourier transforms as matrix products, and the oscillator's phase as input and output."""

    cosine: Tensor
    sine: Tensor
    bins: Tensor
    weight: Tensor

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.vocoder = decoder.vocoder
        c = decoder.config
        turn = torch.arange(c.n_fft).double() * (2 * torch.pi / c.n_fft)
        self.register_buffer("cosine", torch.cos(turn).float())
        self.register_buffer("sine", torch.sin(turn).float())
        self.register_buffer("bins", torch.arange(c.n_fft // 2 + 1))
        weight = torch.full((c.n_fft // 2 + 1, 1), 2.0 / c.n_fft / 1.5)
        weight[0] = weight[-1] = 1.0 / c.n_fft / 1.5
        self.register_buffer("weight", weight)

    def bases(self, samples: int) -> tuple[Tensor, Tensor]:
        """cos and -sin [samples, bins] as look-ups into one period: the file stays small, a session folds them once."""
        n_fft = self.vocoder.config.n_fft
        index = torch.remainder(torch.arange(samples)[:, None] * self.bins, n_fft)
        return self.cosine[index], -self.sine[index]

    def forward(self, z: Tensor, ge: Tensor, phase: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        voc, c = self.vocoder, self.vocoder.config
        log_f0, voiced, harmonic, hiss = voc.curves(z.transpose(1, 2), ge)
        # On a grid of 1/64 Hz the phase sums are the same whatever the window.
        f0 = torch.round(torch.exp(log_f0.clamp(3.9, 6.3)) * 64) / 64
        edges = torch.cat([f0, f0[:, -1:]], 1)
        first, slope = edges[:, :-1].double(), (edges[:, 1:] - edges[:, :-1]).double() / c.hop
        n = torch.arange(c.hop, dtype=torch.float64)
        inside = ((n + 1) * first[..., None] + slope[..., None] * (n * (n + 1) / 2)) / c.sample_rate
        whole = torch.cumsum(inside[..., -1], 1)
        starts = phase.double()[:, None] + torch.cat([torch.zeros_like(whole[:, :1]), whole], 1)
        starts = starts - torch.floor(starts)
        cycles = (starts[:, :-1, None] + inside).flatten(1)
        cycles = (cycles - torch.floor(cycles)).float()
        pulses = pulse_train(cycles, voc.sample_f0(edges), c.sample_rate)

        frames = z.shape[2]
        side = (c.window - c.hop) // 2
        blocks = c.window // c.hop

        cos, sin = self.bases(c.window)
        forward_cos, forward_sin = cos * voc.window[:, None], sin * voc.window[:, None]
        cos, sin = self.bases(c.n_fft)
        inverse_cos, inverse_sin = cos.T * self.weight, sin.T * self.weight

        def analyse(source: Tensor) -> tuple[Tensor, Tensor]:
            hops = F.pad(source, (side, side)).reshape(1, frames + blocks - 1, c.hop)
            pieces = torch.cat([hops[:, i : i + frames] for i in range(blocks)], 2)
            return pieces @ forward_cos, pieces @ forward_sin

        def polar(log_gain: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
            gain = torch.exp(log_gain)
            return gain * torch.cos(angle), gain * torch.sin(angle)

        real, imag = analyse(pulses)
        h_real, h_imag = polar(*harmonic)
        open_ = torch.sigmoid(voiced)[..., None]
        n_real, n_imag = analyse(noise)
        s_real, s_imag = polar(*hiss)
        out_real = open_ * (real * h_real - imag * h_imag) + n_real * s_real - n_imag * s_imag
        out_imag = open_ * (real * h_imag + imag * h_real) + n_real * s_imag + n_imag * s_real
        made = out_real @ inverse_cos + out_imag @ inverse_sin
        spread = -(-c.n_fft // c.hop)
        parts = F.pad(made, (0, spread * c.hop - c.n_fft)).reshape(1, frames, spread, c.hop)
        total = F.pad(parts[:, :, 0], (0, 0, 0, spread - 1))
        for k in range(1, spread):
            total = total + F.pad(parts[:, :, k], (0, 0, k, spread - 1 - k))
        audio = total.reshape(1, -1)[:, side : side + frames * c.hop]
        return audio, starts.float()


def _export(
    module: nn.Module, example: tuple[Tensor, ...], path: Path, inputs: Sequence[str], outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]], fold: bool = True,
) -> None:  # fmt: skip
    module.eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, example, str(path), input_names=list(inputs), output_names=list(outputs),
            dynamic_axes={k: dict(v) for k, v in axes.items()}, opset_version=_OPSET, dynamo=False,
            do_constant_folding=fold,
            custom_opsets={"com.microsoft": 1},
        )  # fmt: skip


def export_gpt(gpt: GPT, folder: Path) -> None:
    """Write ``gpt_prefill.onnx`` and ``gpt_step.onnx``."""
    c = gpt.config
    folder.mkdir(parents=True, exist_ok=True)
    phones = torch.arange(9)[None] % c.phoneme_vocab_size
    features = torch.zeros(1, 9, c.feature_dim)
    _export(
        _Prefill(gpt), (phones, features, torch.zeros(1, 2, dtype=torch.int64)), folder / "gpt_prefill.onnx",
        ("phones", "features", "prompt"), ("logits", "keys", "values", "pointer", "state"),
        {"phones": {1: "phones"}, "features": {1: "phones"}, "prompt": {1: "prompt"}, "keys": {3: "rows"},
         "values": {3: "rows"}, "state": {1: "phones"}},
    )  # fmt: skip
    depth = c.hidden_dim // c.head
    past_names = [f"past_{kind}_{i}" for i in range(c.n_layer) for kind in ("key", "value")]
    present_names = [name.replace("past", "present") for name in past_names]
    past = tuple(torch.zeros(1, c.head, 32, depth) for _ in past_names)
    example = (
        torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, dtype=torch.int64), torch.zeros(1, dtype=torch.int64),
        torch.randn(1, 9, c.hidden_dim), torch.tensor([10], dtype=torch.int32), torch.tensor([11], dtype=torch.int32),
        *past,
    )  # fmt: skip
    axes: dict[str, dict[int, str]] = {"state": {1: "phones"}}
    axes |= {name: {2: "buffer"} for name in (*past_names, *present_names)}
    _export(
        _Step(gpt), example, folder / "gpt_step.onnx",
        ("token", "position", "pointer", "state", "seqlens_k", "total_length", *past_names),
        ("logits", "next_pointer", *present_names), axes,
    )  # fmt: skip


def export_decoder(decoder: Decoder, folder: Path) -> None:
    """Write ``latents.onnx`` and ``vocoder.onnx``."""
    c = decoder.config
    folder.mkdir(parents=True, exist_ok=True)
    codes = torch.arange(6)[None]
    _export(
        _Latents(decoder),
        (codes, torch.arange(5)[None], torch.zeros(1, 6, dtype=torch.int64), torch.zeros(1, c.ge_dim)),
        folder / "latents.onnx", ("codes", "phones", "align", "ge"), ("z",),
        {"codes": {1: "tokens"}, "align": {1: "tokens"}, "phones": {1: "phones"}, "z": {2: "frames"}},
    )  # fmt: skip
    frames = 24
    _export(
        _Vocoder(decoder),
        (torch.randn(1, c.dim, frames), torch.zeros(1, c.ge_dim), torch.zeros(1), torch.randn(1, frames * c.hop)),
        folder / "vocoder.onnx", ("z", "ge", "phase", "noise"), ("audio", "phases"),
        {"z": {2: "frames"}, "noise": {1: "samples"}, "audio": {1: "samples"}, "phases": {1: "edges"}}, fold=False,
    )  # fmt: skip
