"""Dimensions so small that a model of random weights takes no time; widths that GPT-SoVITS fixes stay as they are."""

from dataclasses import replace

from build_engines.models.sovits.config import SovitsConfig

SMALL = SovitsConfig(
    inter_channels=8, hidden_channels=16, filter_channels=24, n_layers=2, upsample_initial_channel=32, symbols=30,
    reference_bins=40, filter_length=128,
)  # fmt: skip
PRO = replace(SMALL, version="v2Pro", gin_channels=24)
