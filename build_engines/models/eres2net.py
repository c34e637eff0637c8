"""ERes2NetV2, the speaker-verification network that v2Pro voices hear a reference with (Chen et al. 2024, 3D-Speaker).

A residual network over the picture [mel, time] of a recording. A block splits its channels into four groups which are
convolved one after the other, each with the group before added (*Res2*); in the later stages an attention decides how
much of each is taken (*AFF*). GPT-SoVITS takes the map before pooling, averaged over time. Parameters go by the names
of the checkpoint `pretrained_eres2netv2w24s4ep4.ckpt`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from build_engines.errors import BuildError
from build_engines.importing.tensor_files import read_tensors
from build_engines.models.fbank import MEL_BINS, fbank, frame_count

__all__ = ["ERes2NetConfig", "ERes2NetV2", "load_eres2net", "speaker_vector"]

_ADVICE = "put pretrained_eres2netv2w24s4ep4.ckpt there, from pretrained_models/sv of GPT-SoVITS's downloads"


@dataclass(frozen=True)
class ERes2NetConfig:
    """Dimensions; the defaults are those of GPT-SoVITS's checkpoint ("w24s4ep4")."""

    mel_bins: int = MEL_BINS
    channels: int = 64
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)
    base_width: int = 24
    groups: int = 4
    expansion: int = 4

    @property
    def vector_size(self) -> int:
        """Numbers in a speaker vector: 20480."""
        return self.mel_bins // 8 * self.channels * 8 * self.expansion


class AFF(nn.Module):
    """Attentional feature fusion of two maps [B, C, H, W]: shares 1+a and 1-a, where a in -1..1 depends on both."""

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        inner = channels // reduction
        self.local_att = nn.Sequential(
            nn.Conv2d(2 * channels, inner, 1),
            nn.BatchNorm2d(inner),
            nn.SiLU(),
            nn.Conv2d(inner, channels, 1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        share = torch.tanh(self.local_att(torch.cat([x, y], 1)))
        return x * (1 + share) + y * (1 - share)


class Res2Block(nn.Module):
    """A bottleneck whose middle is a chain over groups of channels; ``fused`` joins the groups by AFF, not by adding.

    The activation is a ReLU that is cut off at 20.
    """

    def __init__(self, c: ERes2NetConfig, inputs: int, planes: int, stride: int, fused: bool) -> None:
        super().__init__()
        self.width = planes * c.base_width // 64
        outputs = planes * c.expansion
        self.conv1 = nn.Conv2d(inputs, self.width * c.groups, 1, stride, bias=False)
        self.bn1 = nn.BatchNorm2d(self.width * c.groups)
        self.convs = nn.ModuleList(nn.Conv2d(self.width, self.width, 3, padding=1, bias=False) for _ in range(c.groups))
        self.bns = nn.ModuleList(nn.BatchNorm2d(self.width) for _ in range(c.groups))
        self.fuse_models = nn.ModuleList(AFF(self.width) for _ in range(c.groups - 1 if fused else 0))
        self.conv3 = nn.Conv2d(self.width * c.groups, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        groups = torch.split(_relu20(self.bn1(self.conv1(x))), self.width, 1)
        made: list[Tensor] = []
        for i, (group, conv, norm) in enumerate(zip(groups, self.convs, self.bns, strict=True)):
            if made:
                group = self.fuse_models[i - 1](made[-1], group) if self.fuse_models else made[-1] + group
            made.append(_relu20(norm(conv(group))))
        return _relu20(self.bn3(self.conv3(torch.cat(made, 1))) + self.shortcut(x))


def _relu20(x: Tensor) -> Tensor:
    return F.hardtanh(x, 0.0, 20.0)


class ERes2NetV2(nn.Module):
    """Log-mel frames [B, T, mels] → speaker vectors [B, vector_size]."""

    def __init__(self, config: ERes2NetConfig | None = None) -> None:
        super().__init__()
        c = self.config = config or ERes2NetConfig()
        self.conv1 = nn.Conv2d(1, c.channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(c.channels)
        planes = [c.channels * 2**stage for stage in range(4)]
        sizes = [c.channels, *(size * c.expansion for size in planes)]
        self.layer1 = _stage(c, sizes[0], planes[0], c.blocks[0], 1, fused=False)
        self.layer2 = _stage(c, sizes[1], planes[1], c.blocks[1], 2, fused=False)
        self.layer3 = _stage(c, sizes[2], planes[2], c.blocks[2], 2, fused=True)
        self.layer4 = _stage(c, sizes[3], planes[3], c.blocks[3], 2, fused=True)
        self.layer3_ds = nn.Conv2d(sizes[3], sizes[4], 3, 2, 1, bias=False)
        self.fuse34 = AFF(sizes[4])

    def forward(self, features: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(features.transpose(1, 2)[:, None])))
        third: Tensor = self.layer3(self.layer2(self.layer1(x)))
        fused: Tensor = self.fuse34(self.layer4(third), self.layer3_ds(third))
        return fused.flatten(1, 2).mean(-1)


def _stage(c: ERes2NetConfig, inputs: int, planes: int, blocks: int, stride: int, *, fused: bool) -> nn.Sequential:
    first = Res2Block(c, inputs, planes, stride, fused)
    rest = (Res2Block(c, planes * c.expansion, planes, 1, fused) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)


def load_eres2net(path: Path, config: ERes2NetConfig | None = None) -> ERes2NetV2:
    """The network with the weights of a checkpoint, ready to listen (eval mode); heads beyond ours are left out.

    Raises BuildError: the file is missing, is no plain dictionary of tensors, or holds another network.
    """
    what = "speaker-verification model"
    state = read_tensors(path, what, _ADVICE)
    with torch.device("meta"):  # names and sizes only: the file has the weights
        model = ERes2NetV2(config)
    counts = {name: torch.zeros(()) for name in model.state_dict() if name.endswith("num_batches_tracked")}
    names = {name: value for name, value in model.state_dict().items() if name not in counts}
    missing = [name for name in names if name not in state]
    if missing:
        count = f"{len(missing)} of {len(names)} tensors"
        raise BuildError(f"{what} {path} is not ERes2NetV2 ({count} are missing, first {missing[0]!r}): {_ADVICE}")
    for name, value in names.items():
        if state[name].shape != value.shape:
            sizes = f"{name!r} is {list(state[name].shape)}, not {list(value.shape)}"
            raise BuildError(f"{what} {path} is another ERes2Net ({sizes}): {_ADVICE}")
    model.load_state_dict(counts | {name: state[name].float() for name in names}, assign=True)
    return model.eval()


def speaker_vector(model: ERes2NetV2, audio_16k: NDArray[np.float32]) -> NDArray[np.float32]:
    """Speaker vector [20480] of mono audio [samples] in -1..1 at 16 kHz. Raises BuildError: shorter than 25 ms."""
    if not frame_count(len(audio_16k)):
        raise BuildError(f"a reference of {len(audio_16k)} samples is too short: give 3 to 10 seconds of speech")
    with torch.no_grad():
        vector: NDArray[np.float32] = model(torch.from_numpy(fbank(audio_16k))[None])[0].numpy()
    return vector
