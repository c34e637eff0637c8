"""A tiny genuine voice: random checkpoints, imported, with a speaker of random tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from build_engines.bench.setup import Checkpoints
from build_engines.bench.speech import Speech
from build_engines.bundles.speakers import Key, NewSpeaker, add_speaker
from build_engines.importing.voice import ImportPlan, import_voice
from edge_tts.bundle import SpeakerTokens, open_bundle
from tests.checkpoints import SMALL_GPT, SMALL_SOVITS, write_gpt, write_sovits


@dataclass(frozen=True)
class Made:
    """Not to be changed."""

    bundle: Path
    checkpoints: Checkpoints


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    files = Checkpoints(
        write_gpt(folder / "g.ckpt", **SMALL_GPT), write_sovits(folder / "s.pth", **SMALL_SOVITS)
    )  # fmt: skip
    target = folder / "tiny"
    import_voice(ImportPlan(files.gpt, files.sovits, target, "tiny"))
    manifest = open_bundle(target).manifest
    random = np.random.default_rng(0)

    def values(*shape):
        return random.standard_normal(shape).astype(np.float32)

    width = {graph: manifest.graphs[graph].inputs["condition"].shape[-1] for graph in ("latents", "vocoder")}
    tokens = SpeakerTokens(
        random.integers(0, manifest.gpt.eos, 12), random.integers(10, 300, 6), values(6, manifest.gpt.feature_dim),
        values(manifest.gpt.feature_dim), values(512), values(width["latents"]), values(width["vocoder"]),
    )  # fmt: skip
    add_speaker(target, NewSpeaker("ann", "en", "random", tokens, Key("m", "c")))
    return Made(target, files)


@pytest.fixture(scope="session")
def speech(made):
    return Speech(made.bundle)
