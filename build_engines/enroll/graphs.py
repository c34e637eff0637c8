"""The graphs of a bundle that make speaker tokens, loaded one at a time: each is run once or twice and then dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from build_engines.errors import BuildError
from edge_tts.bundle import Bundle
from edge_tts.engines import Engine, Graph
from edge_tts.engines.api import Array
from edge_tts.text_features import TextFeatures

__all__ = ["EnrolmentGraphs", "Needs"]

_INPUTS = {"semantic": {"ssl"}, "condition": {"ge"}}
_OUTPUTS = {"semantic": {"codes"}, "reference": {"ge"}, "condition": {"latents_condition", "vocoder_condition"}}
_REFERENCES = ({"audio"}, {"spectrum"}, {"spectrum", "speaker_vector"})


@dataclass(frozen=True)
class Needs:
    """What a voice wants to know of a reference.

    `prompt`: its words and semantic tokens, so a text and HuBERT. `speaker_vector`: what the speaker-verification
    network makes of it. A voice that needs neither has its own encoder, which takes the audio itself.
    """

    prompt: bool
    speaker_vector: bool


class EnrolmentGraphs:
    """The manifest's key `enrollment`, checked, and what its graphs compute."""

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        """Raises BuildError: the bundle has no such graphs, or they take and give something else than they should."""
        self._bundle, self._engine = bundle, engine
        entries = bundle.manifest.enrollment
        if "reference" not in entries:
            raise BuildError(f"{bundle.path} can't enroll speakers, it has no graph for it: import the voice again")
        inputs = set(entries["reference"].inputs)
        if inputs not in _REFERENCES:
            raise BuildError(f"{bundle.path}: the graph 'reference' takes {', '.join(sorted(inputs))}: import it again")
        self.needs = Needs("spectrum" in inputs, "speaker_vector" in inputs)
        for name in (*_OUTPUTS,) if self.needs.prompt else entries:
            entry = entries.get(name)
            found = None if entry is None else (set(entry.inputs), set(entry.outputs))
            if found != (_INPUTS.get(name, inputs), _OUTPUTS[name]):
                raise BuildError(f"{bundle.path}: the graph {name!r} is missing or another one: import the voice again")

    def codes(self, ssl: NDArray[np.float32]) -> NDArray[np.int64]:
        """HuBERT features [1, 768, T50] → semantic tokens [T25]."""
        return np.asarray(self._run("semantic", [{"ssl": ssl}])[0]["codes"], np.int64).reshape(-1)

    def embeddings(self, references: Sequence[Mapping[str, Array]]) -> list[NDArray[np.float32]]:
        """The speaker embedding ge [G] of each reference, given as the inputs of the graph."""
        return [np.asarray(found["ge"], np.float32).reshape(-1) for found in self._run("reference", references)]

    def conditions(self, ge: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """ge [G] → what `latents` [A] and `vocoder` [B] are told of the speaker; without a graph for it, ge itself."""
        if "condition" not in self._bundle.manifest.enrollment:
            return ge, ge
        found = self._run("condition", [{"ge": ge[None]}])[0]
        latents, vocoder = (np.asarray(found[f"{name}_condition"], np.float32) for name in ("latents", "vocoder"))
        return latents.reshape(-1), vocoder.reshape(-1)

    def text_features(self, language: str) -> TextFeatures | None:
        """The language's text features, if the bundle has any."""
        entry = self._bundle.manifest.text_features.get(language)
        if entry is None:
            return None
        model, _ = self._bundle.graph(entry.graph)
        graph = self._engine.load(f"text_features.{language}", model)
        return TextFeatures(graph, self._bundle.read(entry.vocabulary))

    def _run(self, name: str, feeds: Sequence[Mapping[str, Array]]) -> list[dict[str, Array]]:
        model, _ = self._bundle.graph(self._bundle.manifest.enrollment[name])
        graph: Graph = self._engine.load(name, model)
        return [graph.run(feed) for feed in feeds]
