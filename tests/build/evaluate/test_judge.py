import numpy as np
import pytest

from build_engines.evaluate.judge import edit_distance, heard, normalized_words


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("abc", "abc", 0), ("ab", "ba", 2)],
)
def test_edit_distance(a, b, distance):
    assert edit_distance(a, b) == edit_distance(b, a) == distance


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("It's twenty-one o'clock.", ["it's", "twenty", "one", "o'clock"]),
        ("the dogs' 'quoted' house", ["the", "dogs", "quoted", "house"]),
        ("'", []),
    ],
)
def test_normalized_words(text, words):
    assert normalized_words(text) == words


def test_silence_has_hardly_a_word():
    pytest.importorskip("pocketsphinx")
    assert len(heard(np.zeros(16_000, np.float32), 16_000)) <= 1  # its language model may guess one
