"""Random numbers that are a pure function of where they are used.

Philox 4x64 is a counter-based generator: a key and a counter give the value, no state is carried along. The key is the
seed and the sentence, the counter says which attempt and step (sampling) or which frame (latents, vocoder). So one seed
gives the same utterance on any machine, a decoder window sees the same noise wherever it begins, and a retry sees other
noise.

Only the generator's raw 64-bit words are used, whose stream numpy guarantees; its distributions may change between
versions, so exponential and normal values are made here.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

__all__ = ["SEEDS", "SamplingNoise", "frame_noise", "latent_noise", "sampling_noise"]

SEEDS = 1 << 64  # seeds are 0..SEEDS-1

_WORDS_PER_BLOCK = 4
_STEPS_AHEAD = 8
_THREAD = threading.local()
_SAMPLING, _FRAMES, _LATENTS = 0, 1, 2


def sampling_noise(seed: int, sentence: int, attempt: int, step: int, size: int) -> NDArray[np.float32]:
    """Exp(1) values float32 [size] for one sampling step; never zero, so that dividing by them is safe."""
    return _exponential(_fractions(_words(seed, sentence, [0, step, attempt, _SAMPLING], size)))


class SamplingNoise:
    """`sampling_noise` of one sentence, made some steps ahead.

    A decode step leaves nothing of what lies between two steps in the processor's cache: the noise of one step takes
    75 microseconds there, a step's share of eight at once 30.
    """

    def __init__(self, seed: int, sentence: int) -> None:
        self._seed, self._sentence = seed, sentence
        self._place = (-1, -1, -1)  # attempt, first step, size of what is there
        self._rows: NDArray[np.float32] = np.zeros((0, 0), np.float32)

    def __call__(self, attempt: int, step: int, size: int) -> NDArray[np.float32]:
        """Exp(1) values float32 [size], the same as `sampling_noise` gives."""
        there, first, width = self._place
        if (there, width) != (attempt, size) or not first <= step < first + _STEPS_AHEAD:
            steps = range(step, step + _STEPS_AHEAD)
            raw = [_words(self._seed, self._sentence, [0, number, attempt, _SAMPLING], size) for number in steps]
            self._rows, first = _exponential(_fractions(np.stack(raw))), step
            self._place = (attempt, step, size)
        row: NDArray[np.float32] = self._rows[step - first]
        return row


def frame_noise(seed: int, sentence: int, start: int, stop: int, samples_per_frame: int) -> NDArray[np.float32]:
    """What the vocoder takes: standard normal values float32 [stop - start, samples_per_frame].

    A frame's values depend on its absolute number only.
    """
    return _normal(seed, sentence, start, stop, samples_per_frame, _FRAMES)


def latent_noise(seed: int, sentence: int, start: int, stop: int, channels: int) -> NDArray[np.float32]:
    """What the latents take: the same, [stop - start, channels], of a stream of its own."""
    return _normal(seed, sentence, start, stop, channels, _LATENTS)


def _normal(seed: int, sentence: int, start: int, stop: int, width: int, stream: int) -> NDArray[np.float32]:
    """Box-Muller over pairs of words."""
    blocks = -(-width // _WORDS_PER_BLOCK)
    words = blocks * _WORDS_PER_BLOCK
    uniform = _fractions(_words(seed, sentence, [start * blocks, 0, 0, stream], (stop - start) * words))
    pairs = uniform.astype(np.float32).reshape(stop - start, words // 2, 2)
    # Rounding to float32 may reach 1, never 0: the logarithm stays finite.
    radius = np.sqrt(-2.0 * np.log(pairs[..., 0]))
    angle = np.float32(2 * np.pi) * pairs[..., 1]
    normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    frames: NDArray[np.float32] = normal.reshape(stop - start, words)[:, :width].astype(np.float32)
    return frames


def _generator(place: dict[str, NDArray[np.uint64]]) -> np.random.Philox:
    """This thread's generator, set to a place: a new one would ask the system for a seed that nobody uses."""
    generator: np.random.Philox | None = getattr(_THREAD, "generator", None)
    if generator is None:
        generator = _THREAD.generator = np.random.Philox(key=place["key"])
        _THREAD.state = generator.state
    state = _THREAD.state
    state["state"] = place
    generator.state = state  # with an empty buffer, as it was when it was new
    return generator


def _exponential(uniform: NDArray[np.float64]) -> NDArray[np.float32]:
    exponential: NDArray[np.float32] = np.maximum(-np.log(uniform), 1e-30).astype(np.float32)
    return exponential


def _words(seed: int, sentence: int, counter: list[int], size: int) -> NDArray[np.uint64]:
    """The generator's first words after a counter, uint64 [size]."""
    # The arrays are typed: a plain list of large and small integers would become float64.
    place = {"key": np.array([seed, sentence], np.uint64), "counter": np.array(counter, np.uint64)}
    return np.asarray(_generator(place).random_raw(size), dtype=np.uint64)


def _fractions(raw: NDArray[np.uint64]) -> NDArray[np.float64]:
    """Uniform values in (0, 1), 53 bits each, centred in their cells so that 0 and 1 never occur."""
    uniform: NDArray[np.float64] = ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return uniform
