"""Pronunciations that a person writes: ARPAbet, IPA, the lexicon file."""

import pytest

from edge_tts.errors import TextError
from edge_tts.text import Lexicon, front_end, to_phones
from edge_tts.text.phonetic import parse_pronunciation


@pytest.mark.parametrize(
    ("written", "phones"),
    [
        ("HH AH0 L OW1", "HH AH0 L OW1"),
        ("HH AH L OW", "HH AH1 L OW0"),
        ("HH AH L OW1", "HH AH0 L OW1"),
        ("/HH AH0 L OW1/", "HH AH0 L OW1"),
        ("/həˈloʊ/", "HH AH0 L OW1"),
        ("/ˈtʃɜːtʃ/", "CH ER1 CH"),
        ("/dʒʌdʒ/", "JH AH1 JH"),
        ("/təˈmɑːtəʊ/", "T AH0 M AA1 T OW0"),
        ("/ˈbʌtn̩/", "B AH1 T AH0 N"),
        ("/ˌɪntərˈnæʃənəl/", "IH2 N T ER0 N AE1 SH AH0 N AH0 L"),
        ("/ˈwɔːtɚ/", "W AO1 T ER0"),
        ("/t͡ʃiːz/", "CH IY1 Z"),
    ],
)
def test_pronunciations(written, phones):
    assert " ".join(parse_pronunciation(written)) == phones


@pytest.mark.parametrize(
    ("written", "said"), [("HH QQ", "'QQ'"), ("B1", "'B1'"), ("/h☃/", "'☃'"), ("", "no phones"), ("/ˈ/", "no phones")]
)
def test_what_cannot_be_read_is_named(written, said):
    with pytest.raises(TextError, match=said):
        parse_pronunciation(written)


LEXICON = """
# our house
Siobhan   SH AH0 V AO1 N
Nguyen\t/wɪn/   # a family
C-3PO S IY1 TH R IY1 P IY1 OW1
route R AW1 T
"""


@pytest.mark.parametrize(
    ("text", "phones"),
    [
        ("Siobhan", "SH AH0 V AO1 N ."),
        ("SIOBHAN!", "SH AH0 V AO1 N !"),
        ("Siobhan's", "SH AH0 V AO1 N Z ."),
        ("nguyen", "W IH1 N ."),
        ("C-3PO.", "S IY1 TH R IY1 P IY1 OW1 ."),
        ("route", "R AW1 T ."),
        ("routes", "R UW1 T S ."),
        ("(Nguyen)", "W IH1 N ."),
    ],
)
def test_the_lexicon_wins_over_the_dictionary(text, phones):
    assert " ".join(to_phones(text, lexicon=Lexicon.parse(LEXICON))) == phones


def test_a_later_line_wins():
    assert Lexicon.parse("a AA1\na EY1").get("A") == ("EY1",)


def test_an_error_names_file_and_line(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("good G UH1 D\nbad B AX D\n", encoding="utf-8")
    with pytest.raises(TextError, match=r"words\.txt, line 2: unknown phone 'AX'"):
        Lexicon.load(path)


def test_a_word_without_phones_is_an_error():
    with pytest.raises(TextError, match="line 1: no phones"):
        Lexicon.parse("lonely")


def test_a_missing_file_is_a_text_error(tmp_path):
    with pytest.raises(TextError, match="can't read the lexicon"):
        Lexicon.load(tmp_path / "none.txt")


def test_a_file_that_is_not_utf_8_is_a_text_error(tmp_path):
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9 K AE0 F EY1")
    with pytest.raises(TextError, match="can't read the lexicon"):
        Lexicon.load(tmp_path / "latin.txt")


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path):
    (tmp_path / "bom.txt").write_bytes(b"\xef\xbb\xbfzorp Z AO1 P\n")
    assert Lexicon.load(tmp_path / "bom.txt").get("zorp") == ("Z", "AO1", "P")


def test_a_wrong_inline_pronunciation_is_named():
    with pytest.raises(TextError, match="'QQ'"):
        front_end("say {x|/QQ/} now")
