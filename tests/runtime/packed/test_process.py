"""Packing in processes of its own: started by a voice, two at once, killed in the middle."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edge_tts import Voice
from edge_tts.bundle import open_bundle
from edge_tts.engines.packed import background
from tests.runtime.packed.conftest import say, say_plain

ROOT = Path(__file__).resolve().parents[3]
FOUR = ["gpt_prefill", "gpt_step", "latents", "vocoder"]
MAIN = "import sys; from edge_tts.engines.packed.process import main; sys.exit(main(sys.argv[1:]))"
# Stops for good with everything written but the record, and says so.
STUCK = """
import sys, time
from edge_tts.engines.packed import pack
from edge_tts.engines.packed.process import main
real = pack._fill
def fill(folder, *rest):
    real(folder, *rest)
    print("filled", flush=True)
    time.sleep(1000)
pack._fill = fill
main(sys.argv[1:])
"""


@pytest.fixture
def packing(tiny_bundle, cache):
    """Starts a process that packs the tiny voice."""
    arguments = [str(tiny_bundle), open_bundle(tiny_bundle).id, str(cache)]
    running = []

    def start(code=MAIN):
        command = [sys.executable, "-c", code, *arguments]
        running.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def entries(cache):
    return sorted(path.name for path in (cache / "packed").iterdir() if path.name != ".lock")


def speaks_packed(folder, used):
    np.testing.assert_array_equal(say(Voice.load(folder)), say_plain(folder))
    assert used == FOUR


@pytest.fixture
def processes(monkeypatch):
    """The processes that were started."""
    made, real = [], subprocess.Popen

    def popen(*given, **options):
        made.append(real(*given, **options))
        return made[-1]

    monkeypatch.setattr(background.subprocess, "Popen", popen)
    return made


def test_a_voice_starts_it(tiny_bundle, cache, used, processes):
    Voice.load(tiny_bundle)
    (process,) = processes
    assert process.wait() == 0
    assert len(entries(cache)) == 1
    speaks_packed(tiny_bundle, used)
    assert len(processes) == 1


def test_two_at_once(tiny_bundle, cache, packing, used):
    assert [process.wait() for process in (packing(), packing())] == [0, 0]
    assert len(entries(cache)) == 1
    speaks_packed(tiny_bundle, used)


def test_killed_in_the_middle(tiny_bundle, cache, packing, used, started, warnings):
    process = packing(STUCK)
    assert process.stdout.readline() == "filled\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    (half,) = entries(cache)
    assert half.startswith(".unfinished-") and (cache / "packed" / half / "weights").stat().st_size
    np.testing.assert_array_equal(say(Voice.load(tiny_bundle)), say_plain(tiny_bundle))
    assert used == [] and warnings() == [] and len(started) == 1
    assert packing().wait() == 0
    assert half not in entries(cache) and len(entries(cache)) == 1
    speaks_packed(tiny_bundle, used)


def test_while_another_packs_a_voice_speaks(tiny_bundle, cache, packing, used, started):
    process = packing(STUCK)
    assert process.stdout.readline() == "filled\n"
    np.testing.assert_array_equal(say(Voice.load(tiny_bundle)), say_plain(tiny_bundle))
    assert packing().wait() == 0, "the second one leaves it to the first"
    assert used == [] and len(entries(cache)) == 1 and process.poll() is None


def test_it_takes_the_lowest_priority(tiny_bundle, cache, processes, monkeypatch):
    monkeypatch.setattr(background, "_PROGRAM", background._PROGRAM.split("from")[0] + "import time; time.sleep(1000)")
    background.start_packing(open_bundle(tiny_bundle), cache)
    (process,) = processes
    try:
        while os.getpriority(os.PRIO_PROCESS, process.pid) != 19 or os.getpgid(process.pid) != process.pid:
            assert process.poll() is None
            time.sleep(0.01)
        assert os.getsid(process.pid) == os.getsid(0)
    finally:
        process.kill()
        process.wait()


def test_a_bundle_that_was_replaced_is_left_alone(tiny_bundle, cache):
    command = [sys.executable, "-c", MAIN, str(tiny_bundle), "0" * 64, str(cache)]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    assert not cache.exists()


def test_a_bundle_that_is_gone(cache, tmp_path):
    command = [sys.executable, "-c", MAIN, str(tmp_path / "none"), "0" * 64, str(cache)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "can't be packed" in done.stderr


@pytest.mark.parametrize("attribute", ["frozen", "executable"])
def test_a_program_that_can_t_be_started_again(tiny_bundle, cache, monkeypatch, attribute):
    monkeypatch.setattr(sys, attribute, True if attribute == "frozen" else "", raising=False)
    monkeypatch.setattr(background.subprocess, "Popen", None)
    background.start_packing(open_bundle(tiny_bundle), cache)
