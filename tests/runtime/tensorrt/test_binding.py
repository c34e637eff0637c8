"""edge_tts.engines.tensorrt.binding: the decode step on resident state is the float voice's, token for token."""

import gc

import numpy as np
import pytest

from edge_tts.engines.onnx import OnnxEngine
from edge_tts.engines.tensorrt.states import StateLayout
from edge_tts.errors import DeviceError, DeviceLostError, DeviceMemoryError, EngineError, EngineLimitError
from edge_tts.gpt.decoder import GptGraphs
from tests.runtime.tensorrt import tiny
from tests.runtime.tensorrt.conftest import Bench
from tests.runtime.tensorrt.steps import ROUNDED, STEPS, assert_same, gpt_of, play, start
from tests.tiny_bundle import CONTEXT, D, E, H, V


class ByHand:
    """ONNX Runtime on the very graph of the engine; the rows are written by numpy."""

    def __init__(self, classic):
        self._graph = OnnxEngine().load("step", tiny.engine_graph("gpt_step", classic).model())
        self.inputs, self.outputs = self._graph.inputs, self._graph.outputs

    def bind(self, inputs, outputs, states):
        zeros = {n: np.zeros(i.shape, i.dtype) for n, i in self.inputs.items() if n.startswith("lora_")}
        caches = {source: array.astype(np.float16) for source, array in states.values()}

        self._bound = (zeros | inputs, outputs, states, caches)
        return self

    def run(self):
        inputs, outputs, states, caches = self._bound
        made = self._graph.run({**inputs, **caches})
        for name, array in outputs.items():
            array[...] = made[name]
        for name, (source, _) in states.items():
            caches[source][:, :, inputs["seqlens_k"][0]] = made[name][:, :, 0]


def test_what_the_same_graph_gives_by_hand(bench, voice):
    gpt = gpt_of(bench, voice)
    by_hand = GptGraphs(gpt.prefill, ByHand(voice[0]), gpt.spec, True)
    played, wanted = play(start(gpt, voice)), play(start(by_hand, voice))
    # The bucket is larger than the arrays bound here, so sums are taken in another order.
    assert_same(played, wanted, tolerance=1e-4)


@pytest.mark.parametrize("can_capture", [True, False])
def test_token_for_token_what_onnx_runtime_gives(voice, can_capture):
    bench = Bench(can_capture=can_capture)
    assert_same(play(start(gpt_of(bench, voice), voice)), play(start(voice[1], voice)), tolerance=ROUNDED)
    assert bench.device.captures == can_capture
    assert bench.device.launches == (STEPS - 1 if can_capture else 0)
    gc.collect()
    bench.engine.close()
    assert bench.device.held == 0


def test_recorded_or_not_is_the_same(voice):
    played = [play(start(gpt_of(Bench(can_capture=capture), voice), voice)) for capture in (True, False)]
    assert_same(*played)


@pytest.mark.parametrize(("most", "bucket"), [(10, 64), (70, 128), (140, CONTEXT), (1000, CONTEXT)])
def test_the_smallest_bucket_that_has_room(bench, voice, most, bucket):
    decoder = start(gpt_of(bench, voice), voice, most)
    assert decoder._binding._stage._layout.shape == (1, H, bucket, D)
    assert_same(play(decoder, 10), play(start(voice[1], voice, most), 10), tolerance=ROUNDED)


def test_more_rows_than_any_bucket_has(bench, voice):
    step = gpt_of(bench, voice).step
    cache = np.zeros((1, H, CONTEXT + 1, D), np.float16)
    with pytest.raises(EngineLimitError, match=f"needs {CONTEXT + 1} rows, not {CONTEXT}"):
        bind(step, cache)


def bind(step, cache, **others):
    inputs = {
        "token": np.zeros((1, 1), np.int64),
        "position": np.zeros(1, np.int64),
        "pointer": np.zeros(1, np.int64),
        "seqlens_k": np.zeros(1, np.int32),
        "state": np.zeros((1, 3, E), np.float32),
        **others,
    }
    outputs = {"logits": np.zeros((1, V), np.float32), "next_pointer": np.zeros(1, np.int64)}
    names = [f"{kind}_{layer}" for layer in range(2) for kind in ("key", "value")]
    return step.bind(
        {name: array for name, array in inputs.items() if name in step.inputs},
        {name: array for name, array in outputs.items() if name in step.outputs},
        {f"present_{name}": (f"past_{name}", cache.copy()) for name in names},
    )


def test_going_back_gives_what_a_fresh_start_gives(bench, voice):
    gpt = gpt_of(bench, voice)
    decoder = start(gpt, voice)
    play(decoder, 12)
    assert_same(play(decoder, 9), play(start(gpt, voice), 9))


def test_a_float32_cache_is_cast(bench, voice):
    """The prefill may run on ONNX Runtime, whose keys and values are float32."""
    mixed = GptGraphs(voice[1].prefill, gpt_of(bench, voice).step, voice[1].spec, True)
    assert_same(play(start(mixed, voice)), play(start(voice[1], voice)), tolerance=ROUNDED)


def test_the_room_ends(bench, voice):
    decoder = start(gpt_of(bench, voice), voice, 30)
    play(decoder, 30)
    with pytest.raises(EngineError, match="lies outside its cache of"):
        decoder.step(30, 1, 0)
    decoder.step(29, 1, 0)


def test_a_sentence_leaves_nothing_to_the_next(bench, voice):
    gpt = gpt_of(bench, voice)
    fresh = play(start(gpt, voice))
    play(start(gpt, voice, 30, phones=np.arange(100, 120)))
    assert_same(play(start(gpt, voice)), fresh)


def test_the_buffers_of_a_sentence_serve_the_next(bench, voice):
    gpt = gpt_of(bench, voice)
    play(start(gpt, voice))
    before = bench.device.allocations
    play(start(gpt, voice))
    assert bench.device.allocations == before
    # With the same shapes even the recorded graph serves on.
    assert bench.device.captures == 1


def test_other_shapes_are_recorded_anew(bench, voice):
    gpt = gpt_of(bench, voice)
    play(start(gpt, voice))
    play(start(gpt, voice, phones=np.arange(1, 13)))
    # A classic voice's step has no input whose shape follows the sentence.
    assert bench.device.captures == (1 if voice[0] else 2)
    assert len(bench.device._graphs) == 1


def test_two_sentences_take_turns(bench, voice):
    gpt = gpt_of(bench, voice)
    texts = [np.arange(1, 9), np.arange(50, 62)]
    alone = [play(start(gpt, voice, phones=phones)) for phones in texts]
    decoders = [start(gpt, voice, phones=phones) for phones in texts]
    tokens, outputs = [[], []], [[decoder.first] for decoder in decoders]
    for index in range(STEPS):
        for i, decoder in enumerate(decoders):
            last = outputs[i][-1]
            tokens[i].append(int(last.logits[:-1].argmax()))
            made = decoder.step(index, tokens[i][-1], last.pointer)
            outputs[i].append(type(made)(made.logits.copy(), made.pointer))
    for i in (0, 1):
        assert tokens[i] == alone[i][0]


def test_writable_inputs_are_read_at_each_run_and_read_only_ones_once(bench):
    step = bench.load("gpt_step")
    cache = np.zeros((1, H, 64, D), np.float16)
    state = np.ones((1, 3, E), np.float32)
    logits = []
    for writable in (True, False):
        own = state.copy()
        own.flags.writeable = writable
        binding = bind(step, cache, state=own)
        binding.run()
        first = binding._outputs["logits"].copy()
        own.flags.writeable = True
        own[...] = -2
        binding.run()
        logits.append((first, binding._outputs["logits"].copy()))
    assert not np.array_equal(*logits[0]) and np.array_equal(*logits[1])


# --- what can't be bound


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda i, o, s: i.pop("token"), "lacks its input 'token'"),
        (lambda i, o, s: i.pop("seqlens_k"), "lacks its input 'seqlens_k'"),
        (lambda i, o, s: i.update(total_length=np.zeros(1, np.int32)), "has no input 'total_length'"),
        (lambda i, o, s: i.update(state=np.zeros((1, 3, 2 * E), np.float32)[..., ::2]), "'state' must be contiguous"),
        (lambda i, o, s: o.pop("logits"), "lacks its output 'logits'"),
        (lambda i, o, s: o.update(sound=np.zeros(1)), "has no output 'sound'"),
        (
            lambda i, o, s: o.update(logits=np.zeros(V, np.float32)),
            r"'logits' is float32 \[65\], not float32 \[None, 65\]",
        ),
        (lambda i, o, s: s.pop("present_key_0"), "lacks its output 'present_key_0'"),
        (lambda i, o, s: s.update(present_key_0=("past", np.zeros((1, H, 9, D)))), "no state 'past'"),
        (lambda i, o, s: s.update(present_key_0=("past_key_0", np.zeros((1, H, 9, D)))), "of one type and one shape"),
        (lambda i, o, s: s.update(present_key_0=("past_key_0", np.zeros((1, H, 64, 7)))), "can't step on 'past_key_0'"),
    ],
)
def test_what_can_t_be_bound(bench, change, word):
    step = bench.load("gpt_step")
    inputs = {"token": np.zeros((1, 1), np.int64), "seqlens_k": np.zeros(1, np.int32)}
    inputs |= {name: np.zeros(1, np.int64) for name in ("position", "pointer")}
    inputs["state"] = np.zeros((1, 3, E), np.float32)
    outputs = {"logits": np.zeros((1, V), np.float32), "next_pointer": np.zeros(1, np.int64)}
    names = [f"{kind}_{layer}" for layer in range(2) for kind in ("key", "value")]
    states = {f"present_{n}": (f"past_{n}", np.zeros((1, H, 64, D), np.float16)) for n in names}
    change(inputs, outputs, states)
    with pytest.raises(EngineError, match=word) as caught:
        step.bind(inputs, outputs, states)
    assert "\n" not in str(caught.value)


def test_a_step_that_gives_more_than_the_new_row(bench):
    g = tiny.engine_graph("gpt_step")
    node = next(node for node in g.nodes if node.output[0] == "present_key_0")
    node.input[0] = "all_key_0"
    g.nodes = [*(other for other in g.nodes if other is not node), node]
    step = bench.engine.load("gpt_step", tiny.plan(g, tiny.profiles("gpt_step"), bench.trt))
    cache = np.zeros((1, H, 64, D), np.float16)
    held = set()
    for _ in range(3):
        with pytest.raises(EngineError, match=r"'present_key_0' of shape \[1, 2, 65, 8\], not \[1, 2, 1, 8\]"):
            bind(step, cache)
        held.add(bench.engine.held)
    assert len(held) == 1


# --- faults


def test_numbers_that_are_none(bench, voice):
    decoder = start(gpt_of(bench, voice), voice)
    play(decoder, 5)
    bench.trt.faults.output = lambda name, array: array * np.inf if name == "logits" else array
    with pytest.raises(DeviceError, match="numbers that are none in 'logits'"):
        decoder.step(5, 1, 0)


@pytest.mark.parametrize("number", range(1, 12))
def test_no_memory_at_any_allocation(number, voice):
    bench = Bench()
    gpt = gpt_of(bench, voice)
    bench.device.fail_allocation = number
    with pytest.raises(DeviceMemoryError):
        play(start(gpt, voice), 3)
    play(start(gpt, voice), 3)  # there is memory again
    bench.engine.close()
    assert bench.device.held == 0


@pytest.mark.parametrize("number", [*range(1, 60, 3)])
def test_the_context_is_lost_at_any_call(number, voice):
    bench = Bench()
    gpt = gpt_of(bench, voice)
    bench.device.fail_call = number
    with pytest.raises(DeviceLostError):
        play(start(gpt, voice))
    bench.engine.close()
    assert bench.device.held == 0
    with pytest.raises(DeviceLostError):
        start(gpt, voice)


def test_a_step_that_can_t_be_recorded_is_run_plainly(voice):
    bench = Bench()
    gpt = gpt_of(bench, voice)
    decoder = start(gpt, voice)
    whole = play(start(gpt_of(Bench(), voice), voice))

    def refuse(work):
        raise DeviceError("operation not permitted when stream is capturing")

    bench.device.capture = refuse
    assert_same(play(decoder), whole)


def test_one_copy_writes_all_rows_of_a_usual_voice():
    names = tuple((f"past_{i}", f"present_{i}") for i in range(48))
    layout = StateLayout(names, (1, 16, 256, 32), np.dtype(np.float16))
    row = 32 * 2
    assert layout.copies(1 << 20, 1 << 10, 7) == [((1 << 20) + 7 * row, 256 * row, 1 << 10, row, row, 48 * 16)]
    assert layout.cache_bytes == 48 * 16 * 256 * row and layout.row_bytes == 48 * 16 * row
    # Rows of 2 heads of 8 numbers are 32 bytes, which leaves gaps: one copy per state.
    assert len(StateLayout(names, (1, 2, 256, 8), np.dtype(np.float16)).copies(0, 0, 7)) == 48
