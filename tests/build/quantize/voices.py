"""Small voices with speakers, whose GPT and whose graphs are the builder's own: what `quantize` is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch

from build_engines.bundles.distilled import BundleSpeaker, write_bundle
from build_engines.bundles.writer import graph_entry
from build_engines.export import export_gpt
from build_engines.models.gpt import GPT, GPTConfig
from edge_tts.bundle import Sampling, open_bundle
from edge_tts.engines.onnx import OnnxEngine
from tests.build.conftest import DECODER_CONFIG, GPT_CONFIG
from tests.tiny_bundle import F, V, make_bundle, read_manifest, write_manifest

__all__ = ["TEXT", "contents", "distilled", "genuine", "ignore"]

TEXT = "Two boats."
GENUINE = GPTConfig(
    vocab_size=V, hidden_dim=32, head=2, n_layer=2, linear_units=64, feature_dim=F, pointer_window=0, dropout=0.0
)
_SAMPLING = Sampling(top_k=5, top_p=1.0, temperature=0.7, repetition_penalty=1.0, min_tokens=2)


def distilled(target: Path, graphs: Path) -> Path:
    """A bundle of the fixture `exported`'s graphs, with two speakers and a golden of its latents."""
    random = np.random.default_rng(0)
    sizes = GPT_CONFIG.feature_dim, DECODER_CONFIG.ge_dim
    speakers = {
        who: BundleSpeaker(*(random.standard_normal(size) for size in sizes), "en", f"{who}, random")
        for who in ("ada", "bob")
    }
    given = {
        "codes": random.integers(0, 64, (1, 12)), "phones": random.integers(0, 732, (1, 4)),
        "align": (np.arange(12) // 3)[None],
        "condition": random.standard_normal((1, DECODER_CONFIG.ge_dim)).astype(np.float32),
    }  # fmt: skip
    write_bundle(
        target, "small", graphs, speakers, "ada", GPT_CONFIG, DECODER_CONFIG, _SAMPLING, "# Small\n\nRandom weights.\n",
        {"note": "random weights"}, {"latents": _golden(graphs, "latents", given)},
        {"targets": _targets(graphs / "gpt_step.onnx"), "max_rank": 8},
    )  # fmt: skip
    return target


def genuine(folder: Path) -> Path:
    """A GPT as GPT-SoVITS has it, weights beside its graphs, and the tiny bundle's acoustic graphs of that kind."""
    make_bundle(folder, classic=True, name="genuine")
    torch.manual_seed(0)
    targets = export_gpt(GPT(GENUINE).eval(), folder / "graphs")
    manifest = read_manifest(folder)
    for name in ("gpt_prefill", "gpt_step"):
        manifest["graphs"][name] = graph_entry(folder, f"graphs/{name}.onnx")
    manifest["gpt"] |= {"layers": GENUINE.n_layer, "heads": GENUINE.head, "head_dim": 16}
    manifest["adapters"] = {"targets": list(targets), "max_rank": 8}
    random = np.random.default_rng(0)
    given = {
        "phones": random.integers(0, 732, (1, 6)), "prompt": random.integers(0, V - 1, (1, 4)),
        "features": random.standard_normal((1, 6, F)).astype(np.float32),
    }  # fmt: skip
    (folder / "golden" / "latents.npz").unlink()
    np.savez_compressed(folder / "golden" / "gpt_prefill.npz", **_golden(folder / "graphs", "gpt_prefill", given))
    write_manifest(folder, manifest)
    open_bundle(folder)
    return folder


def _targets(graph: Path) -> list[str]:
    inputs = [value.name for value in onnx.load(str(graph), load_external_data=False).graph.input]
    return [name.removeprefix("lora_A.") for name in inputs if name.startswith("lora_A.")]


def _golden(graphs: Path, name: str, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    made = OnnxEngine().load(name, graphs / f"{name}.onnx").run(given)
    return {f"in_{key}": value for key, value in given.items()} | {f"out_{key}": value for key, value in made.items()}


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def ignore(*_: object) -> None:
    """Hears what happens and does nothing."""
