"""The whole run: each section measures one thing and adds its figures to a tree that is ready for JSON.

Sections, in this order: machine, floors, speech, decode, sound, sweeps, profile, torch's part in all of them, and what
processes of their own tell. Times are in the unit of the key's ending, memory in MB of 1e6 bytes.
"""

from __future__ import annotations

import functools
import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from build_engines.bench import separate
from build_engines.bench.acoustic import measure_sound
from build_engines.bench.decode import RANK, Decoding, Subject, adapter_of, cost_of, measure_steps
from build_engines.bench.floors import Machine, operations_ms, transfer_ms
from build_engines.bench.gaps import gaps_of
from build_engines.bench.instrument import STAGES
from build_engines.bench.machine import describe
from build_engines.bench.processes import pack_now, packed_voice
from build_engines.bench.profile import profile_graph, weights_mb
from build_engines.bench.setup import Voices
from build_engines.bench.speech import PARTS, Speech, Spoken, longest_seconds
from build_engines.bench.texts import PHONES_PER_SECOND, SENTENCE_SECONDS
from build_engines.bench.torch_path import TorchVoice
from build_engines.forced import ForcedVoice
from edge_tts.bundle import locate, search_path
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.noise import latent_noise

__all__ = ["FULL", "QUICK", "Effort", "Plan", "measure"]

_GRAPHS = dict(zip(STAGES, ("gpt_prefill", "gpt_step", "latents", "vocoder"), strict=True))


@dataclass(frozen=True)
class Effort:
    """How often, how long, and what floors are measured on. `contexts` in rows of the KV cache, `sentences_s` and
    `texts_s` in seconds of sound."""

    repeat: int
    contexts: tuple[int, ...]
    tokens: int
    sentences_s: tuple[float, ...]
    texts_s: tuple[float, ...]
    utterances: int
    rounds: int
    processes: int
    stream_bytes: int = 256 << 20
    product_size: int = 1024


FULL = Effort(5, (160, 400, 690, 1000, 1500), 20, (1, 2, 4, 8, 15, 30, 60), (4, 8, 16, 32, 60), 500, 4, 5)
QUICK = Effort(2, (160, 400, 690), 16, (1, 4, 15), (4, 16), 30, 1, 2)


@dataclass(frozen=True)
class Plan:
    """`voices` in full size, the name of the small one, a folder for copies, the core to use and a second one for what
    two threads gain (none: it isn't measured)."""

    voices: Voices
    small: str
    work: Path
    core: int | None
    second: int | None
    effort: Effort

    @property
    def cores(self) -> tuple[int, ...]:
        """The core that all but two threads are measured on."""
        return () if self.core is None else (self.core,)


def measure(plan: Plan, told: Callable[[str], None]) -> dict[str, Any]:
    """The tree of figures. `told` is called with what is measured next. Raises EdgeTTSError."""
    run = _Run(plan, told)
    run.speak()
    run.decode()
    run.sound()
    run.sweep()
    run.profile()
    run.against_floors()
    run.free()
    run.tree |= separate.measure(
        plan.voices.int8, plan.small, plan.work, plan.cores, plan.second, plan.effort.processes,
        plan.effort.utterances, max(plan.effort.texts_s), told,
    )  # fmt: skip
    return run.tree


class _Run:
    def __init__(self, plan: Plan, told: Callable[[str], None]) -> None:
        self._effort, self._told = plan.effort, told
        told("floors")
        self.limits = Machine(plan.effort.stream_bytes, plan.effort.product_size)
        self.limits.all(plan.effort.repeat)
        told("packing")
        for folder in (plan.voices.int8, plan.voices.float32, locate(plan.small, search_path(os.environ, Path.home()))):
            pack_now(folder)
        told("loading")
        self.int8, self.plain = Speech(plan.voices.int8), Speech(plan.voices.float32)
        self.torch = None
        if plan.voices.checkpoints is not None:
            files = plan.voices.checkpoints
            self.torch = TorchVoice(files.gpt, files.sovits, self.plain.manifest, self.plain.speaker)
        cost_of(self.int8.bundle, "gpt_step", _step_sizes(1), RANK)  # what can't be counted is found now
        self.tree: dict[str, Any] = {
            "machine": describe(plan.cores), "packed": packed_voice(self.int8.bundle) is not None,
            "voice": self.int8.manifest.name, "small_voice": plan.small,
        }  # fmt: skip

    def speak(self) -> None:
        """Sentences of four seconds and short ones, INT8 and float in turns; the small voice."""
        self._told("sentences of 4 s")
        both = {"int8": self.int8, "float": self.plain}
        says: dict[str, Callable[[int], Spoken]] = {
            name: functools.partial(speech.text, 1) for name, speech in both.items()
        }
        if self.torch is not None:
            says["torch"] = functools.partial(say_in_torch, self.torch, self.plain)
        usual = _in_turns(says, self._effort.repeat)
        self._told("short sentences")
        brief = {name: functools.partial(speech.text, 4, seconds=None) for name, speech in both.items()}
        short = _in_turns(brief, self._effort.repeat)
        self.tree["speech"] = {"usual": usual, "short": short}

    def decode(self) -> None:
        """Steps at several contexts, with the floors of the INT8 ones."""
        self._told("decode steps")
        adapter = adapter_of(self.int8.bundle)
        subjects: dict[str, Subject] = {
            "int8": Decoding(self.int8), "int8_rank8": Decoding(self.int8, adapter), "float": Decoding(self.plain),
            "float_rank8": Decoding(self.plain, adapter),
        }  # fmt: skip
        self.tree["decode"] = rows = []
        for context in self._effort.contexts:
            if context + self._effort.tokens > self.int8.manifest.gpt.max_context:
                continue
            present = dict(subjects)
            if self.torch is not None:
                present["torch"] = self.torch
            taking = functools.partial(self.limits.streams, self._effort.repeat)
            taking()
            steps = measure_steps(present, context, self._effort.tokens, self._effort.rounds, taking)
            cost = cost_of(self.int8.bundle, "gpt_step", _step_sizes(context), RANK)
            rows.append({
                "context": context, "steps": {name: asdict(step) for name, step in steps.items()},
                "bytes": {"weights": cost.weights, "adapters": cost.adapters, "cache": cost.cache,
                          "inputs_and_outputs": cost.external},
                "floor_bytes": cost.floor_bytes,
            })  # fmt: skip
            self._told(f"decode steps at {context}")

    def sound(self) -> None:
        """Tokens to sound, and how near INT8 is."""
        self._told("latents and vocoder")
        int8, plain = (ForcedVoice(speech.bundle, OnnxEngine()) for speech in (self.int8, self.plain))
        self.tree["sound"] = measure_sound(int8, plain, self.torch, self._effort.repeat, lambda: None)

    def sweep(self) -> None:
        """One sentence and then a text of growing length."""
        manifest, speaker = self.int8.manifest, self.int8.speaker
        prompt = len(speaker.prompt_phones) + len(speaker.prompt_semantic)
        longest = longest_seconds(manifest.gpt.max_context, prompt, manifest.token_rate_hz, PHONES_PER_SECOND)
        lengths = sorted({min(seconds, float(longest)) for seconds in self._effort.sentences_s})
        self.tree["longest_sentence_s"] = longest
        self.tree["by_sentence"] = [self._length(seconds, self.int8.sentence) for seconds in lengths]
        self.tree["by_text"] = [
            self._length(seconds, lambda s, seed: self.int8.text(round(s / SENTENCE_SECONDS), seed))
            for seconds in self._effort.texts_s
        ]

    def _length(self, seconds: float, say: Callable[[float, int], Spoken]) -> dict[str, Any]:
        self._told(f"{seconds:g} s of speech")
        repeat = max(1, min(self._effort.repeat, round(20 / seconds)))
        return {"seconds": seconds} | summary([say(seconds, seed) for seed in range(repeat)])

    def profile(self) -> None:
        """Operators of each graph, at a sentence of four seconds, beside what the products need at the floors."""
        self.tree["profile"], packed = {}, packed_voice(self.int8.bundle)
        self.int8.text(1, 0)
        calls = dict(self.int8.watch.calls)
        generation = Decoding(self.int8, adapter_of(self.int8.bundle)).start(400, 4)
        for _ in range(2):
            generation.advance()
        calls["decode"] = self.int8.watch.calls["decode"]
        for stage, name in _GRAPHS.items():
            self._told(f"profile of {name}")
            model = self.int8.bundle.path / self.int8.manifest.graphs[name].file
            runs = 4 * self._effort.repeat
            if packed is not None and name in packed.graphs:
                form = packed.graphs[name]
                operators = profile_graph(packed.folder / form.file, calls[stage], runs, form.settings)
            else:
                operators = profile_graph(model, calls[stage], runs)
            self.tree["profile"][stage] = {
                "ms": sum(item.ms for item in operators), "operators": [asdict(item) for item in operators],
                "weights_mb": weights_mb(model), "sizes": _sizes(stage, calls[stage].inputs),
            }  # fmt: skip
        for stage, name in _GRAPHS.items():
            entry = self.tree["profile"][stage]
            cost = cost_of(self.int8.bundle, name, entry["sizes"], RANK if stage == "decode" else 0)
            entry |= {"operations": cost.operations, "floor_bytes": cost.floor_bytes}

    def against_floors(self) -> None:
        """The floors once more, then what depends on them."""
        self._told("floors again")
        self.limits.all(self._effort.repeat)
        floors = self.limits.floors
        self.tree["floors"] = {
            name: {"rate": best.rate, "most": best.most, "way": best.way, "ways": dict(best.ways)}
            for name, best in (("bandwidth", floors.bandwidth), ("float32", floors.float32), ("int8", floors.int8))
        }  # fmt: skip
        for row in self.tree["decode"]:
            row["floor_ms"] = transfer_ms(row["floor_bytes"], floors)
        for entry in self.tree["profile"].values():
            entry["floor_ms"] = max(
                transfer_ms(entry["floor_bytes"], floors), operations_ms(entry["operations"], floors)
            )
            entry["gaps"] = [asdict(gap) for gap in gaps_of(entry, floors)]

    def free(self) -> None:
        """Lets go of all voices: what follows runs in processes of its own."""
        del self.int8, self.plain, self.torch, self.limits
        gc.collect()


def summary(spoken: Sequence[Spoken]) -> dict[str, Any]:
    """Medians of a few: seconds of core and of clock per second of sound, first sound, seconds by part per second."""
    cpu = [one.cpu_s / one.audio_s for one in spoken]
    return {
        "runs": len(spoken), "audio_s": statistics.median(one.audio_s for one in spoken),
        "tokens": [list(one.tokens) for one in spoken],
        "cpu_ratio": statistics.median(cpu), "cpu_ratio_least": min(cpu), "cpu_ratio_most": max(cpu),
        "wall_ratio": statistics.median(one.wall_s / one.audio_s for one in spoken),
        "wall_s": statistics.median(one.wall_s for one in spoken),
        "first_s": statistics.median(one.first_s for one in spoken),
        "first_least_s": min(one.first_s for one in spoken), "first_most_s": max(one.first_s for one in spoken),
        "parts": {part: statistics.median(one.parts_s[part] / one.audio_s for one in spoken) for part in PARTS},
    }  # fmt: skip


def say_in_torch(torch: TorchVoice, speech: Speech, seed: int) -> Spoken:
    """What `Speech.text` does with one sentence, by PyTorch: it has no stream, so its first sound is its last."""
    manifest = speech.manifest
    start, cpu_start = time.perf_counter(), time.process_time()
    phones = speech.read(1)[0].ids
    phones_s = time.process_time() - cpu_start
    tokens = round(SENTENCE_SECONDS * manifest.token_rate_hz)
    frames, channels = tokens * manifest.decoder.frames_per_token, manifest.decoder.latent_channels
    noise = latent_noise(seed, 0, 0, frames, channels).T * np.float32(manifest.decoder.noise_scale)
    sound = torch.sentence(phones, tokens, np.ascontiguousarray(noise))
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    parts = dict.fromkeys(PARTS, 0.0) | {"phones": phones_s, "python": cpu - phones_s}
    return Spoken(len(sound) / manifest.sample_rate, (float(tokens),), wall, cpu, wall, parts)


def _in_turns(says: Mapping[str, Callable[[int], Spoken]], repeat: int) -> dict[str, dict[str, Any]]:
    """Each in turn with the same seed, `repeat` times; the first round warms up and isn't counted."""
    spoken: dict[str, list[Spoken]] = {name: [] for name in says}
    for seed in range(repeat + 1):
        for name, say in says.items():
            spoken[name].append(say(seed))
    return {name: summary(found[1:]) for name, found in spoken.items()}


def _step_sizes(context: int) -> dict[str, int]:
    return {"context": context, "buffer": context + 1, "phones": 1}


def _sizes(stage: str, inputs: Mapping[str, Any]) -> dict[str, int]:
    """The sizes of a call as build_engines.plan names them."""
    if stage == "prefill":
        return {name: inputs[name].shape[1] for name in ("phones", "prompt") if name in inputs}
    if stage == "decode":
        return _step_sizes(int(inputs["seqlens_k"][0]) + 1)
    if stage == "latents":
        return {"tokens": inputs["codes"].shape[1], "phones": inputs["phones"].shape[1] if "phones" in inputs else 1}
    return {"frames": inputs["z"].shape[2]}
