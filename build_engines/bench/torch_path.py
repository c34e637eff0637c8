"""The same weights in plain PyTorch: the builder's modules with a KV cache, as one would write it at first.

float32, one thread, `torch.inference_mode`, nothing compiled. The tokens are drawn by the runtime's own sampler, so
that only what makes the logits differs.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from build_engines.bench.decode import generation_of, split_context
from build_engines.checkpoint import open_gpt, open_sovits
from build_engines.models.gpt import GPT, load_gpt
from build_engines.models.sovits.model import Sovits, load_sovits
from edge_tts.bundle import Manifest, SpeakerTokens
from edge_tts.gpt.decoder import StepOutput
from edge_tts.gpt.generation import Generation

__all__ = ["TorchDecoder", "TorchVoice"]


class TorchDecoder:
    """Decode steps of one sentence, as `edge_tts.gpt.decoder.SentenceDecoder` does them for the graphs."""

    def __init__(
        self, gpt: GPT, phones: NDArray[np.int64], features: NDArray[np.float32], speaker: SpeakerTokens, room: int
    ) -> None:
        """Runs the prefill of the target phones [P] with features [P, F]; `room` steps may follow."""
        self._gpt, self.capacity = gpt, room
        self._prompt_tokens = len(speaker.prompt_semantic)
        all_phones = np.concatenate([speaker.prompt_phones, phones])[None]
        all_features = np.concatenate([speaker.prompt_features, features])[None]
        with torch.inference_mode():
            hidden, keys, values = gpt.rows(
                torch.from_numpy(all_phones), torch.from_numpy(all_features),
                torch.from_numpy(speaker.prompt_semantic[None]),
            )  # fmt: skip
            self._rows = hidden.shape[1]
            self._caches = [(_grown(k, room), _grown(v, room)) for k, v in zip(keys, values, strict=True)]
            self.first = StepOutput(gpt.ar_predict_layer(hidden[:, -1])[0].numpy(), None)
        self.seconds = 0.0
        """Of all steps so far."""

    def step(self, index: int, token: int, pointer: int | None) -> StepOutput:
        """Feeds the generated token number `index`; the logits of the next."""
        start = time.process_time()
        with torch.inference_mode():
            position = torch.tensor([self._prompt_tokens + index])
            x = self._gpt.embed_audio(torch.tensor([[token]]), position)
            row = self._rows + index
            for layer, (keys, values) in zip(self._gpt.h, self._caches, strict=True):
                query, keys[:, :, row : row + 1], values[:, :, row : row + 1] = layer.self_attn.heads_of(x)
                seen = F.scaled_dot_product_attention(query, keys[:, :, : row + 1], values[:, :, : row + 1])
                x = layer.finish(x, seen.transpose(1, 2).flatten(2))
            logits = self._gpt.ar_predict_layer(x)[0, 0].numpy()
        self.seconds += time.process_time() - start
        return StepOutput(logits, None)


class TorchVoice:
    """A genuine voice from its checkpoints. `manifest` and `speaker` are those of the bundle made of them."""

    def __init__(self, gpt: Path, sovits: Path, manifest: Manifest, speaker: SpeakerTokens) -> None:
        """Raises CheckpointError, BuildError."""
        torch.set_num_threads(1)
        self.gpt: GPT = load_gpt(open_gpt(gpt)).requires_grad_(False)
        self.sovits: Sovits = load_sovits(open_sovits(sovits))
        self._manifest, self._speaker = manifest, speaker
        with torch.inference_mode():
            self._table = self.sovits.table()
        self._running: list[TorchDecoder] = []

    def start(self, context: int, room: int) -> Generation:
        """See build_engines.bench.decode.Subject."""
        speaker, phones = split_context(self._speaker, context)
        return self.generation(phones, speaker, room)

    def generation(self, phones: NDArray[np.int64], speaker: SpeakerTokens, room: int, seed: int = 0) -> Generation:
        """A sentence without an end, drawn by the shipped loop."""
        features = np.tile(speaker.features, (len(phones), 1))
        decoder = TorchDecoder(self.gpt, phones, features, speaker, room)
        self._running = [decoder]
        return generation_of(decoder, speaker, self._manifest.sampling, self._manifest.gpt.eos, seed)

    def graph_seconds(self) -> float:
        """Of the steps of the sentence that was started last."""
        return sum(decoder.seconds for decoder in self._running)

    def sentence(self, phones: NDArray[np.int64], tokens: int, noise: NDArray[np.float32]) -> NDArray[np.float32]:
        """A whole sentence of phones [P] with so many tokens: prefill, steps, latents, sound; noise as in `latents`."""
        generation = self.generation(phones, self._speaker, tokens)
        for _ in range(tokens + 1):  # the last would be the end
            generation.advance()
        return self.sound(self.latents(np.array(generation.tokens[:tokens], np.int64), phones, noise))

    def latents(self, tokens: NDArray[np.int64], phones: NDArray[np.int64], noise: NDArray[np.float32]) -> Tensor:
        """Tokens [T], phones [P], noise [C, frames] (already scaled) → latents [1, C, frames]."""
        with torch.inference_mode():
            return self.sovits.latents(
                torch.from_numpy(tokens[None]), torch.from_numpy(phones[None]),
                torch.from_numpy(self._speaker.latents_condition[None]), torch.tensor([noise.shape[1]]),
                torch.from_numpy(noise[None]), self._table,
            )  # fmt: skip

    def sound(self, z: Tensor) -> NDArray[np.float32]:
        """Latents [1, C, frames] → samples [n], all at once."""
        with torch.inference_mode():
            made: NDArray[np.float32] = self.sovits.vocoder(z, torch.from_numpy(self._speaker.vocoder_condition[None]))[
                0
            ].numpy()
        return made


def _grown(rows: Tensor, room: int) -> Tensor:
    """Keys or values [B, H, N, D] with `room` empty rows behind them."""
    return torch.cat([rows, rows.new_zeros(*rows.shape[:2], room, rows.shape[3])], dim=2)
