"""The prior encoder ("enc_p"): semantic tokens and phones become mean and log-deviation of the latent at 50 Hz."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from build_engines.models.sovits.attention import Attention, Encoder
from build_engines.models.sovits.config import SovitsConfig
from build_engines.models.sovits.quantizer import FEATURES

__all__ = ["MIXER_WIDTH", "TextEncoder", "stretch"]

MIXER_WIDTH = 512
_MIXER_HEADS = 4


def stretch(x: Tensor, frames: Tensor) -> Tensor:
    """Linear interpolation of [1, C, T] to [1, C, frames], frames int64 [1]; with frames == T exactly x.

    What ``F.interpolate(mode="linear", align_corners=False)`` computes, with the length as a tensor: it stays an input
    of an exported graph.
    """
    last = torch.ones_like(x[0, 0], dtype=torch.int64).sum() - 1
    place = torch.arange(frames[0]).float() + 0.5  # type: ignore[call-overload]
    place = torch.clamp(place * ((last + 1).float() / frames[0].float()) - 0.5, min=0)
    before = torch.minimum(place.long(), last)
    after = torch.minimum(before + 1, last)
    share = place - before.float()
    return x.index_select(2, before) * (1 - share) + x.index_select(2, after) * share


class TimbreMixer(nn.Module):
    """Lets the speech rows look at the text ("mrte" in the checkpoint).

    The speaker's vector would be added before the last convolution. That is linear, so the vector's share is computed
    once per speaker (`share`) and added after it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cross_attention = Attention(MIXER_WIDTH, _MIXER_HEADS)
        self.c_pre = nn.Conv1d(channels, MIXER_WIDTH, 1)
        self.text_pre = nn.Conv1d(channels, MIXER_WIDTH, 1)
        self.c_post = nn.Conv1d(MIXER_WIDTH, channels, 1)

    def share(self, speaker: Tensor) -> Tensor:
        """What a speaker's vector [1, 512] adds to every frame, [1, C]."""
        return F.conv1d(speaker[:, :, None], self.c_post.weight)[:, :, 0]

    def forward(self, speech: Tensor, text: Tensor, share: Tensor) -> Tensor:
        """speech [1, C, T], text [1, C, P], share [1, C]; [1, C, T]."""
        speech = self.c_pre(speech)
        mixed = self.cross_attention(speech, self.text_pre(text)) + speech
        return self.c_post(mixed) + share[:, :, None]  # type: ignore[no-any-return]


class TextEncoder(nn.Module):
    """See the module's docstring; the speech tokens have gone through ``ssl_proj`` before, as a table (`table`)."""

    def __init__(self, config: SovitsConfig) -> None:
        super().__init__()
        channels = config.hidden_channels
        self.outputs = config.inter_channels

        def encoder(layers: int) -> Encoder:
            return Encoder(channels, config.filter_channels, config.n_heads, layers, config.kernel_size)

        self.ssl_proj = nn.Conv1d(FEATURES, channels, 1)
        self.encoder_ssl = encoder(config.n_layers // 2)
        self.encoder_text = encoder(config.n_layers)
        self.text_embedding = nn.Embedding(config.symbols, channels)
        self.mrte = TimbreMixer(channels)
        self.encoder2 = encoder(config.n_layers // 2)
        self.proj = nn.Conv1d(channels, 2 * self.outputs, 1)

    def table(self, entries: Tensor) -> Tensor:
        """Every code as the encoder hears it: entries of the codebook [codes, 768] to [codes, C]."""
        return F.linear(entries, self.ssl_proj.weight[:, :, 0], self.ssl_proj.bias)

    def forward(self, speech: Tensor, phones: Tensor, share: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """speech [1, C, 2T] from `table`, phones int64 [1, P], share [1, C], frames int64 [1].

        Mean and log-deviation, each [1, inter_channels, frames].
        """
        speech = self.encoder_ssl(speech)
        text = self.encoder_text(self.text_embedding(phones).transpose(1, 2))
        speech = self.encoder2(self.mrte(speech, text, share))
        mean, log_deviation = torch.split(self.proj(stretch(speech, frames)), self.outputs, dim=1)
        return mean, log_deviation
