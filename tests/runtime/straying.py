"""A GPT that can be made to go wrong, for whole sentences on a real acoustic decoder."""

import threading

import numpy as np

from edge_tts.gpt.decoder import StepOutput
from edge_tts.synthesis import Utterance
from tests.tiny_bundle import TOKENS_PER_PHONE, V

EOS = V - 1
PHONES = 20
STRAIGHT = PHONES * TOKENS_PER_PHONE
SAMPLES_PER_TOKEN = 960
PATIENCE_S = 10.0


def utterance(written="A sentence.", number=0):
    """Its first phone says its number."""
    return Utterance(written, np.arange(number + 1, number + 1 + PHONES), (False,) * (PHONES - 1) + (True,))


def joined(chunks):
    return np.concatenate([chunk.samples for chunk in chunks])


def wait_for_threads():
    """Until those that make sentences have ended by themselves."""
    for thread in threading.enumerate():
        if thread.name == "edge-tts-sentence":
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


class Straying:
    """A GPT whose pointer walks two tokens per phone. From token `fork` on it goes wrong, until it was taken back to an
    earlier token `times` times: the pointer stays where it is (`stall`), or the end comes six tokens later (`early`).
    `on_step` is called with it at every step.
    """

    def __init__(self, fork=10_000, fault="stall", times=1, on_step=lambda straying: None):
        self.fork, self.fault, self.times, self.on_step = fork, fault, times, on_step
        self.steps = self.rewinds = 0
        self.has_pointer = True

    def start(self, ids, features, speaker, max_tokens):
        self.capacity, self.last, self.progress = max_tokens, 2 * len(ids) - 1, [0]
        self.first = self.output(0)
        return self

    def step(self, index, token, pointer):
        assert pointer == self.pointer(index) and index < len(self.progress)
        self.steps += 1
        self.rewinds += index + 1 < len(self.progress)
        stays = self.fault == "stall" and self.strays(index)
        self.progress[index + 1 :] = [self.progress[index] + (not stays)]
        self.on_step(self)
        return self.output(index + 1)

    def strays(self, index):
        return index >= self.fork and self.rewinds < self.times

    def pointer(self, index):
        return min(self.progress[index], self.last) // TOKENS_PER_PHONE

    def ends(self, index):
        early = self.fault == "early" and self.strays(index) and index >= self.fork + 6
        return early or self.progress[index] > self.last

    def output(self, index):
        logits = np.full(V, -50, np.float32)
        logits[2 + index * 7 % 60] = 0
        if self.ends(index):
            logits[EOS] = 10
        return StepOutput(logits, self.pointer(index))


class Choir:
    """A GPT for several sentences at once: each has a `Straying` of its own, `singer(its number)`."""

    has_pointer = True

    def __init__(self, singer):
        self.singer, self.lock, self.singers, self.threads = singer, threading.Lock(), {}, set()

    def start(self, ids, *more):
        number = int(ids[0]) - 1
        with self.lock:
            self.singers[number] = self.singer(number)
            self.threads.add(threading.current_thread())
        return self.singers[number].start(ids, *more)

    @property
    def steps(self):
        with self.lock:
            return sum(singer.steps for singer in self.singers.values())
