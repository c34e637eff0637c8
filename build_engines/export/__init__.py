"""PyTorch modules → the graphs of a bundle (docs/bundle.md has their inputs and outputs)."""

from build_engines.export.distilled import export_decoder
from build_engines.export.gpt import export_gpt

__all__ = ["export_decoder", "export_gpt"]
