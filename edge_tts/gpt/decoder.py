"""The two GPT graphs as one object per sentence: prefill once, then a step per token on bound buffers.

The KV cache is a buffer per layer, bound as past and as present: the step writes its row in place (ONNX Runtime's
GroupQueryAttention). A row is addressed by its number, so going back to an earlier token means to step there again.
The cache grows with the sentence (edge_tts.gpt.cache), unless the step keeps it in memory of its own, like a GPU.
Inputs that a manifest does not list (a genuine GPT-SoVITS voice has no pointer and no state) are not bound.

An adapter is a set of arrays for inputs that have defaults (docs/bundle.md): both graphs get it as they get the others.
ONNX Runtime's own way, RunOptions.add_active_adapter, is silently ignored where buffers are bound.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_tts.bundle import SpeakerTokens
from edge_tts.bundle.spec import GptSpec
from edge_tts.engines import Graph
from edge_tts.engines.api import Array
from edge_tts.errors import EngineLimitError, TextError
from edge_tts.gpt.cache import KVCache

__all__ = ["GptGraphs", "SentenceDecoder", "StepOutput"]

# The target of adapters that is in the prefill alone: text features are read once.
_PREFILL_ONLY = ".bert_proj"


@dataclass(frozen=True)
class StepOutput:
    """Logits float32 [vocab] of the next token, and the phone that it will speak (None without pointers)."""

    logits: NDArray[np.float32]
    pointer: int | None


@dataclass(frozen=True)
class GptGraphs:
    """The loaded graphs with their dimensions. `step_holds_cache`: the step copies the cache when it is bound, and goes
    on with its copy."""

    prefill: Graph
    step: Graph
    spec: GptSpec
    step_holds_cache: bool = False

    @property
    def has_pointer(self) -> bool:
        """Whether the voice says which phone a token speaks."""
        return "next_pointer" in self.step.outputs

    def start(
        self,
        phones: NDArray[np.int64],
        features: NDArray[np.float32],
        speaker: SpeakerTokens,
        max_tokens: int,
        adapter: Mapping[str, Array] | None = None,
    ) -> SentenceDecoder:
        """Runs the prefill for the target phones [P] and makes a decoder with room for `max_tokens` more rows.

        `features` [P, F] are the text features of the target phones. `adapter` holds lora_A.<target> [in, rank] and
        lora_B.<target> [rank, out], float32, for any of the voice's targets.

        Raises TextError: the phones leave no room for speech in the model's context. Raises EngineError: the adapter
        does not fit the graphs. Raises EngineLimitError: the speaker has a prompt, but the prefill takes none.
        """
        spec, adapter = self.spec, adapter or {}
        if "prompt" not in self.prefill.inputs and len(speaker.prompt_semantic):
            raise EngineLimitError("graph 'gpt_prefill' takes no prompt, but the speaker has one")
        feeds: dict[str, Array] = {
            "phones": np.concatenate([speaker.prompt_phones, phones])[None],
            "features": np.concatenate([speaker.prompt_features, features])[None],
            "prompt": speaker.prompt_semantic[None],
        }
        outputs = self.prefill.run({name: feeds[name] for name in self.prefill.inputs} | dict(adapter))
        rows = outputs["keys"].shape[3]
        if rows + 2 > spec.max_context:
            raise TextError(f"a sentence of {len(phones)} phones is too long for this voice: use shorter sentences")
        room = min(rows + max_tokens, spec.max_context)
        in_step = {name: array for name, array in adapter.items() if not name.endswith(_PREFILL_ONLY)}
        cache = KVCache(outputs["keys"], outputs["values"], room, grows=not self.step_holds_cache)
        return SentenceDecoder(self.step, spec, outputs, cache, len(speaker.prompt_semantic), in_step)


class SentenceDecoder:
    """Decode steps of one sentence."""

    def __init__(
        self,
        step: Graph,
        spec: GptSpec,
        prefill: dict[str, Array],
        cache: KVCache,
        prompt_tokens: int,
        adapter: Mapping[str, Array],
    ) -> None:
        self._cache = cache
        self._rows = prefill["keys"].shape[3]
        self._prompt_tokens = prompt_tokens
        self.capacity = cache.most_rows - self._rows
        """Steps that the buffers have room for."""
        pointer = prefill.get("pointer")
        self.first = StepOutput(prefill["logits"][0].copy(), None if pointer is None else int(pointer[0]))
        """What the prefill says about the first token."""
        self._token = np.zeros((1, 1), np.int64)
        self._position = np.zeros(1, np.int64)
        self._pointer_in = np.zeros(1, np.int64)
        self._past_rows = np.zeros(1, np.int32)
        self._total_rows = np.zeros(1, np.int32)
        self._logits = np.zeros((1, spec.vocab_size), np.float32)
        self._pointer_out = np.zeros(1, np.int64)
        inputs: dict[str, Array] = {
            "token": self._token,
            "position": self._position,
            "pointer": self._pointer_in,
            "seqlens_k": self._past_rows,
            "total_length": self._total_rows,
        }
        if "state" in prefill:
            inputs["state"] = np.ascontiguousarray(prefill["state"])
            inputs["state"].flags.writeable = False  # it stays as it is, so an engine may upload it once
        outputs: dict[str, Array] = {"logits": self._logits, "next_pointer": self._pointer_out}
        self._has_pointer = "next_pointer" in step.outputs
        self._binding = step.bind(
            {name: array for name, array in inputs.items() if name in step.inputs} | dict(adapter),
            {name: array for name, array in outputs.items() if name in step.outputs},
            cache.states(),
        )

    def step(self, index: int, token: int, pointer: int | None) -> StepOutput:
        """Feeds the generated token number `index` (0-based) with its pointer; says what the next one may be.

        Steps go in order, but may begin again at any earlier index. The logits are valid until the next step.
        """
        rows = self._rows + index
        if self._cache.reserve(rows + 1):
            self._binding.rebind(self._cache.states())
        self._token[0, 0] = token
        self._position[0] = self._prompt_tokens + index
        self._pointer_in[0] = pointer or 0
        self._past_rows[0] = rows
        self._total_rows[0] = rows + 1
        self._binding.run()
        return StepOutput(self._logits[0], int(self._pointer_out[0]) if self._has_pointer else None)

