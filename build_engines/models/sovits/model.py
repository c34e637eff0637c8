"""GPT-SoVITS's acoustic model ("s2") for v1, v2, v2Pro and v2ProPlus: inference only.

`Sovits` has one method per graph of a bundle (docs/bundle.md). What depends on the speaker alone is a method of its
own, so that the others get it as one vector.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from build_engines.errors import BuildError
from build_engines.models.sovits.config import SovitsConfig
from build_engines.models.sovits.flow import Flow
from build_engines.models.sovits.generator import Generator
from build_engines.models.sovits.quantizer import FEATURES, Quantizer
from build_engines.models.sovits.reference import ReferenceEncoder
from build_engines.models.sovits.text_encoder import MIXER_WIDTH, TextEncoder

__all__ = ["SPEAKER_VECTOR", "Sovits", "fold", "load_sovits"]

SPEAKER_VECTOR = 20_480


class Checkpoint(Protocol):
    """What `load_sovits` needs of a checkpoint."""

    @property
    def config(self) -> SovitsConfig: ...

    @property
    def names(self) -> Sequence[str]: ...

    def tensor(self, name: str) -> NDArray[np.float32]: ...


class Sovits(nn.Module):
    """The whole model; parameter names are those of a checkpoint after its weight norm is folded. Batch size 1."""

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        self.config = config
        self.ref_enc = ReferenceEncoder(config.reference_bins, config.gin_channels)
        self.ssl_proj = nn.Conv1d(FEATURES, FEATURES, 2, stride=2)
        self.quantizer = Quantizer()
        self.enc_p = TextEncoder(config)
        self.flow = Flow(config)
        self.dec = Generator(config)
        if config.pro:
            self.sv_emb = nn.Linear(SPEAKER_VECTOR, config.gin_channels)
            self.ge_to512 = nn.Linear(config.gin_channels, MIXER_WIDTH)
            self.prelu = nn.PReLU(config.gin_channels)

    def semantic(self, ssl: Tensor) -> Tensor:
        """HuBERT's features [1, 768, T50] to semantic tokens int64 [1, T50 // 2]."""
        return self.quantizer.encode(self.ssl_proj(ssl))

    def reference(self, spectrum: Tensor, speaker_vector: Tensor | None = None) -> Tensor:
        """Magnitude spectrogram [1, 1025, T] and, for Pro, the speaker vector [1, 20480] to ge [1, G].

        Several references: the mean of their ge.
        """
        ge: Tensor = self.ref_enc(spectrum[:, : self.config.reference_bins])
        if speaker_vector is None:
            return ge
        return self.prelu(ge + self.sv_emb(speaker_vector))  # type: ignore[no-any-return]

    def condition(self, ge: Tensor) -> tuple[Tensor, Tensor]:
        """ge [1, G] to what it adds inside `latents`, [1, hidden + 4 · 8 hidden], and `vocoder`, [1, channels]."""
        mixed = self.ge_to512(ge) if self.config.pro else ge
        latents = torch.cat([self.enc_p.mrte.share(mixed), self.flow.condition(ge)], dim=1)
        return latents, self.dec.cond(ge[:, :, None])[:, :, 0]

    def table(self) -> Tensor:
        """Every semantic token as the text encoder hears it, [codes, hidden]."""
        return self.enc_p.table(self.quantizer.entries)

    def latents(
        self, codes: Tensor, phones: Tensor, condition: Tensor, frames: Tensor, noise: Tensor, table: Tensor
    ) -> Tensor:
        """codes int64 [1, T], phones int64 [1, P], condition and table from the methods of that name, frames int64
        [1], noise [1, inter_channels, frames] (already scaled) to the generator's latent [1, inter_channels, frames].
        """
        speech = table[codes]
        hidden = self.config.hidden_channels
        speech = torch.stack([speech, speech], dim=2).reshape(1, -1, hidden).transpose(1, 2)
        share, flow_condition = torch.split(condition, [hidden, self.flow.condition_size], dim=1)
        mean, log_deviation = self.enc_p(speech, phones, share, frames)
        return self.flow(mean + noise * torch.exp(log_deviation), flow_condition)  # type: ignore[no-any-return]

    def vocoder(self, z: Tensor, condition: Tensor) -> Tensor:
        """Latent [1, inter_channels, F] and condition [1, channels] to samples [1, F * hop_length]."""
        return self.dec(z, condition[:, :, None])[:, 0]  # type: ignore[no-any-return]


def fold(direction: Tensor, length: Tensor, name: str) -> Tensor:
    """The weight that weight norm stands for: rows of ``direction`` (``weight_v``) scaled to ``length`` (``weight_g``).

    Both float32; a row is everything but the first axis. Raises BuildError: a row is all zero and has no direction.
    """
    norm = direction.flatten(1).norm(dim=1).reshape(length.shape)
    if not norm.all():
        row = int((norm.flatten() == 0).nonzero()[0])
        raise BuildError(f"the checkpoint's {name}_v is all zero in row {row}: use another checkpoint")
    return direction.mul(length / norm)


def load_sovits(checkpoint: Checkpoint) -> Sovits:
    """The model with a checkpoint's weights. What inference doesn't need (``enc_q`` and the like) is not read.

    Raises BuildError: a tensor is missing, has another shape than the config says, or can't be folded.
    """
    with torch.device("meta"):
        model = Sovits(checkpoint.config)
    state = dict(_weights(checkpoint, {name: value.shape for name, value in model.state_dict().items()}))
    model.load_state_dict(state, strict=True, assign=True)
    return model.requires_grad_(False).eval()


def _weights(checkpoint: Checkpoint, shapes: dict[str, torch.Size]) -> Iterator[tuple[str, Tensor]]:
    names = frozenset(checkpoint.names)
    for name, shape in shapes.items():
        parts = (f"{name}_v", f"{name}_g") if f"{name}_v" in names else (name,)
        for part in parts:
            if part not in names:
                raise BuildError(f"the checkpoint has no tensor {part}: use another checkpoint")
        tensors = [torch.from_numpy(checkpoint.tensor(part)) for part in parts]
        value = tensors[0] if len(tensors) == 1 else fold(tensors[0], tensors[1], name)
        if value.shape != shape:
            found, wanted = list(value.shape), list(shape)
            raise BuildError(f"the checkpoint's {name} has the shape {found}, its config says {wanted}")
        yield name, value
