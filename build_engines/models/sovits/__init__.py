"""GPT-SoVITS's acoustic model ("s2"): reference encoder, quantizer, text encoder, flow, generator.

Torch modules with the parameter names of the checkpoints; what goes in and out of each is in its docstring.
"""

from build_engines.models.sovits.config import SovitsConfig
from build_engines.models.sovits.generator import vocoder_context_frames
from build_engines.models.sovits.model import Sovits, load_sovits

__all__ = ["Sovits", "SovitsConfig", "load_sovits", "vocoder_context_frames"]
