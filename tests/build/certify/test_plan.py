"""Who says what: bounded, spread, and at least fifty sentences."""

import pytest

from build_engines.certify.plan import LEAST_FREE, forced_jobs, free_jobs

TEXTS = [f"Sentence {number}." for number in range(54)]


@pytest.mark.parametrize(("speakers", "each"), [(1, 12), (3, 12), (8, 6), (40, 4)])
def test_sentences_on_the_same_tokens(speakers, each):
    jobs = forced_jobs({f"s{index}": TEXTS for index in range(speakers)}, 12)
    assert len(jobs) == speakers * each
    first = [text for speaker, text in jobs if speaker == "s0"]
    assert len(set(first)) == each
    assert TEXTS.index(first[-1]) > 35  # spread over the whole list


@pytest.mark.parametrize(("speakers", "each"), [(1, 54), (3, 54), (6, 27), (40, 8)])
def test_sentences_spoken_freely(speakers, each):
    jobs = free_jobs({f"s{index}": TEXTS for index in range(speakers)})
    assert len(jobs) == speakers * each >= LEAST_FREE


def test_many_speakers_share_the_sentences():
    said = {text for _, text in free_jobs({f"s{index}": TEXTS for index in range(7)})}
    assert said == set(TEXTS)


@pytest.mark.parametrize("speakers", [1, 2, 3])
def test_few_texts_are_repeated_until_there_are_fifty(speakers):
    jobs = free_jobs({f"s{index}": TEXTS[:3] for index in range(speakers)})
    assert len(jobs) >= LEAST_FREE
    assert len(forced_jobs({"s": TEXTS[:3]}, 12)) == 3
