"""What the torch modules of a genuine voice compute on fixed inputs, and whether the exported graphs compute the same.

The bundle keeps these vectors, so that any engine can be certified where it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from build_engines.errors import BuildError
from build_engines.models.gpt import GPT
from build_engines.models.sovits.model import Sovits
from edge_tts.engines.onnx import OnnxEngine

__all__ = ["Goldens", "check", "record_gpt", "record_sovits"]

Goldens = Mapping[str, NDArray[Any]]
"""Inputs as ``in_<name>`` and outputs as ``out_<name>`` of one graph."""

LEAST_SNR_DB = 80.0
_PHONES, _PROMPT, _TOKENS = 12, 8, 12
_SPECTRUM_FRAMES, _SSL_FRAMES = 40, 61


@torch.inference_mode()
def record_gpt(gpt: GPT) -> dict[str, Goldens]:
    """Vectors of ``gpt_prefill``."""
    rng, c = np.random.default_rng(0), gpt.config
    phones = rng.integers(0, min(300, c.phoneme_vocab_size), (1, _PHONES))
    features = rng.standard_normal((1, _PHONES, c.feature_dim)).astype(np.float32)
    prompt = rng.integers(0, c.eos, (1, _PROMPT))
    hidden, keys, values = gpt.rows(*(torch.from_numpy(array) for array in (phones, features, prompt)))
    outputs = {
        "logits": gpt.ar_predict_layer(hidden[:, -1]), "keys": torch.stack(keys), "values": torch.stack(values)
    }  # fmt: skip
    return {"gpt_prefill": _named({"phones": phones, "features": features, "prompt": prompt}, outputs)}


@torch.inference_mode()
def record_sovits(sovits: Sovits) -> dict[str, Goldens]:
    """Vectors of ``semantic``, ``reference``, ``condition``, ``latents`` and ``vocoder``."""
    rng, c = np.random.default_rng(1), sovits.config
    bins = c.filter_length // 2 + 1
    ssl = torch.from_numpy(rng.standard_normal((1, 768, _SSL_FRAMES)).astype(np.float32))
    reference = {"spectrum": torch.from_numpy(rng.exponential(1.0, (1, bins, _SPECTRUM_FRAMES)).astype(np.float32))}
    if c.pro:
        reference["speaker_vector"] = torch.from_numpy(rng.standard_normal((1, 20480)).astype(np.float32))
    ge = sovits.reference(**reference)
    for_latents, for_vocoder = sovits.condition(ge)
    latents = {
        "codes": torch.from_numpy(rng.integers(0, 1024, (1, _TOKENS))),
        "phones": torch.from_numpy(rng.integers(0, 300, (1, _PHONES))),
        "condition": for_latents,
        "frames": torch.tensor([2 * _TOKENS]),
        "noise": torch.from_numpy(0.5 * rng.standard_normal((1, c.inter_channels, 2 * _TOKENS)).astype(np.float32)),
    }
    z = sovits.latents(**latents, table=sovits.table())
    return {
        "semantic": _named({"ssl": ssl}, {"codes": sovits.semantic(ssl)}),
        "reference": _named(reference, {"ge": ge}),
        "condition": _named({"ge": ge}, {"latents_condition": for_latents, "vocoder_condition": for_vocoder}),
        "latents": _named(latents, {"z": z}),
        "vocoder": _named({"z": z, "condition": for_vocoder}, {"audio": sovits.vocoder(z, for_vocoder)}),
    }


def _named(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> Goldens:
    pairs = [*((f"in_{k}", v) for k, v in inputs.items()), *((f"out_{k}", v) for k, v in outputs.items())]
    return {name: np.asarray(value) for name, value in pairs}


def check(graph: Path, golden: Goldens) -> None:
    """Run the graph in ONNX Runtime on the golden's inputs. Raises BuildError: an output differs by more than noise."""
    loaded = OnnxEngine().load(graph.stem, graph)
    made = loaded.run({name: golden[f"in_{name}"] for name in loaded.inputs})
    for name, array in made.items():
        expected = golden[f"out_{name}"].astype(np.float64)
        error = float(((array - expected) ** 2).sum())
        power = float((expected**2).sum())
        if array.shape != expected.shape or not error <= power * 10 ** (-LEAST_SNR_DB / 10):  # NaN fails this too
            snr = 10 * np.log10(power / error) if error > 0 else float("nan")
            raise BuildError(f"{graph.name}: {name!r} differs from the checkpoint's ({snr:.0f} dB): please report this")
