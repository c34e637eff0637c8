"""Semantic tokens: the codebook that HuBERT features are rounded to, 1024 entries of 768 values at 25 Hz."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["CODES", "FEATURES", "Quantizer"]

CODES = 1024
FEATURES = 768


class _Codebook(nn.Module):
    embed: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("embed", torch.zeros(CODES, FEATURES))


class _Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self._codebook = _Codebook()


class _Layers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([_Layer()])


class Quantizer(nn.Module):
    """One codebook, under the name that the checkpoint gives it: ``vq.layers.0._codebook.embed``."""

    def __init__(self) -> None:
        super().__init__()
        self.vq = _Layers()

    @property
    def entries(self) -> Tensor:
        """The codebook, [codes, features]."""
        codebook = self.get_submodule("vq.layers.0._codebook")
        assert isinstance(codebook, _Codebook)
        return codebook.embed

    def encode(self, features: Tensor) -> Tensor:
        """Features [1, 768, T] to the nearest entries by Euclidean distance, int64 [1, T].

        In double precision, so that rounding can't choose between two entries: every engine gives the same tokens.
        """
        entries = self.entries.double()
        products = features.transpose(1, 2).double() @ entries.transpose(0, 1)
        return torch.argmin((entries * entries).sum(1) - 2 * products, dim=-1)

    def decode(self, codes: Tensor) -> Tensor:
        """Tokens int64 [1, T] to entries [1, T, 768]."""
        return self.entries[codes]
