"""The flow, from the prior's latent to the generator's: four mean-only coupling layers, run in reverse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn

from build_engines.models.sovits.config import SovitsConfig

__all__ = ["Flow"]

_FLOWS = 4
_LAYERS = 4
_KERNEL = 5


class _WaveNet(nn.Module):
    """Gated convolutions with residual and skip paths ("WN" of WaveGlow, Prenger et al. 2018), no dilation."""

    def __init__(self, channels: int, condition: int) -> None:
        super().__init__()
        self.channels = channels
        self.cond_layer = nn.Conv1d(condition, 2 * channels * _LAYERS, 1)
        self.in_layers = nn.ModuleList(
            nn.Conv1d(channels, 2 * channels, _KERNEL, padding=_KERNEL // 2) for _ in range(_LAYERS)
        )
        # The last layer has no residual path.
        widths = [2 * channels] * (_LAYERS - 1) + [channels]
        self.res_skip_layers = nn.ModuleList(nn.Conv1d(channels, width, 1) for width in widths)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x [1, C, T], condition [1, 8 C] from ``cond_layer``; [1, C, T]."""
        total: Tensor | None = None
        pieces = torch.split(condition[:, :, None], 2 * self.channels, dim=1)
        for i, (gates, paths) in enumerate(zip(self.in_layers, self.res_skip_layers, strict=True)):
            value, gate = torch.split(gates(x) + pieces[i], self.channels, dim=1)
            skip = paths(torch.tanh(value) * torch.sigmoid(gate))
            if i < _LAYERS - 1:
                residual, skip = torch.split(skip, self.channels, dim=1)
                x = x + residual
            total = skip if total is None else total + skip
        return cast(Tensor, total)


class _Coupling(nn.Module):
    """Moves the second half of the channels by what a network makes of the first half."""

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        self.width = config.inter_channels // 2
        self.pre = nn.Conv1d(self.width, config.hidden_channels, 1)
        self.enc = _WaveNet(config.hidden_channels, config.gin_channels)
        self.post = nn.Conv1d(config.hidden_channels, self.width, 1)

    def reverse(self, z: Tensor, condition: Tensor) -> Tensor:
        still, moved = torch.split(z, self.width, dim=1)
        return torch.cat([still, moved - self.post(self.enc(self.pre(still), condition))], dim=1)


class Flow(nn.Module):
    """Coupling layers under even numbers; the odd ones, which the checkpoint counts too, reverse the channels."""

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        self.channels = config.inter_channels
        self.condition_size = _FLOWS * _LAYERS * 2 * config.hidden_channels
        self.flows = nn.ModuleList()
        for _ in range(_FLOWS):
            self.flows.extend([_Coupling(config), nn.Identity()])

    def couplings(self) -> Iterator[_Coupling]:
        return (cast(_Coupling, flow) for flow in self.flows[::2])

    def condition(self, ge: Tensor) -> Tensor:
        """What a speaker's vector [1, G] adds in all coupling layers, [1, 4 · 8 C]: constant per speaker."""
        return torch.cat([coupling.enc.cond_layer(ge[:, :, None])[:, :, 0] for coupling in self.couplings()], dim=1)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        """The prior's latent [1, inter_channels, T] to the generator's; condition from `condition`."""
        pieces = torch.split(condition, self.condition_size // _FLOWS, dim=1)
        backwards = torch.arange(self.channels - 1, -1, -1)
        for coupling, piece in reversed(list(zip(self.couplings(), pieces, strict=True))):
            z = coupling.reverse(z.index_select(1, backwards), piece)
        return z
