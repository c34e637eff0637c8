"""Acoustic checkpoints ("s2", .pth): dimensions and version.

The version is read off the tensors: the file's name and size say nothing, its settings may say nothing, and the first
two bytes are lost when somebody saves the file again. Where they say something, they must agree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from build_engines.checkpoint.errors import CheckpointError, show
from build_engines.checkpoint.examination import Examination, compare
from build_engines.checkpoint.file import CheckpointFile
from build_engines.checkpoint.header import tag_version
from build_engines.checkpoint.layout import sovits_shapes
from build_engines.checkpoint.settings import Section
from build_engines.models.sovits.config import SovitsConfig

__all__ = ["examine_sovits"]

_TEXT_TABLE = "enc_p.text_embedding.weight"
_FIRST_UPSAMPLING = "dec.ups.0.weight_v"
_SYMBOLS = {"v1": 322, "v2": 732, "v2Pro": 732, "v2ProPlus": 732}
_PRO_PARTS = ("sv_emb.", "ge_to512.", "prelu.")
_PLUS_KERNEL = 20  # of the first upsampling; v2Pro's is 16
_LATER_PARTS = ("cfm.", "bridge.", "wns1.", "linear_mel.")
_FRAME_RATE_HZ = 50
_PLAIN_GIN = 512  # added to the text/speech cross-attention's output, which is that wide


def examine_sovits(file: CheckpointFile) -> Examination[SovitsConfig]:
    """Settings, tag and tensors of an acoustic model against each other."""
    if (later := _later_version(file)) is not None:
        line = f"this is a {later} model; only v1, v2, v2Pro and v2ProPlus can be imported"
        return Examination(later, None, {}, (), (), (line,))
    problems, version, config, shapes = [], None, None, {}
    try:
        version = _version(file)
        config = _dimensions(file.settings, version)
        shapes = sovits_shapes(config)
    except CheckpointError as error:
        problems.append(str(error))
    tagged = tag_version(file.tag)
    if version is not None and tagged not in (None, version):
        problems.append(f"its first bytes {file.tag!r} say {tagged}, its tensors are those of {version}")
    return compare(file, version, config, shapes, problems)


def _later_version(file: CheckpointFile) -> str | None:
    """ "v3", "v4 LoRA" and the like, for a model with another architecture."""
    adapted = file.lora_rank is not None or any(".lora_" in name for name in file.tensors)
    if not adapted and not any(name.startswith(_LATER_PARTS) for name in file.tensors):
        return None
    said = tag_version(file.tag) or _claimed(file)
    if said is None or not said.startswith(("v3", "v4")):
        said = "v3 or v4"
    return f"{said} LoRA" if adapted and "LoRA" not in said else said


def _claimed(file: CheckpointFile) -> str | None:
    """The version that the settings state."""
    model = file.settings.get("model")
    said = model.get("version") if isinstance(model, dict) else None
    return said if isinstance(said, str) and said in (*_SYMBOLS, "v3", "v4") else None


def _version(file: CheckpointFile) -> str:
    """By the tensors; where those that tell are missing, what tag or settings claim (so that they can be missed)."""
    claimed = tag_version(file.tag) or _claimed(file)
    table = file.tensors.get(_TEXT_TABLE)
    symbols = table.shape[0] if table is not None and table.shape else _SYMBOLS.get(claimed or "", _SYMBOLS["v2"])
    if symbols == _SYMBOLS["v1"]:
        return "v1"
    if symbols != _SYMBOLS["v2"]:
        raise CheckpointError(f"its text embedding has {show(symbols)} symbols; v1 has 322, v2 and later 732")
    pro = claimed if claimed in ("v2Pro", "v2ProPlus") else None
    if pro is None and not any(name.startswith(_PRO_PARTS) for name in file.tensors):
        return "v2"
    first = file.tensors.get(_FIRST_UPSAMPLING)
    if first is None or not first.shape:
        return pro or "v2Pro"
    return "v2ProPlus" if first.shape[-1] == _PLUS_KERNEL else "v2Pro"


def _dimensions(settings: Mapping[str, object], version: str) -> SovitsConfig:
    """Raises CheckpointError: a setting is missing, absurd or at odds with another."""
    model, data = Section(settings, "model"), Section(settings, "data")
    model.expect("resblock", "1")
    kernels = model.wholes("resblock_kernel_sizes", 1, 31, 8)
    config = SovitsConfig(
        version=version,
        symbols=_SYMBOLS[version],
        inter_channels=model.whole("inter_channels", 2, 2048),
        hidden_channels=model.whole("hidden_channels", 2, 2048),
        filter_channels=model.whole("filter_channels", 1, 8192),
        n_heads=model.whole("n_heads", 1, 64),
        n_layers=model.whole("n_layers", 2, 64),
        kernel_size=model.whole("kernel_size", 1, 31),
        resblock_kernel_sizes=kernels,
        resblock_dilation_sizes=model.rows("resblock_dilation_sizes", 1, 64, 3, 8),
        upsample_rates=model.wholes("upsample_rates", 1, 64, 8),
        upsample_initial_channel=model.whole("upsample_initial_channel", 2, 4096),
        upsample_kernel_sizes=model.wholes("upsample_kernel_sizes", 1, 128, 8),
        gin_channels=model.whole("gin_channels", 1, 8192),
        sampling_rate=data.whole("sampling_rate", 8000, 192_000),
        filter_length=data.whole("filter_length", 64, 16_384),
        hop_length=data.whole("hop_length", 1, 8192),
        win_length=data.whole("win_length", 64, 16_384),
        reference_bins=data.whole("filter_length", 64, 16_384) // 2 + 1 if version == "v1" else 704,
    )
    if (fault := _fault(config)) is not None:
        raise CheckpointError(f"its config makes no sense: {fault}")
    return config


def _fault(config: SovitsConfig) -> str | None:
    """Why no model can have these dimensions."""
    rates, ups = config.upsample_rates, config.upsample_kernel_sizes
    if config.hidden_channels % config.n_heads or config.inter_channels % 2:
        return f"{config.hidden_channels} hidden channels for {config.n_heads} heads, {config.inter_channels} latents"
    if len(config.resblock_dilation_sizes) != len(config.resblock_kernel_sizes):
        return "residual blocks with as many kernels as dilations are needed"
    if any(kernel % 2 == 0 for kernel in (*config.resblock_kernel_sizes, config.kernel_size)):
        return "a convolution with an even kernel"
    if len(rates) != len(ups) or any(up < rate or (up - rate) % 2 for rate, up in zip(rates, ups, strict=False)):
        return f"upsampling by {list(rates)} with kernels {list(ups)}"
    if config.upsample_initial_channel >> len(rates) < 1:
        return f"{config.upsample_initial_channel} channels can't be halved {len(rates)} times"
    if math.prod(rates) != config.hop_length or config.hop_length * _FRAME_RATE_HZ != config.sampling_rate:
        return f"{config.sampling_rate} Hz, a hop of {config.hop_length} and upsampling by {math.prod(rates)}"
    if config.win_length > config.filter_length or config.filter_length // 2 + 1 < config.reference_bins:
        return f"a spectrum of {config.filter_length // 2 + 1} bins, {config.reference_bins} wanted"
    if not config.pro and config.gin_channels != _PLAIN_GIN:
        return f"a speaker embedding of {config.gin_channels}; {config.version} needs {_PLAIN_GIN}"
    return None
