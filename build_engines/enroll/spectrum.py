"""The magnitude spectrogram of reference audio that GPT-SoVITS's reference encoder looks at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from build_engines.errors import BuildError

__all__ = ["spectrum"]


def spectrum(audio: NDArray[Any], window: int = 2048, hop: int = 640) -> NDArray[np.float32]:
    """Mono samples [N] at the model's rate (32 kHz), full scale 1, to magnitudes [1, window // 2 + 1, N // hop].

    As GPT-SoVITS has it: audio that goes over full scale is divided by its peak, at most by 2; periodic Hann window;
    (window - hop) / 2 reflected samples on each side; 1e-8 below the root.

    Raises BuildError: the audio isn't mono or is too short to be reflected.
    """
    side = (window - hop) // 2
    if audio.ndim != 1 or audio.shape[0] <= side:
        raise BuildError(f"reference audio of shape {list(audio.shape)}: give more than {side} samples, mono")
    samples = audio.astype(np.float64)
    samples = samples / np.clip(np.abs(samples).max(), 1.0, 2.0)
    padded = np.pad(samples, side, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    turned = np.fft.rfft(frames * hann, axis=1)
    return np.sqrt(turned.real**2 + turned.imag**2 + 1e-8).T[None].astype(np.float32)  # type: ignore[no-any-return]
