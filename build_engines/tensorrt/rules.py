"""How the inputs of a voice's graphs are made for golden vectors: ids within their range, caches half full, noise.

Names are those of docs/bundle.md. Sizes are taken from the graph's own inputs.
"""

from __future__ import annotations

from edge_tts.bundle.spec import GraphEntry, Manifest
from edge_tts.engines.golden_inputs import Bell, Below, Filled, Rule, SizeOf
from edge_tts.text.symbols import TABLES

__all__ = ["input_rules"]


def input_rules(manifest: Manifest, entry: GraphEntry) -> dict[str, Rule]:
    """A rule for every input of one of the four graphs."""
    rules: dict[str, Rule] = {name: Bell() for name in entry.inputs}
    tokens = manifest.gpt.eos
    known: dict[str, Rule] = {
        "phones": Below(len(TABLES[manifest.symbols])),
        "prompt": Below(tokens),
        "token": Below(tokens),
        "codes": Below(tokens),
        "position": Below(manifest.gpt.max_context),
    }
    if "past_key_0" in entry.inputs:
        known["seqlens_k"] = Filled(_size(entry, "past_key_0", 2))
    if "state" in entry.inputs:
        known["pointer"] = Below(_size(entry, "state", 1))
    if "align" in entry.inputs:
        known["align"] = Below(_size(entry, "phones", 1))
    if "noise" in entry.inputs and len(entry.inputs["noise"].shape) == 3:  # of the latents; the vocoder's has scale 1
        known["frames"] = SizeOf(str(_size(entry, "noise", 2)))
        known["noise"] = Bell(manifest.decoder.noise_scale or 1.0)
    return rules | {name: rule for name, rule in known.items() if name in rules}


def _size(entry: GraphEntry, name: str, axis: int) -> int | str:
    return entry.inputs[name].shape[axis]
