"""Sentences side by side: the same sound, the same order, and nothing left when it ends early."""

import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from edge_tts import Voice
from edge_tts.bundle import open_bundle
from edge_tts.engines.onnx import OnnxEngine
from edge_tts.errors import (
    DeadlineError,
    DeviceLostError,
    ParameterError,
    SynthesisError,
    VoiceNotFoundError,
)
from edge_tts.fallback import Spare
from edge_tts.graphs import VoiceGraphs, load_graphs
from edge_tts.side_by_side import AHEAD, _Crew
from edge_tts.stopping import StopSign
from edge_tts.synthesis import Request, Synthesizer
from edge_tts.timing import StageTimes
from tests.runtime.straying import PATIENCE_S, STRAIGHT, Choir, Straying, utterance, wait_for_threads

TEXT = "Hello there. How are you today? I am well. The rain has stopped, and the street is dry."


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) == before


@pytest.fixture(scope="module", params=["tiny_bundle", "classic_bundle", "default"])
def voices(request):
    """The same voice with one, two and three threads."""
    try:
        where = "default" if request.param == "default" else request.getfixturevalue(request.param)
        return [Voice.load(where, threads=threads, engine="onnx") for threads in (1, 2, 3)]
    except VoiceNotFoundError:
        pytest.skip("the default voice is not installed")


def told(chunks):
    return [(chunk.sentence, chunk.sentences, chunk.samples.tobytes()) for chunk in chunks]


def test_the_sound_is_the_same_to_the_bit(voices):
    wanted = told(voices[0].synthesize(TEXT, seed=5))
    assert {sentence for sentence, _, _ in wanted} == {0, 1, 2, 3}
    for voice in (*voices, *voices):
        assert told(voice.synthesize(TEXT, seed=5)) == wanted
    for voice in voices:
        assert told(voice.synthesize(TEXT, seed=6)) != wanted


def test_several_listeners_hear_what_each_would_hear_alone(voices):
    seeds, heard = (1, 2, 3), {}
    alone = {seed: told(voices[0].synthesize(TEXT, seed=seed)) for seed in seeds}

    def listen(seed):
        heard[seed] = told(voices[1].synthesize(TEXT, seed=seed))

    listeners = [threading.Thread(target=listen, args=(seed,)) for seed in seeds]
    for listener in listeners:
        listener.start()
    for listener in listeners:
        listener.join()
    assert heard == alone


@pytest.mark.parametrize("threads", [0, -1, 65, 1.0, "2", None, True])
def test_wrong_numbers_of_threads(tiny_bundle, threads):
    with pytest.raises(ParameterError, match=r"threads must be an integer in 1\.\.64, not "):
        Voice.load(tiny_bundle, threads=threads)


@pytest.fixture(scope="module")
def loaded(tiny_bundle):
    bundle = open_bundle(tiny_bundle)
    return load_graphs(bundle, OnnxEngine()), bundle


@pytest.fixture
def speak(loaded):
    """Six sentences of a choir: (choir, threads, settings of the request) → chunks."""
    graphs, bundle = loaded

    def run(choir, threads, spare=None, **settings):
        synthesizer = Synthesizer(VoiceGraphs(choir, graphs.acoustic, {}), bundle.manifest, spare, threads)
        return synthesizer.speak(
            Request([utterance(number=n) for n in range(6)], bundle.speaker("ada"), 1.0, 1, **settings)
        )

    return run


def straight(number):
    return Straying()


def test_times_are_summed_over_threads(speak):
    times = [StageTimes(), StageTimes()]
    for threads, each in enumerate(times, 1):
        assert list(speak(Choir(straight), threads, times=each))
    assert times[0].counts == times[1].counts and times[0].counts["prefill"] == 6
    assert times[0].counts["decode"] == 6 * (STRAIGHT + 1)
    assert all(seconds > 0 for seconds in times[1].seconds.values())


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(("fork", "rewinds"), [(10_000, 0), (11, 1)])
def test_cancelling_stops_within_one_step(speak, threads, fork, rewinds):
    """At step 25 of the third sentence; also in the middle of mending it."""
    stop, steps = threading.Event(), []

    def cancel(singer):
        if singer is choir.singers.get(2) and singer.rewinds == rewinds and singer.steps >= 25 and not steps:
            steps.append(choir.steps)
            stop.set()

    choir = Choir(lambda number: Straying(fork, on_step=cancel))
    chunks = list(speak(choir, threads, stopped=stop.is_set))
    assert len(steps) == 1 and choir.steps <= steps[0] + threads - 1
    assert all(chunk.sentence <= 2 for chunk in chunks)


@pytest.mark.parametrize(("fork", "rewinds"), [(10_000, 0), (3, 1)])
def test_closing_stops_within_one_step(speak, monkeypatch, fork, rewinds):
    """Two sentences are held in a step until the listener has closed."""
    held, closed, dismiss = threading.Semaphore(0), threading.Event(), _Crew.dismiss

    def hold(singer):
        if singer.steps >= 25 and singer.rewinds == rewinds:
            held.release()
            assert closed.wait(PATIENCE_S)

    def closing(crew):
        crew._dismissed = True
        closed.set()
        dismiss(crew)

    monkeypatch.setattr(_Crew, "dismiss", closing)
    choir = Choir(lambda number: Straying(fork, on_step=hold))
    chunks = speak(choir, 2)
    next(chunks)
    assert held.acquire(timeout=PATIENCE_S) and held.acquire(timeout=PATIENCE_S)
    steps = choir.steps
    chunks.close()
    assert choir.steps == steps and list(chunks) == [] and len(choir.singers) == 2


def test_who_stops_listening_is_not_waited_for(speak):
    """The threads end by themselves with a few sentences made, and the rest is made when it is asked for."""
    choir = Choir(straight)
    chunks = speak(choir, 2)
    heard = [next(chunks)]
    wait_for_threads()
    assert len(choir.singers) == 2 * AHEAD
    assert told(heard + list(chunks)) == told(speak(Choir(straight), 1))


def test_a_program_ends_while_it_holds_half_a_text(tiny_bundle):
    code = "import sys, edge_tts; voice = edge_tts.Voice.load(sys.argv[1], threads=2); "
    code += "chunks = voice.synthesize('One. ' * 50); next(chunks)"
    done = subprocess.run([sys.executable, "-c", code, tiny_bundle], capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_an_error_comes_after_the_sentences_before_it(speak, threads):
    """The third sentence can't be mended."""
    whole = told(speak(Choir(straight), 1))
    failing = Choir(lambda number: Straying(4, "stall", times=99) if number == 2 else Straying())
    heard, chunks = [], speak(failing, threads)
    with pytest.raises(SynthesisError):
        for chunk in chunks:
            heard.append(chunk)
    before = [each for each in whole if each[0] < 2]
    assert told(heard)[: len(before)] == before and list(chunks) == []


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_deadline_ends_it_within_one_step(speak, threads):
    """Every step takes a second."""
    choir = Choir(straight)
    stopped = StopSign(None, 2.5 * STRAIGHT, lambda: float(choir.steps))
    heard, chunks = [], speak(choir, threads, stopped=stopped)
    with pytest.raises(DeadlineError, match="not spoken within 100 s"):
        for chunk in chunks:
            heard.append(chunk)
    assert 2.5 * STRAIGHT <= choir.steps <= 2.5 * STRAIGHT + threads - 1
    assert told(heard) == told(speak(Choir(straight), 1))[: len(heard)] and list(chunks) == []
    assert heard or threads > 1


@pytest.mark.parametrize("threads", [1, 2])
def test_the_deadline_counts_while_nobody_asks(speak, threads):
    now, choir = [0.0], Choir(straight)
    chunks = speak(choir, threads, stopped=StopSign(None, 60, lambda: now[0]))
    next(chunks)
    wait_for_threads()
    now[0], steps = 60.0, choir.steps
    with pytest.raises(DeadlineError):
        next(chunks)
    assert choir.steps == steps


@pytest.mark.parametrize("threads", [1, 2])
def test_what_is_complete_has_met_its_deadline(speak, threads):
    now = [0.0]
    chunks = speak(Choir(straight), threads, stopped=StopSign(None, 60, lambda: now[0]))
    heard = [next(chunks) for _ in told(speak(Choir(straight), 1))]
    now[0] = 61.0
    assert list(chunks) == [] and heard[-1].sentence == 5


@pytest.mark.parametrize("late", [False, True])
def test_windows_of_a_sentence_whose_tokens_are_all_known_are_stopped_too(classic_bundle, late):
    bundle = open_bundle(classic_bundle)
    now, cancel = [0.0], threading.Event()
    request = Request([utterance()], bundle.speaker("ada"), 1.0, 1, StopSign(cancel, 60, lambda: now[0]))
    chunks = Synthesizer(load_graphs(bundle, OnnxEngine()), bundle.manifest).speak(request)
    next(chunks)
    if late:
        now[0] = 60.0
        with pytest.raises(DeadlineError):
            next(chunks)
    else:
        cancel.set()
    assert list(chunks) == []


def test_a_voice_has_a_deadline(tiny_bundle):
    voice = Voice.load(tiny_bundle)
    with pytest.raises(DeadlineError):
        next(voice.synthesize(TEXT, max_seconds=1e-9))
    assert told(voice.synthesize(TEXT, seed=1, max_seconds=1000)) == told(voice.synthesize(TEXT, seed=1))
    with pytest.raises(ParameterError, match="max_seconds"):
        voice.synthesize(TEXT, max_seconds=0)


def test_a_gpu_makes_one_sentence_at_a_time(speak, loaded):
    """Until it fails; then the threads of the processor do."""
    graphs, _ = loaded
    spoken = Choir(straight)
    spare = Spare("tiny", lambda: replace(graphs, gpt=spoken), lambda: None)

    def lose(singer):
        if singer is on_gpu.singers.get(3):
            raise DeviceLostError("the GPU is gone")

    on_gpu = Choir(lambda number: Straying(on_step=lose))
    assert told(speak(on_gpu, 2, spare)) == told(speak(Choir(straight), 1))
    assert on_gpu.threads == spoken.threads == {threading.current_thread()} and len(spoken.singers) == 3
    assert told(speak(on_gpu, 2, spare)) == told(speak(Choir(straight), 1))
    assert len(on_gpu.singers) == 4 and len(spoken.threads) > 1
