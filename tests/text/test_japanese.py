"""Japanese: phones and accents of a table that was read against the accents of Tokyo, and what else is written."""

import random

import pytest

from edge_tts.text.japanese import read
from edge_tts.text.japanese.written import folded
from edge_tts.text.symbols import PUNCTUATION, phone_ids
from tests.text.tables import need, table


@pytest.mark.parametrize(("written", "phones"), table("japanese_cases.tsv"))
def test_case(written, phones):
    need("ja")
    reading = read(written)
    assert " ".join(reading.phones) == phones
    assert reading.word_to_phone == ()


def test_the_table_is_large():
    assert len(table("japanese_cases.tsv")) >= 30


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("１２３", "123"),
        ("1,000円", "1000円"),
        ("10％引き", "10パーセント引き"),
        ("午後3:30", "午後3時30分"),
        ("2024/3/5", "2024年3月5日"),
        ("1/2", "2分の1"),
        ("10〜20人", "10から20人"),
        ("-5度", "マイナス5度"),
        ("￥100と$5", "100円と5ドル"),
        ("ｶﾞｷﾞｸﾞ", "ガギグ"),
        ("は\u3099", "ば"),
        ("㌔", "キロ"),
        ("はい！？…", "はい!"),
        ("A；B：C、D", "A,B,C,D"),
        ("😀はい\x00", "はい"),
        ("привет", ""),
        ("ーあー", "あー"),
    ],
)
def test_written_forms(written, plain):
    assert folded(written) == plain


@pytest.mark.parametrize(
    ("written", "sounds"),
    [
        ("3.14", "s a N t e N i ch i y o N"),
        ("2024年", "n i s e N n i j u u y o n e N"),
        ("15:30", "j u u g o j i s a N j u cl p u N"),
        ("25℃", "n i j u u g o d o"),
        ("3人", "s a N n i N"),
        ("テュ", "t y u"),
        ("abc", "e e b i i sh i i"),
    ],
)
def test_sounds_without_accents(written, sounds):
    need("ja")
    assert " ".join(phone for phone in read(written).phones if phone not in ("[", "]", "UNK")) == sounds


def test_the_border_of_accent_phrases_is_unknown_to_the_table():
    need("ja")
    assert read("京都に行く").phones.count("UNK") == 1


def test_quotes_are_one_unknown_and_spaces_nothing():
    need("ja")
    assert read("「「はい」 」").phones == ("UNK", "h", "a", "]", "i", "UNK")


@pytest.mark.parametrize("written", ["", "ー", "々", "・", "゛", "…", "😀", "\ud800", "\u0301", "مرحبا", "ヶ"])
def test_what_has_no_sound_has_no_sounds(written, capfd):
    need("ja")
    assert not {phone for phone in read(written).phones if phone not in (*PUNCTUATION, "UNK")}
    assert capfd.readouterr() == ("", "")


ALPHABETS = [
    "あいーっンァャヶヴ゛゜ゝ々〆〇・漢字123.,:/-~%¥$abc「」、。！？…\u3099ｱｶﾞﾊﾟｰ　 \n",
    "".join(map(chr, range(0x3000, 0x3100))),
]


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_any_text_gives_phones_of_the_table_and_no_output(alphabet, capfd):
    need("ja")
    random.seed(alphabet)
    for _ in range(60):
        phone_ids(read("".join(random.choices(alphabet, k=random.randrange(1, 30)))).phones)
    assert capfd.readouterr() == ("", "")
