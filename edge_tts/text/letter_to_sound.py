"""Reads words that no dictionary knows: letters to phones with stress, by a small convolution network in numpy.

Each letter gets one chunk of 0..2 phones; the network is five residual convolutions over the letters (trained on
CMUdict by `build_engines.training.g2p`). It sees eight letters to each side, and its cost is linear in the word's
length. File: a numpy `.npz` of int8 matrices [in, out], one float32 scale per output, biases, and the chunk names.
"""

import io
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

__all__ = ["LAYERS", "LetterToSound", "letter_to_sound"]

LAYERS = ((5, 1), (5, 1), (3, 1), (3, 2), (3, 1))
"""Kernel width and dilation of each residual convolution; part of the file format."""

_MAX_LETTERS = 32
"""Longer words are read in pieces of this many letters."""

Pronunciation = tuple[str, ...]
Floats = NDArray[np.float32]


class LetterToSound:
    """The model: `arrays` as in the file, `chunks` the phones that each output stands for."""

    def __init__(self, arrays: Mapping[str, NDArray[np.generic]], chunks: tuple[Pronunciation, ...]) -> None:
        self._arrays = dict(arrays)
        self._chunks = chunks
        self._stress = np.array([_stress_of(chunk) for chunk in chunks])
        self._biases = {name: array.astype(np.float32) for name, array in arrays.items() if name.endswith("_bias")}
        self._letters = self._matrix("letters")
        self._scores = self._matrix("scores")
        size = self._letters.shape[1]
        # One matrix per tap: such small products stay on the calling thread of any BLAS.
        self._layers = [self._matrix(f"layer{number}").reshape(-1, size, size) for number in range(len(LAYERS))]

    def _matrix(self, name: str) -> Floats:
        return self._arrays[name].astype(np.float32) * self._arrays[name + "_scale"].astype(np.float32)

    def phones(self, word: str) -> Pronunciation:
        """Phones for a word of letters a–z; other characters are skipped. Empty if it has no letter."""
        letters = [ord(letter) - 96 for letter in word.lower() if "a" <= letter <= "z"]
        pieces = [letters[start : start + _MAX_LETTERS] for start in range(0, len(letters), _MAX_LETTERS)]
        return tuple(phone for piece in pieces for phone in self._read(piece))

    def _read(self, letters: list[int]) -> list[str]:
        scores = self._network(np.array([0, *letters, 0]))[1:-1]
        picks = scores.argmax(axis=1)
        stressed = np.flatnonzero(self._stress[picks] == 1)
        if len(stressed) == 0:
            picks = self._add_stress(scores, picks)
        phones = [[*self._chunks[pick]] for pick in picks]
        if len(stressed) > 1:
            best = max(stressed, key=lambda place: float(scores[place, picks[place]] - scores[place].mean()))
            for place in stressed:
                if place != best:
                    phones[place] = [phone.replace("1", "2") for phone in phones[place]]
        return [phone for chunk in phones for phone in chunk]

    def _add_stress(self, scores: Floats, picks: NDArray[np.intp]) -> NDArray[np.intp]:
        """A word has one primary stress: give it to the vowel where that costs least."""
        vowels = np.flatnonzero(self._stress[picks] >= 0)
        if len(vowels) == 0:
            return picks
        primary = np.flatnonzero(self._stress == 1)
        best = primary[scores[:, primary].argmax(axis=1)]
        loss = scores[vowels, picks[vowels]] - scores[vowels, best[vowels]]
        place = vowels[loss.argmin()]
        picks = picks.copy()
        picks[place] = best[place]
        return picks

    def _network(self, letters: NDArray[np.intp]) -> Floats:
        """Chunk scores [length, chunks] for letter numbers [length], 0 at both edges."""
        x: Floats = self._letters[letters]
        for number, (width, step) in enumerate(LAYERS):
            sums = np.tile(self._biases[f"layer{number}_bias"], (len(x), 1))
            for tap, weights in enumerate(self._layers[number]):
                shift = step * (tap - width // 2)
                start, end = max(0, -shift), min(len(x), len(x) - shift)
                if start < end:
                    sums[start:end] += x[start + shift : end + shift] @ weights
            x = x + np.maximum(sums, 0)
        return np.asarray(x @ self._scores + self._biases["scores_bias"], dtype=np.float32)

    def to_bytes(self) -> bytes:
        """The model file's contents."""
        names = "\n".join(" ".join(chunk) for chunk in self._chunks).encode("ascii")
        out = io.BytesIO()
        np.savez_compressed(out, chunks=np.frombuffer(names, dtype=np.uint8), **self._arrays)  # type: ignore[arg-type]
        return out.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "LetterToSound":
        """The model in a file's contents, as `to_bytes` wrote them."""
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        names = arrays.pop("chunks").tobytes().decode("ascii")
        return cls(arrays, tuple(tuple(name.split()) for name in names.split("\n")))


def _stress_of(chunk: Pronunciation) -> int:
    """Stress digit of the chunk's vowel; -1 if it has none."""
    return next((int(phone[-1]) for phone in chunk if phone[-1].isdigit()), -1)


@cache
def _bundled() -> LetterToSound:
    return LetterToSound.from_bytes(resources.files(__package__).joinpath("data/letter_to_sound.npz").read_bytes())


@lru_cache(maxsize=1024)
def letter_to_sound(word: str) -> Pronunciation:
    """Phones of an unknown word by the model that comes with the package."""
    return _bundled().phones(word)
