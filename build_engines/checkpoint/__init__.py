"""Safe reading of GPT-SoVITS checkpoints: an untrusted file goes in, checked dimensions and tensors come out.

Nothing in a file is ever called, unpacked or believed: zip directory, pickle, tensor views, settings and values are
each checked before the next is looked at. numpy does the reading; torch.load has no part in it.
"""

from build_engines.checkpoint.errors import CheckpointError
from build_engines.checkpoint.identify import Facts, identify
from build_engines.checkpoint.opened import GptCheckpoint, SovitsCheckpoint, open_gpt, open_sovits

__all__ = [
    "CheckpointError",
    "Facts",
    "GptCheckpoint",
    "SovitsCheckpoint",
    "identify",
    "open_gpt",
    "open_sovits",
]
