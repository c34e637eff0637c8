"""GPT-SoVITS's acoustic model → the graphs of a bundle and of its enrolment (docs/bundle.md).

Each graph's weights lie beside it in ``<graph>.weights``, under the names of the checkpoint. They are written from the
model's own memory: a full-size model is never copied.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from build_engines.export.graph import trace
from build_engines.export.weights import WeightFile, fill_in
from build_engines.models.sovits.generator import Generator
from build_engines.models.sovits.model import SPEAKER_VECTOR, Sovits
from build_engines.models.sovits.quantizer import FEATURES

__all__ = ["export_enrollment", "export_sovits"]

_PREFIX = "model."  # that the modules below put before the checkpoint's names


class _Semantic(nn.Module):
    def __init__(self, model: Sovits) -> None:
        super().__init__()
        self.model = model

    def forward(self, ssl: Tensor) -> Tensor:
        return self.model.semantic(ssl)


class _Reference(nn.Module):
    def __init__(self, model: Sovits) -> None:
        super().__init__()
        self.model = model

    def forward(self, spectrum: Tensor, speaker_vector: Tensor | None = None) -> Tensor:
        return self.model.reference(spectrum, speaker_vector)


class _Condition(nn.Module):
    def __init__(self, model: Sovits) -> None:
        super().__init__()
        self.model = model

    def forward(self, ge: Tensor) -> tuple[Tensor, Tensor]:
        return self.model.condition(ge)


class _Latents(nn.Module):
    """With the table of tokens as a weight: it takes the place of the codebook and of a convolution."""

    table: Tensor

    def __init__(self, model: Sovits) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("table", model.table())

    def forward(self, codes: Tensor, phones: Tensor, condition: Tensor, frames: Tensor, noise: Tensor) -> Tensor:
        return self.model.latents(codes, phones, condition, frames, noise, self.table)


class _Vocoder(nn.Module):
    """With its convolutions over images of height 1.

    The numbers are the same; ONNX Runtime, which has blocked kernels for two dimensions only, takes 0.8 of the time.
    """

    def __init__(self, model: Sovits) -> None:
        super().__init__()
        # A copy of the modules that shares every weight.
        self.dec: Generator = copy.deepcopy(model.dec, {id(weight): weight for weight in model.parameters()})
        _add_height(self.dec)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return self.dec(z[:, :, None], condition[:, :, None, None])[:, 0, 0]  # type: ignore[no-any-return]


def _add_height(module: nn.Module) -> None:
    """Replaces all one-dimensional convolutions inside the module; the new weights are views of the old ones."""
    kinds = {nn.Conv1d: nn.Conv2d, nn.ConvTranspose1d: nn.ConvTranspose2d}
    for name, child in module.named_children():
        if not isinstance(child, nn.Conv1d | nn.ConvTranspose1d):
            _add_height(child)
            continue
        flat = kinds[type(child)](
            child.in_channels, child.out_channels, (1, *child.kernel_size), (1, *child.stride), (0, *_sides(child)),
            dilation=(1, *child.dilation), bias=child.bias is not None, device="meta",
        )  # fmt: skip
        flat.weight = nn.Parameter(child.weight[:, :, None], requires_grad=False)
        flat.bias = child.bias
        setattr(module, name, flat)


def _sides(convolution: nn.Conv1d | nn.ConvTranspose1d) -> tuple[int, ...]:
    padding = convolution.padding
    assert isinstance(padding, tuple)
    return padding


def export_sovits(model: Sovits, folder: Path) -> None:
    """Writes what speaks: ``latents.onnx`` and ``vocoder.onnx``, each with its ``.weights``."""
    config = model.config
    folder.mkdir(parents=True, exist_ok=True)
    tokens, frames = 6, 12
    latents_condition, vocoder_condition = model.condition(torch.zeros(1, config.gin_channels))
    z = torch.zeros(1, config.inter_channels, frames)
    _write(
        _Latents(model),
        (torch.arange(tokens)[None], torch.arange(5)[None], latents_condition, torch.tensor([frames]), z),
        folder / "latents.onnx", ("codes", "phones", "condition", "frames", "noise"), ("z",),
        {"codes": {1: "tokens"}, "phones": {1: "phones"}, "noise": {2: "frames"}, "z": {2: "frames"}},
    )  # fmt: skip
    _write(
        _Vocoder(model), (z, vocoder_condition), folder / "vocoder.onnx", ("z", "condition"), ("audio",),
        {"z": {2: "frames"}, "audio": {1: "samples"}},
    )  # fmt: skip


def export_enrollment(model: Sovits, folder: Path) -> None:
    """Writes what a speaker's tokens are made with, ``semantic.onnx``, ``reference.onnx`` and ``condition.onnx``, each
    with its ``.weights``.
    """
    config = model.config
    folder.mkdir(parents=True, exist_ok=True)
    frames = 12
    _write(
        _Semantic(model), (torch.zeros(1, FEATURES, frames),), folder / "semantic.onnx", ("ssl",), ("codes",),
        {"ssl": {2: "frames"}, "codes": {1: "tokens"}},
    )  # fmt: skip
    inputs = {"spectrum": torch.zeros(1, config.filter_length // 2 + 1, frames)}
    if config.pro:
        inputs["speaker_vector"] = torch.zeros(1, SPEAKER_VECTOR)
    _write(
        _Reference(model), tuple(inputs.values()), folder / "reference.onnx", tuple(inputs), ("ge",),
        {"spectrum": {2: "frames"}},
    )  # fmt: skip
    _write(
        _Condition(model), (torch.zeros(1, config.gin_channels),), folder / "condition.onnx", ("ge",),
        ("latents_condition", "vocoder_condition"), {},
    )  # fmt: skip


def _write(
    module: nn.Module, example: tuple[Tensor, ...], path: Path, inputs: Sequence[str], outputs: Sequence[str],
    axes: Mapping[str, Mapping[int, str]],
) -> None:  # fmt: skip
    graph = trace(module, example, inputs, outputs, axes, weights=False)
    weights = {name.removeprefix(_PREFIX): weight for name, weight in module.state_dict().items()}
    with WeightFile(path.with_suffix(".weights")) as file:
        fill_in(graph, weights, _PREFIX, file)
    onnx.save(graph, str(path))
