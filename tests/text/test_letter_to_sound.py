"""The unknown-word model: its file, and that every spelling gets phones of the table."""

import random
from importlib import resources

import pytest

from edge_tts.text.letter_to_sound import LetterToSound, letter_to_sound
from edge_tts.text.symbols import phone_ids

FILE = resources.files("edge_tts.text").joinpath("data/letter_to_sound.npz")


def test_the_file_is_small():
    assert len(FILE.read_bytes()) < 1_500_000


def test_the_file_round_trips():
    model = LetterToSound.from_bytes(FILE.read_bytes())
    again = LetterToSound.from_bytes(model.to_bytes())
    assert again.phones("blorfing") == model.phones("blorfing") == letter_to_sound("blorfing")


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("blorfing", "B L AO1 R F IH0 NG"),
        ("tiramisu", "T IH0 R AH0 M IY1 S UW0"),
        ("grokking", "G R AA1 K IH0 NG"),
        ("brexit", "B R EH1 K S IH0 T"),
    ],
)
def test_plausible_words(word, phones):
    assert " ".join(letter_to_sound(word)) == phones


def test_no_letters_no_phones():
    assert letter_to_sound("123") == ()


def test_random_spellings_get_phones_of_the_table():
    random.seed(3)
    for size in (1, 2, 3, 8, 33, 70):
        word = "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(size))
        phones = letter_to_sound(word)
        assert len(phone_ids(phones)) == len(phones) <= 2 * size
