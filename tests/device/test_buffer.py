"""The signal between synthesis and sound device: nothing lost, nothing doubled, no jumps."""

import threading

import numpy as np
import pytest

from device.buffer import SampleBuffer

FADE = 20


def make(capacity=10_000, prebuffer=100, lead_in=0):
    buffer = SampleBuffer(capacity=capacity, prebuffer=prebuffer, lead_in=lead_in, fade=FADE)
    buffer.begin()
    return buffer


def fill(buffer, samples):
    """Push from a thread, as the worker does: `push` waits for the reader."""
    thread = threading.Thread(target=buffer.push, args=(np.asarray(samples, dtype=np.float32), 5.0))
    thread.start()
    return thread


def drain(buffer, block=64, limit=400):
    out = []
    for _ in range(limit):
        out.append(buffer.pull(block))
        if not any(np.any(part) for part in out[-3:]) and len(out) > 3:
            break
    return np.concatenate(out)


def jump(signal):
    return float(np.max(np.abs(np.diff(signal, prepend=0.0, append=0.0))))


def test_all_samples_come_out_in_order_with_faded_edges():
    buffer = make()
    ones = np.ones(1000, dtype=np.float32)
    thread = fill(buffer, ones)
    head = buffer.pull(64)
    while not head.any():
        head = buffer.pull(64)
    thread.join()
    buffer.end()
    out = np.trim_zeros(np.concatenate((head, drain(buffer))))
    assert abs(out.size - 1000) <= 2
    assert np.all(out[FADE:-FADE] == 1.0)
    assert jump(out) < 1.5 / FADE
    assert buffer.wait_drained(1.0)


@pytest.mark.parametrize("block", [1, 7, 64, 480, 5000])
@pytest.mark.parametrize("length", [1, 19, 20, 21, 101, 479, 481, 1000])
def test_every_length_ends_without_a_jump(block, length):
    buffer = make()
    thread = fill(buffer, np.ones(length))
    buffer_done = threading.Thread(target=lambda: (thread.join(), buffer.end()))
    buffer_done.start()
    out = []
    while buffer_done.is_alive() or len(out) < 5:
        out.append(buffer.pull(block))
    out.append(drain(buffer, block, 3000))
    signal = np.concatenate(out)
    assert np.count_nonzero(signal) >= length - 2
    assert np.count_nonzero(signal) <= length
    if length > 2 * FADE:
        assert jump(signal) < 1.5 / FADE


def test_the_callers_array_is_left_alone():
    buffer = make(prebuffer=1)
    samples = np.ones(200, dtype=np.float32)
    thread = fill(buffer, samples)
    while not buffer.begun:
        buffer.pull(10)
    thread.join()
    assert np.all(samples == 1.0)


def test_speech_waits_for_the_lead_in_and_the_prebuffer():
    buffer = make(prebuffer=100, lead_in=150)
    buffer.push(np.ones(60, dtype=np.float32), 1.0)
    assert not buffer.pull(100).any()
    thread = fill(buffer, np.ones(60))
    signal = buffer.pull(100)
    thread_alive_until_begun = fill(buffer, np.ones(500))
    signal = np.concatenate((signal, buffer.pull(100), buffer.pull(100)))
    thread.join()
    thread_alive_until_begun.join()
    first = int(np.argmax(signal > 0))
    assert first >= 50  # the rest of the lead-in
    assert buffer.begun


def test_an_underrun_fades_out_and_in_and_is_counted():
    buffer = make(prebuffer=50)
    thread = fill(buffer, np.ones(300))
    out = []
    while not buffer.begun or len(out) < 10:
        out.append(buffer.pull(64))
    thread.join()
    assert buffer.underruns == 1
    thread = fill(buffer, np.ones(300))
    thread.join()
    buffer.end()
    out.append(drain(buffer))
    signal = np.concatenate(out)
    assert jump(signal) < 1.5 / FADE
    assert 594 <= np.count_nonzero(signal) <= 600


def test_abort_fades_out_at_once_and_wakes_the_writer():
    buffer = make(capacity=500)
    results = []
    ones = np.ones(5000, dtype=np.float32)
    thread = threading.Thread(target=lambda: results.append(buffer.push(ones, 5.0)))
    thread.start()
    out = []
    while not buffer.begun:
        out.append(buffer.pull(64))
    buffer.abort()
    thread.join(2.0)
    assert results == [False]
    tail = drain(buffer)
    signal = np.concatenate((*out, tail))
    assert np.count_nonzero(tail) <= FADE
    assert jump(signal) < 1.5 / FADE
    assert buffer.wait_drained(1.0) is False
    # The next utterance starts afresh.
    buffer.begin()
    thread = fill(buffer, np.ones(200))
    while not buffer.begun:
        buffer.pull(10)
    thread.join()


def test_a_device_that_takes_nothing_is_noticed():
    buffer = make(prebuffer=10)
    with pytest.raises(TimeoutError):
        buffer.push(np.ones(100, dtype=np.float32), 0.05)
    buffer.end()
    with pytest.raises(TimeoutError):
        buffer.wait_drained(0.05)


def test_silence_when_there_is_nothing_to_say():
    assert not make().pull(256).any()
