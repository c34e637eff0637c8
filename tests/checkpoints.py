"""GPT-SoVITS checkpoints of random weights, written as that program writes them: fp16 in a torch zip, `utils.HParams`
for the acoustic model's settings, the version in the first two bytes of Pro files.

At their default dimensions they are as large as real ones (155, 85, 135 and 173 MB); SMALL_GPT and SMALL_SOVITS make
them quick. Weights are scaled by fan-in, so that activations, logits and sound keep a sane size.
"""

from __future__ import annotations

import contextlib
import math
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from build_engines.checkpoint.layout import gpt_shapes, sovits_shapes
from build_engines.models.sovits.config import SovitsConfig

__all__ = [
    "SMALL_GPT",
    "SMALL_SOVITS",
    "VERSIONS",
    "hparams",
    "sovits_config",
    "utils_module",
    "write_gpt",
    "write_sovits",
]

VERSIONS = ("v1", "v2", "v2Pro", "v2ProPlus")
SMALL_GPT: dict[str, Any] = {"hidden_dim": 32, "head": 2, "n_layer": 2}
# Widths that the program fixes keep a small acoustic model at about 30 MB.
SMALL_SOVITS: dict[str, Any] = {
    "inter_channels": 32, "filter_channels": 64, "n_layers": 2, "upsample_initial_channel": 64,
}  # fmt: skip

_TAGS = {"v2Pro": b"05", "v2ProPlus": b"06"}


def write_gpt(path: Path, version: str = "v2", seed: int = 0, **dims: Any) -> Path:
    """A GPT ("s1") of any version; `dims`: hidden_dim, head, n_layer, vocab_size, max_sec, top_k. Returns the path."""
    size = {"vocab_size": 1025, "hidden_dim": 512, "head": 16, "n_layer": 24, "max_sec": 54, "top_k": 15, **dims}
    if unknown := size.keys() - {"vocab_size", "hidden_dim", "head", "n_layer", "max_sec", "top_k"}:
        raise TypeError(f"write_gpt takes no {', '.join(sorted(unknown))}")
    phonemes = 512 if version == "v1" else 732
    shapes = gpt_shapes(
        vocab_size=size["vocab_size"], phoneme_vocab_size=phonemes,
        hidden_dim=size["hidden_dim"], n_layer=size["n_layer"],
    )  # fmt: skip
    width = size["hidden_dim"]
    config = {
        "train": {"seed": 1234, "epochs": 15, "precision": "16-mixed", "if_save_latest": True, "exp_name": "random"},
        "data": {"max_eval_sample": 8, "max_sec": size["max_sec"], "num_workers": 4, "pad_val": 1024},
        "model": {
            "vocab_size": size["vocab_size"], "phoneme_vocab_size": phonemes, "embedding_dim": width,
            "hidden_dim": width, "head": size["head"], "linear_units": 4 * width, "n_layer": size["n_layer"],
            "dropout": 0, "EOS": size["vocab_size"] - 1, "random_bert": 0,
        },
        "inference": {"top_k": size["top_k"]},
    }  # fmt: skip
    random = np.random.Generator(np.random.Philox(seed))
    weight = OrderedDict((f"model.{name}", _half(_gpt_tensor(name, shape, random))) for name, shape in shapes.items())
    _give_an_end(weight, size["n_layer"])
    torch.save(OrderedDict(weight=weight, config=config, info="GPT-e15"), path)
    return path


def _give_an_end(weight: dict[str, torch.Tensor], layers: int) -> None:
    """A steady logit of 7.5 for the end: the penalty on tokens that were drawn makes it the best after a while.

    Hidden states of random layers hardly change from step to step, so a random end would come at once or never.
    """
    offset = 0.1
    weight[f"model.h.layers.{layers - 1}.norm2.bias"].fill_(offset)
    row = weight["model.ar_predict_layer.weight"][-1]
    row.fill_(7.5 / (offset * len(row)))


def write_sovits(path: Path, version: str = "v2", seed: int = 0, **dims: Any) -> Path:
    """An acoustic model ("s2"); `dims` are fields of SovitsConfig. Returns the path."""
    config = sovits_config(version, **dims)
    random = np.random.Generator(np.random.Philox(seed))
    weight: dict[str, torch.Tensor] = {}
    for name, shape in sovits_shapes(config).items():
        if not name.endswith("weight_g"):
            weight[name] = _half(_sovits_tensor(name, shape, config, random))
        if name.endswith("weight_v"):
            weight[f"{name[:-1]}g"] = _norm(weight[name])
    with utils_module() as program, path.open("wb") as file:
        settings = hparams(_sovits_settings(config), program)
        torch.save(OrderedDict(weight=weight, config=settings, info="8epoch_96iteration"), file)
        if version in _TAGS:
            file.seek(0)
            file.write(_TAGS[version])
    return path


def sovits_config(version: str = "v2", **dims: Any) -> SovitsConfig:
    """A version's real dimensions, changed by `dims`."""
    config = SovitsConfig(version=version)
    if version == "v1":
        config = replace(config, symbols=322, reference_bins=1025)
    if version == "v2ProPlus":
        config = replace(config, upsample_initial_channel=768, upsample_kernel_sizes=(20, 16, 8, 2, 2))
    if config.pro:
        config = replace(config, gin_channels=1024)
    return replace(config, **dims)


def hparams(settings: dict[str, Any], program: types.ModuleType) -> Any:
    """Nested `utils.HParams`, which keep their settings as attributes."""
    made = program.HParams()
    for key, value in settings.items():
        setattr(made, key, hparams(value, program) if isinstance(value, dict) else value)
    return made


@contextlib.contextmanager
def utils_module() -> Iterator[types.ModuleType]:
    """A module `utils` with a class HParams, there for as long as pickle looks for it."""
    module = types.ModuleType("utils")
    module.HParams = type("HParams", (), {"__module__": "utils"})  # type: ignore[attr-defined]
    before = sys.modules.get("utils")
    sys.modules["utils"] = module
    try:
        yield module
    finally:
        del sys.modules["utils"]
        if before is not None:
            sys.modules["utils"] = before


def _sovits_settings(config: SovitsConfig) -> dict[str, Any]:
    model = {
        "inter_channels": config.inter_channels, "hidden_channels": config.hidden_channels,
        "filter_channels": config.filter_channels, "n_heads": config.n_heads, "n_layers": config.n_layers,
        "kernel_size": config.kernel_size, "p_dropout": 0.1, "resblock": "1",
        "resblock_kernel_sizes": list(config.resblock_kernel_sizes),
        "resblock_dilation_sizes": [list(sizes) for sizes in config.resblock_dilation_sizes],
        "upsample_rates": list(config.upsample_rates), "upsample_initial_channel": config.upsample_initial_channel,
        "upsample_kernel_sizes": list(config.upsample_kernel_sizes), "n_layers_q": 3, "use_spectral_norm": False,
        "gin_channels": config.gin_channels, "semantic_frame_rate": "25hz", "freeze_quantizer": True,
    }  # fmt: skip
    if config.version != "v1":  # files of that time say nothing
        model["version"] = config.version
    data = {
        "max_wav_value": 32768.0, "sampling_rate": config.sampling_rate, "filter_length": config.filter_length,
        "hop_length": config.hop_length, "win_length": config.win_length, "n_mel_channels": 128, "mel_fmin": 0.0,
        "mel_fmax": None, "add_blank": True, "n_speakers": 300, "cleaned_text": True,
    }  # fmt: skip
    return {"train": {"seed": 1234, "epochs": 8, "betas": [0.8, 0.99]}, "data": data, "model": model, "name": "random"}


def _gpt_tensor(name: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    if name.endswith("alpha"):
        return np.full(shape, 1.0 + 0.2 * random.standard_normal(), np.float32)
    if len(shape) == 1:
        return _near_identity(name, shape, random)
    scale = 0.5 if "embedding" in name else 1.0 / math.sqrt(shape[1])
    if name.startswith("ar_predict_layer"):
        scale *= 3.0  # logits of rms 3
    elif "linear1" in name:
        scale *= math.sqrt(2.0)
    return scale * _normal(shape, random)


def _sovits_tensor(
    name: str, shape: tuple[int, ...], config: SovitsConfig, random: np.random.Generator
) -> np.ndarray:  # fmt: skip
    if name.endswith(".inited"):
        return np.ones(shape, np.float32)
    if name.endswith(".cluster_size"):
        return 1.0 + random.random(shape, dtype=np.float32)
    if name == "prelu.weight":
        return 0.25 + 0.05 * _normal(shape, random)
    if name == "enc_p.proj.bias":  # the second half is the logarithm of the noise's deviation
        return np.where(np.arange(shape[0]) < config.inter_channels, 0.0, -1.0) + 0.1 * _normal(shape, random)
    if len(shape) == 1:
        return _near_identity(name, shape, random)
    if "embedding" in name or "_codebook" in name:
        return _normal(shape, random)
    if "emb_rel" in name:
        return _normal(shape, random) / math.sqrt(shape[2])
    fan_in = math.prod(shape[1:])
    if name.startswith("dec.ups"):
        up = int(name.split(".")[2])
        fan_in = shape[0] * shape[2] // config.upsample_rates[up]
    weight = _gain(name) / math.sqrt(fan_in) * _normal(shape, random)
    if name == "enc_p.proj.weight":
        weight[config.inter_channels :] *= 0.2
    return weight


def _gain(name: str) -> float:
    """What keeps the signal's size through leaky rectifiers and residual sums, and the last sound's rms near 0.2."""
    if name == "dec.conv_post.weight":
        return 0.1
    if name.startswith(("dec.ups", "dec.resblocks")):
        return 0.4 if ".convs2." in name else 1.4
    if name.startswith("flow") and ".post." in name:
        return 0.3
    return 1.0


def _near_identity(name: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    """Scales of norms near 1, biases near 0."""
    scale = name.endswith((".gamma", "norm1.weight", "norm2.weight"))
    return float(scale) + 0.1 * _normal(shape, random)


def _normal(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    return random.standard_normal(shape, dtype=np.float32)


def _half(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.astype(np.float16))


def _norm(weight_v: torch.Tensor) -> torch.Tensor:
    """The norm over all but dimension 0, as weight norm stores it."""
    flat = weight_v.float().flatten(1).norm(dim=1)
    return flat.reshape(-1, *(1 for _ in weight_v.shape[1:])).half()
