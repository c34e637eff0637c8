"""Written → spoken → phones, from a table that was read line by line."""

from pathlib import Path

import pytest

from edge_tts.text import Lexicon, front_end
from edge_tts.text.clean import clean
from edge_tts.text.english.homograph_table import HOMOGRAPHS
from edge_tts.text.english.pronounce import LETTERS, pronounce, pronounce_word
from edge_tts.text.english.scanner import scan
from edge_tts.text.symbols import phone_ids

HERE = Path(__file__).parent


def table(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if not line.startswith("# ")]


@pytest.mark.parametrize(("written", "spoken", "phones"), table("english_cases.tsv"))
def test_case(written, spoken, phones):
    sentences = front_end(written.replace("\\n", "\n"))
    assert "|".join(sentence.spoken for sentence in sentences) == spoken
    assert " | ".join(" ".join(sentence.phones) for sentence in sentences) == phones


@pytest.mark.parametrize(("word", "sentence", "phones"), table("homographs.tsv"))
def test_homograph(word, sentence, phones):
    tokens = scan(clean(sentence), Lexicon())
    place = max(place for place, token in enumerate(tokens) if token.text == word)
    assert " ".join(pronounce(tokens)[place]) == phones


def test_the_tables_are_large():
    assert len(table("english_cases.tsv")) >= 150
    assert len({word for word, *_ in table("homographs.tsv")}) >= 60


def test_every_reading_of_every_homograph_is_in_the_phone_table():
    for entry in HOMOGRAPHS.values():
        assert phone_ids(entry.first)
        assert phone_ids(entry.second)


def test_letters_are_in_the_phone_table():
    assert len(LETTERS) == 26
    assert all(phone_ids(phones) for phones in LETTERS.values())


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("googled", "G UW1 G AH0 L D"),  # -ed of a known word
        ("tweetstorms", "T W IY1 T S T AO2 R M Z"),  # compound and plural
        ("unfriending", "AH2 N F R EH1 N D IH0 NG"),  # prefix and ending
        ("touchscreen", "T AH1 CH S K R IY2 N"),
        ("smartwatch", "S M AA1 R T W AA2 CH"),
        ("chatbot's", "CH AE1 T B AA2 T S"),
        ("microservices", "M AY2 K R OW0 S ER1 V AH0 S AH0 Z"),
        ("who'd've", "HH UW1 D AH0 V"),
    ],
)
def test_unknown_words_from_known_parts(word, phones):
    assert " ".join(pronounce_word(word)) == phones


@pytest.mark.parametrize("word", ["blorf", "zxqv", "qqqq", "a" * 40, "xyzzy", "Ng"])
def test_any_word_gets_phones_of_the_table(word):
    assert phone_ids(pronounce_word(word.lower()))


def test_a_word_of_vowels_and_consonants_has_one_primary_stress():
    for word in ("blorfing", "kanteluria", "spinodet", "wexmatory"):
        assert sum(phone.endswith("1") for phone in pronounce_word(word)) == 1


def test_inline_pronunciation_wins():
    (sentence,) = front_end("I say {route|/R AW1 T/}, not route.")
    assert sentence.spoken == "I say route, not route."
    assert sentence.phones[3:6] == ("R", "AW1", "T")
    assert sentence.written == "I say {route|/R AW1 T/}, not route."


def test_braces_in_ordinary_text_are_no_pronunciation():
    assert front_end("{a|b} and {x}")[0].spoken == "a, B, and, X."
