"""Sentences: where they end, how long they get, and that any text is spoken or refused with a TextError."""

import random
import sys

import pytest

from edge_tts.errors import TextError
from edge_tts.text import front_end, split_sentences
from edge_tts.text.sentences import LIMIT, TARGET
from edge_tts.text.symbols import phone_ids

ENDS = (".", "!", "?", "…")


def check(sentences):
    assert sentences
    for sentence in sentences:
        assert len(sentence.phones) <= LIMIT
        assert sentence.phones[-1] in ENDS
        assert sum(sentence.word_to_phone) == len(sentence.phones)
        assert min(sentence.word_to_phone) > 0
        assert len(phone_ids(sentence.phones)) == len(sentence.phones)
        assert any(phone[0].isalpha() for phone in sentence.phones)
        assert sentence.spoken


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("Hi. I'm here!", ["Hi.", "I'm here!"]),
        ("Dr. Smith paid $3.50. He left.", ["Dr. Smith paid $3.50.", "He left."]),
        ("J. R. R. Tolkien wrote it.", ["J. R. R. Tolkien wrote it."]),
        ("The U.S. economy grew. It did.", ["The U.S. economy grew.", "It did."]),
        ("We met at 5 p.m. Then we ate.", ["We met at 5 p.m.", "Then we ate."]),
        ("We met at 5 p.m. on Monday.", ["We met at 5 p.m. on Monday."]),
        ("Cats, dogs, etc. They sleep.", ["Cats, dogs, etc.", "They sleep."]),
        ("Really?! Yes.", ["Really?!", "Yes."]),
        ('"Go!" he said. "Now."', ['"Go!" he said.', '"Now."']),
        ("Well... maybe. Fine…", ["Well... maybe.", "Fine…"]),
        ("Title\n\nThe text goes on\nover two lines that are wrapped.", None),
        ("- milk\n- eggs\n- bread", ["- milk", "- eggs", "- bread"]),
        ("你好. Hello!", ["你好. Hello!"]),
        ("café au lait. Ça va?", ["café au lait.", "Ça va?"]),
        ("Version 2.10 is out. Get it.", ["Version 2.10 is out.", "Get it."]),
        ("Visit example.com. Then call.", ["Visit example.com.", "Then call."]),
    ],
)
def test_sentence_ends(text, sentences):
    result = split_sentences(text)
    if sentences is None:
        assert len(result) == 2
    else:
        assert [" ".join(sentence.split()) for sentence in result] == sentences


def test_long_sentences_are_cut_at_clauses():
    text = (
        "When the evening light had faded from the hills behind the village, the old clockmaker closed his shutters, "
        "and his daughter carried the lamp across the square to the house where the travellers were waiting for news."
    )
    sentences = front_end(text)
    check(sentences)
    assert len(sentences) > 1
    assert max(len(sentence.phones) for sentence in sentences) <= TARGET + 10
    assert sentences[0].written.endswith(",")
    assert " ".join(sentence.written for sentence in sentences) == text


def test_a_sentence_of_a_hundred_phones_is_one_piece():
    assert len(front_end("The cat sat on the mat. " * 3)) == 3


@pytest.mark.parametrize(
    "text", ["a" * 3000, "ab" * 1500, "7" * 3000, "supercalifragilistic" * 150, "word " * 900, "I" * 3000, "x-" * 1500]
)
def test_text_without_any_place_to_cut_stays_below_the_limit(text):
    check(front_end(text))


@pytest.mark.parametrize(
    "text",
    ["", " ", "\n\t", "...", "!?", "你好", "Привет", "😀", "\ud800", "\x00\x07", "\u200b", "“”", "{}", "---", "\ue000"],
)
def test_text_with_nothing_to_speak_is_refused(text):
    with pytest.raises(TextError, match="nothing to speak"):
        front_end(text)


@pytest.mark.parametrize("text", [None, 5, b"bytes", ["list"]])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(TextError, match="must be a string"):
        front_end(text)


def test_an_unknown_language_is_refused():
    with pytest.raises(TextError, match="'tlh'"):
        front_end("Hello", language="tlh")


def test_other_scripts_and_lone_surrogates_are_left_out():
    (sentence,) = front_end("Hello 世界\ud800 and 😀 мир\x00 bye")
    assert sentence.spoken == "hello and bye."


ALPHABETS = [
    "".join(map(chr, range(32, 127))),
    "".join(map(chr, range(0, 0x250))),
    "aA1.,-'\n $%/:()IVX",
    "0123456789.,:-/+$%x ",
    "{}|/ˈHAə ",
    'ab. !?…—–"\n',
    "A.B.C. Mr.St.Dr.p.m. ",
    "@.www.com://_-a ",
]


@pytest.mark.parametrize("alphabet", ALPHABETS)
@pytest.mark.parametrize("seed", range(6))
def test_any_text_is_spoken_or_refused(alphabet, seed):
    random.seed(f"{alphabet}{seed}")
    for _ in range(12):
        text = "".join(random.choice(alphabet) for _ in range(random.randrange(1, 90)))
        try:
            sentences = front_end(text)
        except TextError:
            continue
        check(sentences)


@pytest.mark.parametrize("seed", range(6))
def test_any_code_points_are_spoken_or_refused(seed):
    random.seed(seed)
    for _ in range(12):
        text = "".join(chr(random.randrange(0x110000)) for _ in range(60)) + random.choice(["", " word"])
        try:
            check(front_end(text))
        except TextError as error:
            assert "nothing to speak" in str(error)


PATTERNS = [
    "a", "7", "a.", "1,", "1.", "1/", "1:", "1-", "a@", "$1", "- ", "'", "a'", "{a|/", "{|", "www.", "http://", "_",
    "a_", "(", "Dr. ", "A. ", "I", "x²", "?!", ". a", "A", "1 ", "no. ", "MMMM", "a-", "\n", "a\n", "@a", "#1",
    "March ", "5 ", "5pm ", "é", "…", "aA",
]  # fmt: skip


def calls(text):
    """Function calls (Python and C) that reading `text` takes: a measure of work that no busy machine can spoil."""
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        front_end(text)
    except TextError:
        pass
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("pattern", PATTERNS)
def test_work_grows_with_the_text_and_not_with_its_square(pattern):
    front_end("warm up the dictionary")
    short, long = (calls(pattern * (size // len(pattern)) + " end.") for size in (400, 1600))
    assert long <= 6 * short + 2000


def test_a_long_text_is_read_whole():
    sentences = front_end("The quick brown fox, which lives in London, has 25 records. " * 400)
    check(sentences)
    assert len(sentences) == 400
