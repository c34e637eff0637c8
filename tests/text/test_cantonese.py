"""Cantonese: syllables to the phones of GPT-SoVITS, numbers, and which character has which phones."""

import random

import pytest

from edge_tts.text.cantonese import read, syllable_phones
from edge_tts.text.cantonese.written import folded
from edge_tts.text.symbols import phone_ids
from tests.text.tables import need, table


@pytest.mark.parametrize(("written", "phones"), table("cantonese_cases.tsv"))
def test_case(written, phones):
    need("yue")
    reading = read(written)
    assert " ".join(reading.phones) == phones


def test_the_table_is_large():
    assert len(table("cantonese_cases.tsv")) >= 30


@pytest.mark.parametrize(
    ("sounds", "tone", "phones"),
    [
        ("hoeng", "1", "Yh Yoeng1"),
        ("gwok", "3", "Ygw Yok3"),
        ("m", "4", "Ym Ym4"),
        ("ng", "5", "Yng Yg5"),
        ("ngo", "5", "Yng Yo5"),
        ("uk", "1", "Yuk Yk1"),
        ("aai", "3", "Yaa Yi3"),
        ("ou", "3", "You Yu3"),
        ("ung", "2", "UNK Yg2"),
        ("deu", "6", "Yd UNK"),
        ("ik", "1", "Yik1"),
    ],
)
def test_syllables(sounds, tone, phones):
    assert " ".join(syllable_phones(sounds, tone)) == phones


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("2隻貓，12個", "兩隻貓,十二個"),
        ("10005", "一萬零五"),
        ("1,050,000", "一百零五萬"),
        ("2024年3月2日", "二零二四年三月二日"),
        ("2024-03-05", "二零二四年三月五日"),
        ("3:30 2:05 8:00", "三點半兩點零五分八點"),
        ("50% 3.5kg", "百分之五十三點五公斤"),
        ("1/2", "二分之一"),
        ("3~5", "三至五"),
        ("-5℃", "負五度"),
        ("$2", "兩蚊"),
        ("2345 6789", "二三四五六七八九"),
        ("007", "零零七"),
        ("「好」！？", "好!"),
        ("abc😀мир", ""),
    ],
)
def test_written_forms(written, plain):
    assert folded(written) == plain


def test_a_character_of_two_syllables_has_all_their_phones():
    need("yue")
    reading = read("瓩𠀀！")
    assert reading.text == "瓩!"
    assert reading.word_to_phone == (4, 1)


@pytest.mark.parametrize(
    "alphabet",
    ["佢個鋤頭廣東話嘅喺瓩𨋢噷屋 1234.,:/-~%$℃abkm「」、。！？…月年點個〇\n", "".join(map(chr, range(0x4E00, 0xA000)))],
)
def test_any_text_has_one_count_per_character(alphabet, capfd):
    need("yue")
    random.seed(alphabet[:50])
    for _ in range(100):
        reading = read("".join(random.choices(alphabet, k=random.randrange(1, 30))))
        assert len(phone_ids(reading.phones)) == sum(reading.word_to_phone)
        assert len(reading.text) == len(reading.word_to_phone)
        assert 0 not in reading.word_to_phone
    assert capfd.readouterr() == ("", "")
