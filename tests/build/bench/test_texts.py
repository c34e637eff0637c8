"""What is said has the length that it is said to have."""

import numpy as np
import pytest

from build_engines.bench.speech import longest_seconds
from build_engines.bench.texts import PHONES_PER_SECOND, SENTENCE_SECONDS, joined, text_of
from edge_tts.synthesis import Utterance


def test_sentences_of_twelve_words():
    sentences = [sentence for sentence in text_of(24).split(".") if sentence]
    assert len(sentences) == 24
    assert {len(sentence.split()) for sentence in sentences} == {12}
    assert len({sentence.strip() for sentence in sentences}) == 12


def test_their_phones(speech):
    counts = [len(utterance.ids) for utterance in speech.read(12)]
    assert len(counts) == 12
    assert np.mean(counts) / SENTENCE_SECONDS == pytest.approx(PHONES_PER_SECOND, rel=0.05)


def test_joined():
    parts = [Utterance("a", np.arange(40), (False,) * 40), Utterance("b", np.arange(40, 80), (True,) * 40)]
    one = joined(parts, 6)
    assert one.ids.tolist() == list(range(69))
    assert one.pauses == (False,) * 40 + (True,) * 29
    with pytest.raises(ValueError, match="80 phones are too few"):
        joined(parts, 8)


def test_the_longest_sentence_fits():
    longest = longest_seconds(2048, 160, 25.0, 11.5)
    assert longest == 51
    assert 160 + longest * (25.0 + 11.5) + 2 <= 2048 < 160 + (longest + 1) * (25.0 + 11.5) + 2
