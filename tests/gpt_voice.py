"""A genuine GPT, exported and loaded the way the runtime does it. Needs torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from build_engines.export import export_gpt
from build_engines.models.gpt import GPT, GPTConfig
from edge_tts.bundle import SpeakerTokens
from edge_tts.bundle.spec import GptSpec
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.gpt.decoder import GptGraphs, SentenceDecoder, StepOutput

__all__ = ["SMALL", "GptVoice", "Recorder", "prompt_of", "small_gpt"]

SMALL = GPTConfig(
    vocab_size=65, phoneme_vocab_size=90, hidden_dim=64, head=4, n_layer=3, linear_units=256, feature_dim=8,
    pointer_window=0, dropout=0.0,
)  # fmt: skip


def small_gpt(seed: int = 0) -> GPT:
    """Random weights; biases and norms too, lest two be equal."""
    torch.manual_seed(seed)
    gpt = GPT(SMALL).eval()
    for name, parameter in gpt.named_parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(
                parameter, mean=float("norm" in name or "alpha" in name) * ("bias" not in name), std=0.2
            )
    return gpt.requires_grad_(False)


def prompt_of(semantic: np.ndarray, phones: np.ndarray, features: np.ndarray) -> SpeakerTokens:
    """A speaker as the GPT knows one."""
    none = np.zeros(0, np.float32)
    return SpeakerTokens(semantic, phones, features, none, none, none, none)


class GptVoice:
    """Graphs of a network, in `folder`; `targets` are what the exporter says about adapters."""

    def __init__(self, gpt: GPT, folder: Path) -> None:
        self.gpt, self.folder = gpt, folder
        self.targets = export_gpt(gpt, folder)
        c = gpt.config
        self.spec = GptSpec(c.vocab_size, c.eos, c.n_layer, c.head, c.hidden_dim // c.head, 256, c.feature_dim, 0)
        engine = OnnxEngine()
        self.graphs = GptGraphs(
            engine.load("gpt_prefill", folder / "gpt_prefill.onnx"),
            engine.load("gpt_step", folder / "gpt_step.onnx"),
            self.spec,
        )

    def start(
        self,
        phones: np.ndarray,
        features: np.ndarray,
        prompt: np.ndarray,
        room: int,
        adapter: Mapping[str, np.ndarray] | None = None,
        of_prompt: int = 3,
    ) -> SentenceDecoder:
        """Runs the prefill; the first `of_prompt` of the phones [1, P] are those of the prompt [1, S]."""
        speaker = prompt_of(prompt[0], phones[0, :of_prompt], features[0, :of_prompt])
        return self.graphs.start(phones[0, of_prompt:], features[0, of_prompt:], speaker, room, adapter)


class Recorder:
    """A decoder that keeps the logits of all its steps, [steps + 1, V]."""

    def __init__(self, decoder: SentenceDecoder) -> None:
        self._decoder = decoder
        self.first, self.capacity = decoder.first, decoder.capacity
        self._seen = [decoder.first.logits.copy()]

    def step(self, index: int, token: int, pointer: int | None) -> StepOutput:
        output = self._decoder.step(index, token, pointer)
        self._seen.append(output.logits.copy())
        return output

    def feed(self, tokens: Sequence[int]) -> np.ndarray:
        """One step per token; the logits so far."""
        for index, token in enumerate(tokens):
            self.step(index, int(token), None)
        return self.logits

    @property
    def logits(self) -> np.ndarray:
        return np.stack(self._seen)
