"""Korean: pronunciations by the Standard Pronunciation, numbers, and what else is written."""

import random

import pytest

from edge_tts.text.korean import read
from edge_tts.text.korean.exceptions import HEARD
from edge_tts.text.korean.hangul import is_syllable, letters
from edge_tts.text.korean.numerals import spoken_numbers
from edge_tts.text.korean.pronunciation import meet
from edge_tts.text.korean.written import folded
from edge_tts.text.symbols import phone_ids
from tests.text.tables import need, table


@pytest.mark.parametrize(("written", "phones"), table("korean_cases.tsv"))
def test_case(written, phones):
    need("ko")
    reading = read(written)
    assert " ".join(reading.phones) == phones
    assert reading.word_to_phone == ()


def test_the_table_is_large():
    assert len(table("korean_cases.tsv")) >= 30


@pytest.mark.parametrize(
    ("coda", "onset", "heard"),
    [
        ("ㄱ", "ㄴ", "ㅇㄴ"), ("ㄱ", "ㄱ", "ㄱㄲ"), ("ㅂ", "ㅁ", "ㅁㅁ"), ("ㅅ", "ㄷ", "ㄷㄸ"), ("ㄴ", "ㄹ", "ㄹㄹ"),
        ("ㄹ", "ㄴ", "ㄹㄹ"), ("ㅁ", "ㄹ", "ㅁㄴ"), ("ㅇ", "ㄹ", "ㅇㄴ"), ("ㄱ", "ㄹ", "ㅇㄴ"), ("ㅎ", "ㄱ", "ㅋ"),
        ("ㄶ", "ㄷ", "ㄴㅌ"), ("ㅀ", "ㅅ", "ㄹㅆ"), ("ㄱ", "ㅎ", "ㅋ"), ("ㄺ", "ㅎ", "ㄹㅋ"), ("ㅈ", "ㅎ", "ㅊ"),
        ("ㅄ", "ㅈ", "ㅂㅉ"), ("ㄻ", "ㄷ", "ㅁㄷ"), ("ㄼ", "ㄴ", "ㄹㄹ"), ("ㄴ", "ㄱ", "ㄴㄱ"), ("ㅆ", "ㄴ", "ㄴㄴ"),
    ],
)  # fmt: skip
def test_a_coda_meets_an_onset(coda, onset, heard):
    assert "".join(meet(coda, onset)) == heard


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("3개", "세개"),
        ("21명", "스물한명"),
        ("100명", "백명"),
        ("12시 13시", "열두시 십삼시"),
        ("3개월 5달러", "삼개월 오달러"),
        ("20대", "이십대"),
        ("2024-03-05", "이천이십사년 삼월 오일"),
        ("10000", "만"),
        ("1,234,567원", "백이십삼만사천오백육십칠원"),
        ("100,000,000", "일억"),
        ("3.14", "삼 점 일사"),
        ("-5도", "마이너스 오도"),
        ("1/2", "이분의 일"),
        ("010-1234-5678", "공일공 일이삼사 오육칠팔"),
        ("007", "공공칠"),
        ("0", "영"),
        ("5km/h", "시속 오 킬로미터"),
        ("$3.50", "삼 점 오공 달러"),
        ("1번째", "첫번째"),
        ("2~3", "이에서 삼"),
        ("9" * 30, "구" * 30),
    ],
)
def test_numbers(written, spoken):
    assert spoken_numbers(written) == spoken


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("한국어　공부", "한국어 공부"),
        ("\u1112\u1161\u11ab", "한"),
        ("ab", "에이비"),
        ("정말？！", "정말?"),
        ("하나；둘：셋、넷", "하나,둘,셋,넷"),
        ("😀네\x00", "네"),
        ("привет", ""),
        ("100%", "백 퍼센트"),
    ],
)
def test_written_forms(written, plain):
    assert folded(written) == plain


def test_exceptional_words_keep_their_syllables_and_their_last_consonant():
    for written, heard in HEARD.items():
        assert len(written) == len(heard)
        assert letters(written[-1]).coda == letters(heard[-1]).coda


def test_syllables_come_apart_and_together():
    for char in "가각힣뷁쉀":
        assert is_syllable(char)
        assert str(letters(char)) == char


def test_an_exceptional_word_is_not_found_inside_another():
    need("ko")
    assert "ㅆ" not in read("제일시장").phones  # 일시, heard as 일씨, is in it


def test_quotes_are_stops_and_spaces_are_phones():
    need("ko")
    assert read('"네" 나').phones == ("停", "ㄴ", "ㅔ", "停", "空", "ㄴ", "ㅏ")


ALPHABETS = [
    "가나다값않읽밟넓을의 ㄱㅋㅏㅘㄳ1234.,:/-~%$₩abckmg「」。！？…월시개漢字한\n\t",
    "".join(map(chr, range(0x1100, 0x1200))),
]


@pytest.mark.parametrize("alphabet", ALPHABETS)
def test_any_text_gives_phones_of_the_table_and_no_output(alphabet, capfd):
    need("ko")
    random.seed(alphabet)
    for _ in range(100):
        phone_ids(read("".join(random.choices(alphabet, k=random.randrange(1, 30)))).phones)
    assert capfd.readouterr() == ("", "")
