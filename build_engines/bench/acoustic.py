"""Tokens become sound: what it costs in INT8, in float and in PyTorch, and how near to float the INT8 sound is.

All are given the same tokens and noise. The graphs run through the runtime's own windows; PyTorch makes all at once.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from build_engines.bench.texts import LANGUAGE, SENTENCE_SECONDS, text_of
from build_engines.bench.torch_path import TorchVoice
from build_engines.forced import Drawn, ForcedVoice
from build_engines.quantize.measure import snr_db
from edge_tts.noise import latent_noise

__all__ = ["measure_sound"]


def measure_sound(
    int8: ForcedVoice, plain: ForcedVoice, torch: TorchVoice | None, repeat: int, told: Callable[[], object]
) -> dict[str, Any]:
    """Seconds of core per second of sound of latents and vocoder, medians of `repeat` in turns; SNR of INT8 to float.

    `snr_db` is the sound's from the same tokens, `vocoder_snr_db` that of the vocoder alone given the float latents.
    """
    manifest, speaker = plain.manifest, plain.speakers[0]
    count = round(SENTENCE_SECONDS * manifest.token_rate_hz)
    utterance = plain.read(text_of(1), speaker, LANGUAGE)[0]
    if "pointer" in manifest.graphs["gpt_prefill"].outputs:
        drawn = plain.draw(utterance, speaker, 0, count)
    else:
        drawn = _tokens(manifest.gpt.eos, count)
    seconds = len(drawn.tokens) / manifest.token_rate_hz
    taken: dict[str, list[tuple[float, float]]] = {"int8": [], "float": [], "torch": []}
    made: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for _ in range(repeat):
        for name, voice in (("int8", int8), ("float", plain)):
            start = time.process_time()
            z = voice.latents(utterance, speaker, drawn, 0)
            middle = time.process_time()
            made[name] = (z, voice.sound(z, speaker, 0))
            taken[name].append((middle - start, time.process_time() - middle))
        if torch is not None:
            taken["torch"].append(_torch_seconds(torch, plain, utterance.ids, drawn))
        told()
    figures: dict[str, Any] = {
        name: {
            "latents": statistics.median(first for first, _ in pairs) / seconds,
            "vocoder": statistics.median(second for _, second in pairs) / seconds,
            "rtf": statistics.median(first + second for first, second in pairs) / seconds,
        }
        for name, pairs in taken.items()
        if pairs
    }
    return figures | {
        "latents_snr_db": snr_db([made["float"][0]], [made["int8"][0]]),
        "vocoder_snr_db": snr_db([made["float"][1]], [int8.sound(made["float"][0], speaker, 0)]),
        "snr_db": snr_db([made["float"][1]], [made["int8"][1]]),
    }


def _tokens(end: int, count: int) -> Drawn:
    """Tokens at random: what is spoken doesn't matter, and a random voice would end too soon."""
    tokens = np.random.default_rng(0).integers(0, end, count)
    return Drawn(tuple(int(token) for token in tokens), None, False)


def _torch_seconds(torch: TorchVoice, voice: ForcedVoice, phones: np.ndarray, drawn: Drawn) -> tuple[float, float]:
    spec = voice.manifest.decoder
    frames = len(drawn.tokens) * spec.frames_per_token
    start = time.process_time()
    noise = latent_noise(voice.seed, 0, 0, frames, spec.latent_channels).T * np.float32(spec.noise_scale)
    z = torch.latents(np.array(drawn.tokens, np.int64), phones, np.ascontiguousarray(noise))
    middle = time.process_time()
    torch.sound(z)
    return middle - start, time.process_time() - middle
