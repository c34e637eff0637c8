"""Dimensions of a GPT-SoVITS acoustic model, as its checkpoint's config and tensors state them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["SovitsConfig"]


@dataclass(frozen=True)
class SovitsConfig:
    """The defaults are those of v2 (configs/s2.json of RVC-Boss/GPT-SoVITS).

    ``version`` is one of v1, v2, v2Pro, v2ProPlus; ``symbols`` the rows of the text embedding; ``reference_bins`` how
    many bins of the spectrogram the reference encoder looks at. Rates are in hertz, sizes in samples.
    """

    version: str = "v2"
    symbols: int = 732
    reference_bins: int = 704
    inter_channels: int = 192
    hidden_channels: int = 192
    filter_channels: int = 768
    n_heads: int = 2
    n_layers: int = 6
    kernel_size: int = 3
    resblock_kernel_sizes: tuple[int, ...] = (3, 7, 11)
    resblock_dilation_sizes: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    upsample_rates: tuple[int, ...] = (10, 8, 2, 2, 2)
    upsample_initial_channel: int = 512
    upsample_kernel_sizes: tuple[int, ...] = (16, 16, 8, 2, 2)
    gin_channels: int = 512
    sampling_rate: int = 32_000
    filter_length: int = 2048
    hop_length: int = 640
    win_length: int = 2048

    @property
    def pro(self) -> bool:
        """Whether the speaker embedding also hears a speaker-verification vector (v2Pro and v2ProPlus)."""
        return self.version in ("v2Pro", "v2ProPlus")
