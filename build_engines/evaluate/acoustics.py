"""How near the sound comes to the recordings it was learned from: log-spectral distance and pitch.

Copy synthesis: a recording is turned into tokens by the voice's tokenizer and back into sound by the bundle's own
graphs, so both signals are aligned in time. What the GPT decides isn't in these figures, but for the pitch statistics.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file

from build_engines.training.corpus import HOP, SAMPLE_RATE, Utterance, fundamental_hz, load_audio
from build_engines.training.tokenizer import load_tokenizer
from edge_tts.text.symbols import phone_ids

__all__ = ["CopySynthesis", "log_spectral_distance", "pitch_statistics"]

_N_FFT = 1024
_HIGHEST_HZ = 7_200.0  # what the narrowest recordings still hold


def _decibels(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Power spectrogram in dB, [frames, bins], 10 ms apart."""
    padded = np.pad(audio, (_N_FFT // 2, _N_FFT // 2))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _N_FFT)[::HOP] * np.hanning(_N_FFT)
    power: NDArray[np.float32] = 10 * np.log10(np.abs(np.fft.rfft(frames)) ** 2 + 1e-6)
    return power


def log_spectral_distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """RMS difference in dB below 7.2 kHz, averaged over the frames of ``a`` within 40 dB of its loudest."""
    count = min(len(a), len(b))
    left, right = _decibels(a[:count]), _decibels(b[:count])
    bins = int(_HIGHEST_HZ / SAMPLE_RATE * _N_FFT)
    loud = left.max(1) > left.max() - 40
    difference = (left - right)[loud, 1:bins]
    return float(np.sqrt((difference**2).mean(1)).mean())


def pitch_statistics(paths: Iterable[Path]) -> dict[str, float]:
    """Median F0 in hertz and the spread between the 10th and 90th percentile in semitones, over all voiced frames."""
    voiced = []
    for path in paths:
        audio, _ = load_audio(path)
        f0 = fundamental_hz(audio)
        voiced.append(f0[f0 > 0])
    found = np.concatenate(voiced)
    low, middle, high = np.percentile(found, [10, 50, 90])
    return {"median_hz": round(float(middle), 1), "spread_semitones": round(float(12 * np.log2(high / low)), 1)}


class CopySynthesis:
    """A bundle's acoustic decoder behind the tokenizer that it was trained with."""

    def __init__(self, bundle: Path, model_folder: Path) -> None:
        self.tokenizer, self.mel = load_tokenizer(model_folder)
        graphs = {name: str(bundle / "graphs" / f"{name}.onnx") for name in ("latents", "vocoder")}
        self.sessions = {
            n: onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]) for n, path in graphs.items()
        }
        self.bundle = bundle

    @torch.inference_mode()
    def __call__(self, utterance: Utterance, speaker: str) -> NDArray[np.float32]:
        """The utterance again, in a speaker's voice; audio [samples] at 24 kHz."""
        ge = load_file(str(self.bundle / "speakers" / f"{speaker}.safetensors"))["ge"][None]
        _, codes, _ = self.tokenizer.encode(self.mel(torch.from_numpy(utterance.audio)[None]))
        phones = np.array([phone_ids(utterance.phones) if utterance.phones else [0]], dtype=np.int64)
        align = utterance.align[2::4].astype(np.int64)[None]
        inputs = {"codes": codes.numpy(), "phones": phones, "align": align, "condition": ge}
        (z,) = self.sessions["latents"].run(["z"], inputs)
        noise = np.random.default_rng(0).standard_normal((1, z.shape[2] * HOP)).astype(np.float32)
        (audio,) = self.sessions["vocoder"].run(
            ["audio"], {"z": z, "condition": ge, "phase": np.zeros(1, np.float32), "noise": noise}
        )
        found: NDArray[np.float32] = audio[0]
        return found

    def distance(self, utterances: Sequence[Utterance], speaker: str) -> float:
        """Mean log-spectral distance in dB of copies to their originals."""
        return float(np.mean([log_spectral_distance(u.audio, self(u, speaker)) for u in utterances]))
