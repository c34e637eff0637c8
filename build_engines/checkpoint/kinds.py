"""Which of GPT-SoVITS's two models a checkpoint holds, by the names of its tensors."""

from __future__ import annotations

from build_engines.checkpoint.errors import CheckpointError, show
from build_engines.checkpoint.file import CheckpointFile

__all__ = ["GPT", "SOVITS", "kind_of"]

GPT = "gpt"
SOVITS = "sovits"

_PARTS = {
    GPT: ("model.ar_", "model.bert_proj.", "model.h."),
    SOVITS: ("enc_p.", "dec.", "flow.", "ref_enc.", "quantizer.", "cfm."),
}


def kind_of(file: CheckpointFile) -> str:
    """GPT or SOVITS. Raises CheckpointError: neither."""
    for kind, parts in _PARTS.items():
        if any(name.startswith(parts) for name in file.tensors):
            return kind
    first = next(iter(file.tensors), None)
    said = "it holds no tensors" if first is None else f"its tensors ({show(first)} ...) belong to neither of them"
    raise CheckpointError(f"neither a GPT nor a SoVITS model: {said}")
