"""Which sizes an engine is built for: one optimization profile after the other, each size's least, usual and greatest.

A sentence that lies outside of all profiles is spoken by ONNX Runtime. So the profiles needn't cover what is possible,
only what is usual: the wider a profile, the worse its kernels suit the sizes that come.
"""

from __future__ import annotations

from edge_tts.bundle import Manifest
from edge_tts.bundle.spec import Profile
from edge_tts.sovits.schedule import WINDOW_TOKENS

__all__ = ["BUFFERS", "profiles", "tensorrt_names"]

BUFFERS = (256, 512, 1024)
"""Rows of the KV cache that a decode step is built for, besides all that the voice has room for."""

_PHONES = (1, 64, 512)
_PROMPT = (1, 128, 256)  # at 25 Hz; a reference has at most 10 s
_SENTENCE_TOKENS = (1, 128, 1024)  # 40 s of speech at once
_SLOWEST = 0.5
# The windows of a sentence's first half second and those that follow, as the schedule of windows has them.
_EARLY = 3


def tensorrt_names(manifest: Manifest) -> tuple[str, ...]:
    """The graphs that get an engine.

    Not a distilled voice's vocoder: its oscillator adds up phases in float64, which TensorRT turns into float32
    without a word, and it costs a CPU next to nothing.
    """
    return tuple(name for name, graph in manifest.graphs.items() if "phase" not in graph.inputs)


def profiles(name: str, manifest: Manifest) -> tuple[Profile, ...]:
    """The profiles of one graph: for each, the names of the sizes that vary with (least, usual, greatest)."""
    varying = {size for tensor in manifest.graphs[name].inputs.values() for size in tensor.shape if _is_name(size)}
    return tuple({size: sizes[size] for size in sorted(sizes) if size in varying} for sizes in _all(name, manifest))


def _is_name(size: int | str) -> bool:
    return isinstance(size, str)


def _all(name: str, manifest: Manifest) -> list[dict[str, tuple[int, int, int]]]:
    context = manifest.gpt.max_context
    phones = (1, min(_PHONES[1], context // 2), min(_PHONES[2], context))
    if name == "gpt_prefill":
        prompt = (1, min(_PROMPT[1], context // 2), min(_PROMPT[2], context))
        pointed = "pointer" in manifest.graphs[name].outputs
        return [{"phones": phones} if pointed else {"phones": phones, "prompt": prompt}]
    if name == "gpt_step":
        buffers = [rows for rows in BUFFERS if rows < context] + [context]
        return [{"buffer": (rows, rows, rows), "phones": phones} for rows in buffers]
    if name == "latents":
        return [_latents(manifest) | {"phones": phones}]
    return _vocoder(manifest)


def _latents(manifest: Manifest) -> dict[str, tuple[int, int, int]]:
    context, per_token = manifest.decoder.latent_context_tokens, manifest.decoder.frames_per_token
    if context is None:
        least, usual, most = _SENTENCE_TOKENS
        return {
            "tokens": _SENTENCE_TOKENS,
            "frames": (least, usual * per_token, int(most * per_token / _SLOWEST) + 1),
        }
    last = WINDOW_TOKENS[-1]
    return {"tokens": (1, last + 2 * context, last + last // 2 + 2 * context)}


def _vocoder(manifest: Manifest) -> list[dict[str, tuple[int, int, int]]]:
    """Windows hold the frames of their tokens, and the context that was held back before and is kept after."""
    context, per_token = 2 * manifest.decoder.vocoder_context_frames, manifest.decoder.frames_per_token
    early, last = WINDOW_TOKENS[_EARLY - 1] * per_token + context, WINDOW_TOKENS[-1]
    most = int((last + last // 2) * per_token / _SLOWEST) + 1 + context
    usual = (WINDOW_TOKENS[1] * per_token + context, last * per_token + context)
    return [{"frames": (1, usual[0], early)}, {"frames": (early + 1, usual[1], most)}]
