"""The GPT → the graphs gpt_prefill and gpt_step of a bundle.

Weights keep the names of their parameters, which is how `build_engines.export.adapters` knows them. A distilled voice
has them inside its graphs. Those of a genuine one are twenty times as large: both graphs read ``gpt.weights`` beside
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from build_engines.export.adapters import add_adapters
from build_engines.export.graph import trace
from build_engines.export.weights import WeightFile, fill_in
from build_engines.models.gpt import GPT, attend

__all__ = ["WEIGHTS", "export_gpt"]

WEIGHTS = "gpt.weights"


class _SharedBufferAttention(torch.autograd.Function):
    """com.microsoft GroupQueryAttention: writes the new row into the cache's buffer and attends to all rows so far.

    ``qkv`` [1, 1, 3 * C] holds the row's query, key and value side by side; gives [1, 1, C] and the two buffers.
    """

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, past_k: Tensor, past_v: Tensor, rows: Tensor, total: Tensor, heads: int) -> tuple[Tensor, Tensor, Tensor]:  # noqa: E501
        q, k, v = (part.view(1, 1, heads, -1).transpose(1, 2) for part in qkv.chunk(3, -1))
        present_k, present_v = past_k.clone(), past_v.clone()
        at = int(rows[0])
        present_k[:, :, at : at + 1], present_v[:, :, at : at + 1] = k, v
        return attend(q, present_k[:, :, : at + 1], present_v[:, :, : at + 1], None), present_k, present_v

    @staticmethod
    def symbolic(g: Any, qkv: Any, past_k: Any, past_v: Any, rows: Any, total: Any, heads: int) -> Any:
        none = g.op("prim::Constant")  # no keys and values of their own
        none.setType(torch.OptionalType.ofTensor())
        outputs = g.op(
            "com.microsoft::GroupQueryAttention", qkv, none, none, past_k, past_v, rows, total,
            num_heads_i=heads, kv_num_heads_i=heads, outputs=3,
        )  # fmt: skip
        for output, like in zip(outputs, (qkv, past_k, past_v), strict=True):
            output.setType(like.type())  # the exporter doesn't know the operator
        return outputs


class _Wrapper(nn.Module):
    def __init__(self, gpt: GPT) -> None:
        super().__init__()
        self.gpt = gpt


class _Prefill(_Wrapper):
    """Text and prompt of a genuine voice; see docs/bundle.md."""

    def forward(self, phones: Tensor, features: Tensor, prompt: Tensor) -> tuple[Tensor, ...]:
        hidden, keys, values = self.gpt.rows(phones, features, prompt)
        return self.gpt.ar_predict_layer(hidden[:, -1]), torch.stack(keys), torch.stack(values)


class _PointedPrefill(_Wrapper):
    """Text rows, then the start row and the prompt of a distilled voice; see docs/bundle.md."""

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
            q, k, v = layer.self_attn.heads_of(x)
            keys.append(torch.cat([memory.keys[i], k], 2))
            values.append(torch.cat([memory.values[i], v], 2))
            x = layer.finish(x, attend(q, keys[-1], values[-1], allowed))
        following = torch.minimum(pointer[0, -1:] + weights[0, -1:].argmax(-1), last[0])
        logits = gpt.ar_predict_layer(x[:, -1])
        return logits, torch.stack(keys), torch.stack(values), following, memory.state


class _Step(_Wrapper):
    """One audio row on the cache; `more` are the caches, and a distilled voice's pointer and state.

    The row is a matrix [1, C], so that an engine needs one operator for product and bias.
    """

    def forward(self, token: Tensor, position: Tensor, rows: Tensor, total: Tensor, *more: Tensor) -> tuple[Tensor, ...]:  # noqa: E501
        gpt, config = self.gpt, self.gpt.config
        past, pointed = more[: 2 * config.n_layer], more[2 * config.n_layer :]
        if pointed:
            pointer, state = pointed
            spoken = pointer[None]
            x = gpt.embed_audio(token, position + 1, spoken, state)  # the start row has position 0
            last = torch.ones_like(state[:, :, 0], dtype=torch.int64).sum(1, keepdim=True) - 1
        else:
            x = gpt.embed_audio(token, position)
        x = x.squeeze(0)
        present: list[Tensor] = []
        weights = x
        for i, layer in enumerate(gpt.h):
            if pointed and i == config.pointer_layer:
                x, weights = gpt.pointer(x[None], state, spoken, last)
                x = x.squeeze(0)
            attention = layer.self_attn
            attended, key, value = _SharedBufferAttention.apply(  # type: ignore[no-untyped-call]
                attention.project(x)[None], past[2 * i], past[2 * i + 1], rows, total, attention.heads
            )
            present += [key, value]
            x = layer.finish(x, attended.squeeze(0))
        logits = gpt.ar_predict_layer(x)
        if not pointed:
            return logits, *present
        return logits, torch.minimum(pointer + weights[0, -1:].argmax(-1), last[0]), *present


def export_gpt(gpt: GPT, folder: Path) -> list[str]:
    """Writes ``gpt_prefill.onnx`` and ``gpt_step.onnx``, and ``gpt.weights`` for a genuine voice.

    Returns the targets of adapters, whose inputs the graphs have (`build_engines.export.adapters`).
    """
    folder.mkdir(parents=True, exist_ok=True)
    if gpt.config.pointer_window:
        targets = _export_prefill(gpt, folder, None)
        _export_step(gpt, folder, None)
        return targets
    with WeightFile(folder / WEIGHTS) as file:
        targets = _export_prefill(gpt, folder, file)
        _export_step(gpt, folder, file)
    return targets


def _export_prefill(gpt: GPT, folder: Path, file: WeightFile | None) -> list[str]:
    c = gpt.config
    phones, prompt = torch.arange(9)[None] % c.phoneme_vocab_size, torch.zeros(1, 2, dtype=torch.int64)
    outputs = ["logits", "keys", "values"] + ["pointer", "state"] * bool(c.pointer_window)
    axes = {"phones": {1: "phones"}, "features": {1: "phones"}, "prompt": {1: "prompt"}}
    axes |= {"keys": {3: "rows"}, "values": {3: "rows"}}
    if c.pointer_window:
        axes["state"] = {1: "phones"}
    module = (_PointedPrefill if c.pointer_window else _Prefill)(gpt)
    example = (phones, torch.zeros(1, 9, c.feature_dim), prompt)
    return _write(module, example, folder / "gpt_prefill.onnx", ("phones", "features", "prompt"), outputs, axes, file)


def _export_step(gpt: GPT, folder: Path, file: WeightFile | None) -> list[str]:
    c = gpt.config
    past = [f"past_{kind}_{i}" for i in range(c.n_layer) for kind in ("key", "value")]
    present = [name.replace("past", "present") for name in past]
    inputs = ["token", "position", "seqlens_k", "total_length", *past]
    outputs = ["logits", *present]
    axes = {name: {2: "buffer"} for name in (*past, *present)}
    example = [torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, dtype=torch.int64)]
    example += [torch.tensor([n], dtype=torch.int32) for n in (10, 11)]
    example += [torch.zeros(1, c.head, 32, c.hidden_dim // c.head) for _ in past]
    if c.pointer_window:
        inputs += ["pointer", "state"]
        outputs.insert(1, "next_pointer")
        axes["state"] = {1: "phones"}
        example += [torch.zeros(1, dtype=torch.int64), torch.zeros(1, 9, c.hidden_dim)]
    return _write(_Step(gpt), tuple(example), folder / "gpt_step.onnx", inputs, outputs, axes, file)


def _write(
    module: _Wrapper, example: tuple[Tensor, ...], path: Path, inputs: Sequence[str], outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]], file: WeightFile | None,
) -> list[str]:  # fmt: skip
    model = trace(module, example, inputs, outputs, axes, weights=False)
    fill_in(model, dict(module.gpt.named_parameters()), "gpt.", file)
    targets = add_adapters(model)
    onnx.save(model, str(path))
    return targets
