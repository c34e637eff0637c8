"""Sentences have the length that was asked for, and all of their time is accounted for."""

import pytest

from build_engines.bench.decode import RANK, Decoding, adapter_of, cost_of, measure_steps, split_context
from build_engines.bench.instrument import STAGES
from build_engines.bench.speech import PARTS


@pytest.mark.parametrize("seconds", [1.0, 4.0])
def test_lengths_are_exact(speech, seconds):
    spoken = speech.text(2, 0, seconds)
    assert spoken.tokens == (25 * seconds, 25 * seconds)
    assert spoken.audio_s == pytest.approx(2 * seconds)


def test_one_long_sentence(speech):
    assert speech.sentence(6.0, 0).tokens == (150,)


def test_a_voice_left_alone_ends_by_itself(speech):
    assert all(11 <= count < 100 for count in speech.text(2, 0, None).tokens)


def test_parts_sum_up(speech):
    spoken = speech.text(1, 0)
    assert set(spoken.parts_s) == set(PARTS)
    assert sum(spoken.parts_s.values()) == pytest.approx(spoken.cpu_s)
    assert all(seconds > 0 for seconds in spoken.parts_s.values())
    assert 0 < spoken.first_s <= spoken.wall_s


def test_every_graph_is_watched(speech):
    before = dict(speech.watch.times.counts)
    speech.text(1, 0, 1.0)
    runs = {stage: speech.watch.times.counts[stage] - before.get(stage, 0) for stage in STAGES}
    assert (runs["prefill"], runs["decode"], runs["latents"]) == (1, 25, 1)  # the last step gives the end
    assert runs["vocoder"] >= 1


def test_steps_at_a_context(speech):
    """The step in the middle looks at as many rows as were asked for."""
    seen = []
    subject = Decoding(speech, adapter_of(speech.bundle))

    class Spying:
        def start(self, context, room):
            generation = subject.start(context, room)
            seen.append(context)
            return generation

        graph_seconds = staticmethod(subject.graph_seconds)

    steps = measure_steps({"a": Spying(), "b": subject}, 80, 6, 2)
    assert seen == [73, 73]  # three tokens and four to warm up before it
    assert set(steps) == {"a", "b"}
    for step in steps.values():
        assert 0 < step.least_ms <= step.ms <= step.most_ms
        assert 0 < step.python_ms < step.ms


def test_a_context_without_room_for_phones(speech):
    with pytest.raises(ValueError, match="18 rows leaves no room"):
        split_context(speech.speaker, 18)
    speaker, phones = split_context(speech.speaker, 30)
    assert len(speaker.prompt_semantic) + len(speaker.prompt_phones) + len(phones) == 30


def test_adapters_fit_every_target(speech):
    adapter = adapter_of(speech.bundle, 3)
    targets = speech.manifest.adapters.targets
    assert set(adapter) == {f"lora_{side}.{target}" for side in "AB" for target in targets}
    assert all(adapter[f"lora_A.{target}"].shape[1] == adapter[f"lora_B.{target}"].shape[0] == 3 for target in targets)


def test_bytes_of_a_step(speech):
    """Two layers of 32 with feed-forwards of 128 in float32; a row of the cache has 2 · 2 · 32 values."""
    context = 40
    cost = cost_of(speech.bundle, "gpt_step", {"context": context, "buffer": 60, "phones": 1}, RANK)
    assert cost.cache == (context + 1) * 4 * 2 * 2 * 32
    matrices = 2 * (32 * 96 + 32 * 32 + 2 * 32 * 128) + 32 * 1025
    assert matrices * 4 < cost.weights < matrices * 4 * 1.15  # biases, norms, positions
    factors = 2 * RANK * (32 + 96 + 32 + 32 + 2 * (32 + 128)) + RANK * (32 + 1025)
    assert cost.adapters == 4 * factors
    assert cost.floor_bytes == cost.weights + cost.adapters + cost.cache + cost.external
