"""Plays a few decode steps of a tiny voice, and compares how they went."""

import numpy as np

from edge_tts.gpt.decoder import GptGraphs

PHONES = np.arange(1, 9)
FEATURES = np.ones((8, 4), np.float32)
STEPS = 20
ROUNDED = 0.05  # of logits up to 6: what rounding the tiny voice's keys and values to float16 does


def gpt_of(bench, voice):
    classic, reference, _ = voice
    return GptGraphs(bench.load("gpt_prefill", classic), bench.load("gpt_step", classic), reference.spec, True)


def start(gpt, voice, most=30, adapter=None, phones=PHONES):
    return gpt.start(phones, FEATURES[:1].repeat(len(phones), 0), voice[2], most, adapter)


def play(decoder, count=STEPS):
    """Greedy tokens, pointers and logits."""
    outputs = [decoder.first]
    tokens = []
    for index in range(count):
        tokens.append(int(outputs[-1].logits[:-1].argmax()))
        output = decoder.step(index, tokens[-1], outputs[-1].pointer)
        outputs.append(type(output)(output.logits.copy(), output.pointer))
    return tokens, [output.pointer for output in outputs], np.stack([output.logits for output in outputs])


def assert_same(left, right, tolerance=0.0):
    assert left[0] == right[0] and left[1] == right[1]
    np.testing.assert_allclose(left[2], right[2], atol=tolerance, rtol=0)
