"""The last stage: checkpoints → graphs → the float bundle → the default voice, INT8 and certified."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from build_engines.bundles.distilled import BundleSpeaker, write_bundle
from build_engines.certify.plan import Plan as CertifyPlan
from build_engines.commands.certify import progress_bar
from build_engines.errors import BuildError
from build_engines.export import export_decoder, export_gpt
from build_engines.export.adapters import MAX_RANK
from build_engines.models.gpt import GPT, GPTConfig
from build_engines.models.tokenizer import MelSpectrogram, TokenizerConfig
from build_engines.quantize.quantize import Plan, quantize
from build_engines.training.corpus import Corpus
from build_engines.training.decoder import DecoderTrainer
from build_engines.training.encoder import golden_reference
from edge_tts.bundle import Sampling, open_bundle
from edge_tts.engines.onnx import OnnxEngine

if TYPE_CHECKING:
    from build_engines.training.pipeline import Settings

__all__ = ["VOICES", "finish", "float_bundle", "load_decoder", "load_gpt", "write_floats"]

SPEAKERS = {
    "clara": ("slt", "female, US English; taught by Festival's cmu_us_slt_arctic_hts"),
    "miles": ("rms", "male, US English; taught by Flite's rms"),
    "linda": ("lj", "female, US English; adapted to the LJ Speech recordings"),
}
# The few LJ recordings teach a timbre but no prosody: the GPT speaks for her as it does for the other woman.
PROSODY = {"lj": "slt"}
# Only this teacher pauses without punctuation.
PHRASED = ("slt",)
DEFAULT_SPEAKER = "clara"
SAMPLING = Sampling(top_k=5, top_p=1.0, temperature=0.75, repetition_penalty=1.0, min_tokens=2)
CARD = Path(__file__).parent / "data" / "card.md"
VOICES = Path(__file__).resolve().parents[2] / "edge_tts" / "voices"
_REFERENCES = 60


def load_gpt(folder: Path) -> GPT:
    """The trained GPT, averaged weights."""
    gpt = GPT(GPTConfig())
    gpt.load_state_dict(torch.load(folder / "gpt.pt", map_location="cpu", weights_only=True)["average"])
    return gpt.eval()


def load_decoder(folder: Path) -> DecoderTrainer:
    """The trained decoder and reference encoder, of the adversarial phase where it has begun."""
    path = folder / "decoder_adversarial.pt"
    adversarial = path.exists()
    trainer = DecoderTrainer(adversarial)
    state = torch.load(path if adversarial else folder / "decoder.pt", map_location="cpu", weights_only=True)
    trainer.load_state_dict(state["average"])
    return trainer.eval()


@torch.inference_mode()
def _embedding(trainer: DecoderTrainer, corpus: Corpus) -> NDArray[np.float32]:
    """The decoder's embedding of a speaker: the mean over utterances, at the length that LayerNorm gives."""
    mel = MelSpectrogram(TokenizerConfig())
    found = []
    for i in np.linspace(0, len(corpus) - 1, min(_REFERENCES, len(corpus))).astype(int):
        audio = torch.from_numpy(corpus.utterance(int(i)).audio)[None]
        found.append(trainer.reference(mel(audio))[0].numpy())
    mean = np.mean(found, axis=0)
    scaled: NDArray[np.float32] = (mean / np.linalg.norm(mean) * np.sqrt(len(mean))).astype(np.float32)
    return scaled


def _features(tokens: Path) -> NDArray[np.float32]:
    """The GPT's feature of a speaker, as it was trained with: the mean of the tokenizer's embeddings."""
    with np.load(tokens, allow_pickle=False) as data:
        mean: NDArray[np.float32] = data["ge"].mean(0).astype(np.float32)
    return mean


def _golden(graphs: Path, speaker: BundleSpeaker) -> dict[str, Mapping[str, NDArray[Any]]]:
    """Inputs and outputs of the stateless graphs, so that any engine can be checked where it runs."""
    rng = np.random.default_rng(0)
    phones = np.array([[150, 20, 60, 3]], dtype=np.int64)
    tokens = 8
    inputs: dict[str, dict[str, NDArray[Any]]] = {
        "gpt_prefill": {
            "phones": phones,
            "features": np.repeat(speaker.features[None, None], phones.shape[1], 1),
            "prompt": np.zeros((1, 0), np.int64),
        },
        "latents": {
            "codes": rng.integers(0, 1024, (1, tokens)),
            "phones": phones,
            "align": np.sort(rng.integers(0, 4, (1, tokens))),
            "condition": speaker.ge[None],
        },
    }
    found: dict[str, Mapping[str, NDArray[Any]]] = {}
    for name in ("gpt_prefill", "latents", "vocoder"):
        if name == "vocoder":
            z = found["latents"]["out_z"]
            noise = rng.standard_normal((1, z.shape[2] * 240)).astype(np.float32)
            inputs[name] = {"z": z, "condition": speaker.ge[None], "phase": np.zeros(1, np.float32), "noise": noise}
        outputs = OnnxEngine().load(name, graphs / f"{name}.onnx").run(inputs[name])
        found[name] = {f"in_{k}": v for k, v in inputs[name].items()} | {f"out_{k}": v for k, v in outputs.items()}
    if (graphs / "reference.onnx").exists():
        found["reference"] = golden_reference(graphs / "reference.onnx")
    return found


def float_bundle(s: Settings) -> Path:
    """Where the float voice is kept."""
    return s.work / "float_bundle"


def finish(s: Settings, target: Path = VOICES / "default") -> None:
    """Write the float bundle, and make the INT8 voice at ``target`` of it.

    Raises BuildError: the INT8 voice sounds worse than it may; then an older one stays.
    """
    write_floats(s)
    floats = float_bundle(s)
    plan = Plan(open_bundle(floats), target, ("cpu", "tensorrt"), certificate=CertifyPlan(), replace=True)
    with progress_bar() as progress:
        certificate = quantize(plan, progress, lambda certificate, folder: None)
    if certificate is not None and not certificate.passed:
        raise BuildError(
            f"{target} was not written, INT8 fails: {certificate.verdict} (the float voice is {floats}; "
            f"edgetts-build quantize {floats} -o FOLDER --report FILE.html shows why)"
        )


def write_floats(s: Settings) -> None:
    """Export, and write the float bundle, with the encoder for enrolment where there is one already."""
    gpt, trainer = load_gpt(s.model), load_decoder(s.model)
    graphs = s.work / "graphs"
    targets = export_gpt(gpt, graphs)
    export_decoder(trainer.decoder, graphs)
    speakers = {}
    for name, (source, text) in SPEAKERS.items():
        prosody = PROSODY.get(source, source)
        ge = _embedding(trainer, Corpus(s.corpus(source)))
        speakers[name] = BundleSpeaker(_features(s.tokens(prosody)), ge, "en", text, prosody in PHRASED)
    provenance = {
        "training": "scripts/train_default_voice",
        "minutes": {"tokenizer": s.tokenizer_minutes, "gpt": s.gpt_minutes, "decoder": s.decoder_minutes,
                    "adversarial": s.adversarial_minutes},
        "data": "CMU ARCTIC voices of Flite and Festival, LJ Speech (public domain), LibriSpeech (CC BY 4.0)",
    }  # fmt: skip
    write_bundle(
        float_bundle(s), "default", graphs, speakers, DEFAULT_SPEAKER, gpt.config, trainer.decoder.config, SAMPLING,
        CARD.read_text(encoding="utf-8"), provenance, _golden(graphs, speakers[DEFAULT_SPEAKER]),
        {"targets": targets, "max_rank": MAX_RANK},
    )  # fmt: skip
