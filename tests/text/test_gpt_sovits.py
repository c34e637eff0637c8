"""Marks in front of short input, as GPT-SoVITS has them."""

import pytest

from edge_tts.text import Segment, Sentence, front_end
from edge_tts.text.gpt_sovits import padded


def sentence(*segments, written="a long first clause"):
    phones = tuple(phone for segment in segments for phone in segment.phones)
    return Sentence(written, "", phones, tuple(len(segment.phones) for segment in segments), segments)


def test_a_long_sentence_stays_as_it_is():
    (whole,) = front_end("This is long enough.")
    assert padded(whole) is whole
    assert padded(whole, opening=True) is whole


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("Hi.", ". HH AY1 ."),  # with its comma it would have four phones, and fewer than six get a stop instead
        ("Oh!", ", . OW1 !"),  # with the stop it still has fewer than four
        ("Yes.", ". Y EH1 S ."),
        ("Cats.", ". K AE1 T S ."),
        ("Hello.", ". HH AH0 L OW1 ."),
        ("Hello you.", "HH AH0 L OW1 Y UW1 ."),
    ],
)
def test_short_english(text, phones):
    (short,) = front_end(text)
    result = padded(short)
    assert " ".join(result.phones) == phones
    assert sum(result.word_to_phone) == len(result.phones)
    assert result.segments[0].phones == result.phones
    assert result.written == short.written


def test_a_short_run_of_english_gets_a_comma_inside_a_sentence():
    mandarin = Segment("zh", "很好", ("h", "en3", "h", "ao3"), (2, 2))
    result = padded(sentence(mandarin, Segment("en", "ok", ("OW2", "K", "EY1")), mandarin))
    assert result.phones[4:8] == (",", "OW2", "K", "EY1")
    assert result.word_to_phone == (4, 4, 4)


def test_short_mandarin_gets_a_stop_that_is_a_character_too():
    result = padded(sentence(Segment("zh", "好.", ("h", "ao3", "."), (2, 1))))
    assert result.segments[0] == Segment("zh", ".好.", (".", "h", "ao3", "."), (1, 2, 1))
    assert result.word_to_phone == (4,)


def test_a_mark_in_front_becomes_the_stop():
    result = padded(sentence(Segment("zh", "…好.", ("…", "h", "ao3", "."), (1, 2, 1))))
    assert result.segments[0] == Segment("zh", ".好.", (".", "h", "ao3", "."), (1, 2, 1))


def test_the_first_clause_of_a_text_counts_characters():
    segment = Segment("ko", "네,좋아요.", tuple("ㄴㅔ,ㅈㅗㅇㅏㅇㅣㅗ."))
    assert padded(sentence(segment, written="네, 좋아요."), opening=True).phones[0] == "."
    assert padded(sentence(segment, written="네, 좋아요.")).phones[0] == "ㄴ"
    assert padded(sentence(segment, written="네네네네, 좋아요."), opening=True).phones[0] == "ㄴ"
    assert padded(sentence(segment, written="…네, 좋아요."), opening=True).phones[0] == "ㄴ"


def test_no_stop_twice():
    result = padded(sentence(Segment("zh", "好.", ("h", "ao3", "."), (2, 1)), written="好。"), opening=True)
    assert result.phones == (".", "h", "ao3", ".")
