"""Hand-made teachers' segments against the front end's phones."""

import numpy as np
import pytest

from build_engines.training.align import Alignment, align, frames_of, words_of

WORDS = {
    "read": [("R", "IY1", "D"), ("R", "EH1", "D")],
    "a": [("AH0",), ("EY1",)],
    "book": [("B", "UH1", "K")],
    "best": [("B", "EH1", "S", "T")],
}


def lookup(word):
    return WORDS.get(word, [])


def timed(text):
    """'pau r eh' → segments that end every tenth of a second; 'x:0.03' ends that much later than the one before."""
    end, found = 0.0, []
    for item in text.split():
        name, _, length = item.partition(":")
        end += float(length or 0.1)
        found.append((name, end))
    return found


def test_the_pronunciation_that_the_teacher_used_is_chosen():
    found = align(["read", "."], timed("pau r eh d pau"), lookup)
    assert found.phones == ("R", "EH1", "D", ".")
    np.testing.assert_allclose(found.ends, [0.2, 0.3, 0.4, 0.5], atol=1e-6)
    assert found.start == pytest.approx(0.1)
    assert align(["read", "."], timed("pau r iy d pau"), lookup).phones == ("R", "IY1", "D", ".")


def test_a_perfect_match_costs_only_the_pause_before():
    assert align(["read", "."], timed("r eh d pau"), lookup).cost == 0
    assert align(["read", "."], timed("pau r eh d pau"), lookup).cost == pytest.approx(0.3 / 4)


def test_an_inserted_pause_becomes_a_comma():
    found = align(["read", "a", "book", "."], timed("r eh d pau:0.2 ax b uh k pau"), lookup)
    assert found.phones == ("R", "EH1", "D", ",", "AH0", "B", "UH1", "K", ".")
    np.testing.assert_allclose(found.ends, [0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0], atol=1e-6)


def test_a_short_gap_lengthens_the_phone_before():
    found = align(["read", "a", "book", "."], timed("r eh d pau:0.03 ax b uh k pau"), lookup)
    assert "," not in found.phones
    assert found.ends[2] == pytest.approx(0.33)


def test_a_comma_that_the_teacher_ran_over_has_no_length():
    found = align(["read", ",", "a", "book", "."], timed("r eh d ax b uh k pau"), lookup)
    assert found.phones == ("R", "EH1", "D", ",", "AH0", "B", "UH1", "K", ".")
    assert found.ends[3] == found.ends[2] == pytest.approx(0.3)


def test_an_elided_phone_has_no_length():
    found = align(["best", "book", "."], timed("b eh s b uh k pau"), lookup)
    assert found.phones[:4] == ("B", "EH1", "S", "T")
    assert found.ends[3] == found.ends[2] == pytest.approx(0.3)


def test_an_extra_segment_lengthens_the_phone_before():
    found = align(["book", "."], timed("b uh k ax pau"), lookup)
    assert found.phones == ("B", "UH1", "K", ".")
    np.testing.assert_allclose(found.ends, [0.1, 0.2, 0.4, 0.5], atol=1e-6)


def test_a_comma_before_the_full_stop_is_dropped():
    found = align(["book", "."], timed("b uh k pau:0.2 ax:0.02 pau"), lookup)
    assert found.phones[-2:] != (",", ".")
    assert (np.diff(found.ends) >= 0).all()


def test_unknown_words_have_no_alignment():
    assert align(["zxq", "."], timed("z pau"), lookup) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", ["hello", ",", "world", "!"]),
        ("It's the dogs' house; no", ["it's", "the", "dogs", "house", ",", "no", "."]),
        ("-- wait -- what?", ["wait", ",", "what", "?"]),
        ("one,. two", ["one", ".", "two", "."]),
        ("end,", ["end", "."]),
        ("", []),
    ],
)
def test_words(text, words):
    assert words_of(text) == words


def test_frames():
    alignment = Alignment(("B", "UH1", "."), np.array([0.02, 0.05, 0.06], np.float32), 0.0, 0.0)
    assert frames_of(alignment, 0.0, 8).tolist() == [0, 0, 1, 1, 1, 2, 2, 2]
    assert frames_of(alignment, 0.03, 3).tolist() == [1, 1, 2]
