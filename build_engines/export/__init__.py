"""PyTorch modules → the float graphs of a bundle (docs/bundle.md has their inputs and outputs) and their weights."""

from build_engines.export.distilled import export_decoder
from build_engines.export.gpt import export_gpt
from build_engines.export.sovits import export_enrollment, export_sovits

__all__ = ["export_decoder", "export_enrollment", "export_gpt", "export_sovits"]
