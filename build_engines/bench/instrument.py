"""A stopwatch around each graph of a voice, so that what is not a graph's time is Python's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from edge_tts.engines import Graph, TensorInfo
from edge_tts.engines.api import Array, Binding
from edge_tts.graphs import VoiceGraphs
from edge_tts.timing import StageTimes

__all__ = ["STAGES", "Call", "Timed", "Watch", "watched"]

_CERTAIN = 1e4
STAGES = ("prefill", "decode", "latents", "vocoder")
"""The stage that each of the four graphs is."""


@dataclass(frozen=True)
class Call:
    """What a graph was given; outputs and states only where buffers were bound (edge_tts.engines.api)."""

    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array] = field(default_factory=dict)
    states: Mapping[str, tuple[str, Array]] = field(default_factory=dict)


class Watch:
    """`times` are the graphs' seconds of core and runs by stage; `calls` the last call of each stage.

    A step at `last_position` or later (None: no step) is made to say that the end comes next.
    """

    def __init__(self) -> None:
        self.times = StageTimes(time.process_time)
        self.last_position: int | None = None
        self.calls: dict[str, Call] = {}

    def seconds(self) -> dict[str, float]:
        """Seconds of each stage so far."""
        return {stage: self.times.seconds[stage] for stage in STAGES}


class Timed:
    """A graph that is watched."""

    def __init__(self, graph: Graph, stage: str, watch: Watch) -> None:
        self._graph, self._stage, self._watch = graph, stage, watch

    @property
    def inputs(self) -> Mapping[str, TensorInfo]:
        """Every input by name."""
        return self._graph.inputs

    @property
    def outputs(self) -> Mapping[str, TensorInfo]:
        """Every output by name."""
        return self._graph.outputs

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Runs the graph."""
        self._watch.calls[self._stage] = Call(inputs)
        with self._watch.times.measure(self._stage):
            return self._graph.run(inputs)

    def bind(
        self, inputs: Mapping[str, Array], outputs: Mapping[str, Array], states: Mapping[str, tuple[str, Array]]
    ) -> Binding:
        """Binds the graph's buffers."""
        self._watch.calls[self._stage] = Call(inputs, outputs, states)
        return _TimedBinding(self._graph.bind(inputs, outputs, states), self._stage, self._watch, inputs, outputs)


class _TimedBinding:
    def __init__(
        self, binding: Binding, stage: str, watch: Watch, inputs: Mapping[str, Array], outputs: Mapping[str, Array]
    ) -> None:
        self._binding, self._stage, self._watch, self._inputs, self._outputs = binding, stage, watch, inputs, outputs
        self._position, self._logits = inputs["position"], outputs["logits"]

    def run(self) -> None:
        """Runs the graph on the bound buffers."""
        with self._watch.times.measure(self._stage):
            self._binding.run()
        if self._watch.last_position is not None and self._position[0] >= self._watch.last_position:
            self._logits[0, -1] = _CERTAIN  # the end is a vocabulary's last token

    def rebind(self, states: Mapping[str, tuple[str, Array]]) -> None:
        """Goes on with other states."""
        self._watch.calls[self._stage] = Call(self._inputs, self._outputs, states)
        self._binding.rebind(states)


def watched(graphs: VoiceGraphs, watch: Watch) -> VoiceGraphs:
    """The same graphs, each with the stopwatch of its stage."""
    gpt, acoustic = graphs.gpt, graphs.acoustic
    return replace(
        graphs,
        gpt=replace(gpt, prefill=Timed(gpt.prefill, "prefill", watch), step=Timed(gpt.step, "decode", watch)),
        acoustic=replace(
            acoustic,
            latents=Timed(acoustic.latents, "latents", watch),
            vocoder=Timed(acoustic.vocoder, "vocoder", watch),
        ),
    )
