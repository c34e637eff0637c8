"""chinese-hubert-base, which turns speech into the features that GPT-SoVITS's semantic tokens are made of.

The model lies in a local folder in Hugging Face's layout and is read through transformers. GPT-SoVITS feeds it the raw
waveform: the normalisation of its feature extractor is left out, and so it is here.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from transformers import HubertModel
from transformers.utils import logging

from build_engines.enroll.errors import RefusedError
from build_engines.enroll.places import HUBERT, check_hubert, hubert_advice
from build_engines.errors import BuildError

__all__ = ["FEATURES", "load_hubert", "ssl_features"]

FEATURES = 768

_FIELD, _STRIDE = 400, 320  # of the convolutions before the transformer, in samples
# What transformers, torch and safetensors raise on folders that hold something else; there is no common root.
_UNREADABLE = (
    OSError, ValueError, RuntimeError, LookupError, TypeError, AttributeError, ImportError, EOFError, AssertionError,
    pickle.UnpicklingError, SafetensorError,
)  # fmt: skip


def load_hubert(folder: Path) -> HubertModel:
    """The model, ready to listen. Raises BuildError: it isn't there, is damaged, or is another model."""
    check_hubert(folder)
    kind = _config(folder / "config.json")
    if kind.get("model_type") != "hubert" or kind.get("hidden_size") != FEATURES:
        found = f"model_type {kind.get('model_type')!r}, hidden_size {kind.get('hidden_size')!r}"
        raise BuildError(f"{folder} is not {HUBERT} ({found}): {hubert_advice()}")
    with _quiet():
        try:
            loaded: Any = HubertModel.from_pretrained(folder, local_files_only=True, output_loading_info=True)
        except _UNREADABLE as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
            raise BuildError(f"{folder} can't be read as {HUBERT} ({reason}): {hubert_advice()}") from None
    model, info = loaded
    # transformers fills what a file lacks with random numbers. Masks are for training only.
    wrong = sorted({*info["missing_keys"]} - {"masked_spec_embed"}) + sorted(map(str, info["mismatched_keys"]))
    if wrong:
        raise BuildError(f"{folder} lacks {len(wrong)} tensors of {HUBERT}, first {wrong[0][:60]!r}: {hubert_advice()}")
    return cast(HubertModel, model.float().eval())


def ssl_features(model: HubertModel, audio_16k: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features [1, 768, T] at 50 Hz of mono samples [N] at 16 kHz; T = (N - 80) // 320 (Hsu et al. 2021).

    Raises RefusedError: shorter than 25 ms. Raises BuildError: the model has other convolutions.
    """
    if len(audio_16k) < _FIELD:
        raise RefusedError(f"a reference of {len(audio_16k)} samples is too short: give 3 to 10 s of speech")
    with torch.inference_mode():
        hidden = model(torch.from_numpy(audio_16k)[None]).last_hidden_state
    features: NDArray[np.float32] = np.ascontiguousarray(hidden.numpy().transpose(0, 2, 1))
    if features.shape[2] != (len(audio_16k) - _FIELD) // _STRIDE + 1:
        raise BuildError(f"the HuBERT gave {features.shape[2]} frames for {len(audio_16k)} samples: {hubert_advice()}")
    return features


def _config(path: Path) -> Mapping[str, object]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise BuildError(f"{path} can't be read: {hubert_advice()}") from None
    return read if isinstance(read, dict) else {}


@contextmanager
def _quiet() -> Iterator[None]:
    """Neither transformers' bars nor its remarks; both as they were afterwards."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
