"""Models of real dimensions and random weights, and a recording, for what is measured on whole voices."""

from __future__ import annotations

from pathlib import Path

import numpy as np

__all__ = ["make_bert", "make_hubert", "make_recording", "make_speaker_encoder"]

_RATE_HZ = 32_000
_SECONDS = 5.0


def make_recording(path: Path) -> None:
    """A voice-like sound with pauses: what a microphone would give the checks of `enroll`."""
    from edge_tts.wav import WavWriter

    rng = np.random.default_rng(0)
    t = np.arange(int(_RATE_HZ * _SECONDS)) / _RATE_HZ
    pitch = 120 + 20 * np.sin(2 * np.pi * 0.7 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / _RATE_HZ
    voiced = sum(np.sin(k * phase) / k for k in range(1, 30))
    speaking = (np.sin(2 * np.pi * 0.5 * t) > -0.6) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * t))
    sound = 0.08 * voiced * speaking + 2e-4 * rng.standard_normal(len(t))
    with WavWriter(path, _RATE_HZ) as file:
        file.write((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def make_hubert(folder: Path) -> None:
    """A random model with the dimensions of chinese-hubert-base, in Hugging Face's layout."""
    from transformers import HubertConfig, HubertModel

    HubertModel(HubertConfig()).save_pretrained(folder)


def make_bert(folder: Path) -> None:
    """A random model with the dimensions of chinese-roberta-wwm-ext-large, in Hugging Face's layout."""
    from transformers import BertConfig, BertModel

    config = BertConfig(
        vocab_size=21128, hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    characters = [chr(c) for c in range(0x4E00, 0x4E00 + 21128 - 5)]
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *characters]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")


def make_speaker_encoder(path: Path) -> None:
    """A random ERes2NetV2 as the program's checkpoint holds it."""
    import torch

    from build_engines.models.eres2net import ERes2NetV2

    torch.save(ERes2NetV2().state_dict(), path)
