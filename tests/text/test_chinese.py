"""Mandarin: written → normalised → phones, from tables written by hand, and what hostile text must not do."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from edge_tts.errors import TextError
from edge_tts.text.chinese import normalise, read
from edge_tts.text.chinese.syllables import phones
from edge_tts.text.symbols import SYMBOLS_V2

HERE = Path(__file__).parent
KNOWN = frozenset(SYMBOLS_V2)


def table(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if not line.startswith("# ")]


def checked(text):
    """The reading of `text`, if it keeps the contract of a `Reading`."""
    reading = read(text)
    assert len(reading.word_to_phone) == len(reading.text)
    assert sum(reading.word_to_phone) == len(reading.phones)
    assert all(count > 0 for count in reading.word_to_phone)
    assert KNOWN.issuperset(reading.phones)
    return reading


@pytest.mark.parametrize(("category", "written", "normalised", "said"), table("chinese_cases.tsv"))
def test_case(category, written, normalised, said):
    reading = checked(written.replace("\\n", "\n"))
    assert reading.text == normalised
    assert " ".join(reading.phones) == said


@pytest.mark.parametrize(("character", "syllable", "sentence"), table("chinese_polyphones.tsv"))
def test_polyphone(character, syllable, sentence):
    place = sentence.index("{")
    text = sentence.replace("{", "").replace("}", "")
    reading = checked(text)
    assert reading.text == text
    assert text[place] == character
    first = sum(reading.word_to_phone[:place])
    assert reading.phones[first : first + 2] == phones(syllable)


def test_the_tables_are_large():
    cases = table("chinese_cases.tsv")
    assert len(cases) >= 200
    assert len({category for category, *_ in cases}) >= 15
    assert len({character for character, *_ in table("chinese_polyphones.tsv")}) >= 120


def test_what_is_said_again_is_the_same():
    """The normalised text is itself a text: reading it changes nothing."""
    for _, written, normalised, said in table("chinese_cases.tsv"):
        if not any(mark in written for mark in "￥^"):
            assert normalise(normalised) == normalised
            assert " ".join(read(normalised).phones) == said


@pytest.mark.parametrize(
    "text", ["", " ", "\n\n", "😀👍🏽", "()[]《》“”", "\x00\x1b\u200b\ufeff", "のひらがな", "\ud800"]
)
def test_nothing_to_say_is_an_empty_reading(text):
    reading = checked(text)
    assert (reading.text, reading.phones, reading.word_to_phone) == ("", (), ())


@pytest.mark.parametrize(("text", "mark"), [("。", "."), ("，，，", ","), ("？！", "?"), ("……", "…"), ("---", ",")])
def test_marks_alone_are_one_mark(text, mark):
    assert checked(text).phones == (mark,)


def test_only_text_is_read():
    with pytest.raises(TextError, match="bytes"):
        read("你好".encode())


def test_all_commas_of_a_run_become_the_long_pause():
    assert checked("你好，朋友￥再见").phones.count("SP2") == 2
    assert checked("你好^朋友").phones.count("SP3") == 1
    assert "SP2" not in checked("￥100，你好").phones  # a sum of money
    assert "SP3" not in checked("2^3").phones  # a power


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("㙍字", "㙍字"),  # outside Unicode's first block of ideographs
        ("人人生而平等", "人人生而平等"),
        ("我々", "我我"),
        ("你\u200b好\x00", "你好"),
        ("\ud800你\udfff好", "你好"),
        ("你☃好", "你好"),
        ("３．５％", "百分之三点五"),
        ("3😀4", "三四"),  # what stood apart is no number
        ("3 4", "三四"),
        ("（1）（2）", "一二"),
        ("㎡", "m二"),
        ("Ⅻ", "十二"),
        ("½", "二分之一"),
        ("café", "cafe"),
    ],
)
def test_unusual_characters(text, kept):
    assert checked(text).text == kept


def test_letters_are_read_by_their_names():
    assert checked("A股").phones == ("EY1", "g", "u3")
    assert checked("x").phones == ("EH1", "K", "S")


def test_an_ideograph_without_a_reading_is_left_out():
    assert checked("你\U000323af好").text == "你好"


LONG = {
    "prose": "今天天气真好，我们一起去公园散步吧。" * 1800,
    "no mark": "今天天气真好我们一起去公园散步吧" * 1000,
    "one character": "一" * 10000,
    "unlikely words": "".join(chr(0x4E00 + 37 * number % 20000) for number in range(5000)),
    "spaces": " " * 100000,
    "newlines": "你\n" * 5000,
    "brackets": "(" * 100000,
    "digits": "1234567890" * 1000,
    "commas": "1,111," * 2000,
    "slashes": "1/2/" * 2500,
    "dashes": "1-2-" * 2500,
    "sums": "1+" * 5000,
    "signs": "￥$€^²-~" * 5000,
    "letters": "abc" * 5000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
def test_long_text(text):
    """None of these may take more than time in proportion: a quadratic step shows as a test that does not end."""
    checked(text)


def test_random_text_never_fails():
    chance = random.Random(7)
    alphabet = "0123456789.,-:/%+~年月日点度元￥$^一不儿地得了的子个你好第百千万亿 ()（），。！=×²kmAx\n"
    for _ in range(1500):
        checked("".join(chance.choice(alphabet) for _ in range(chance.randrange(1, 25))))
    for _ in range(300):
        checked("".join(chr(chance.randrange(0x110000)) for _ in range(20)))
        checked("".join(chr(chance.randrange(0x3000, 0xA000)) for _ in range(20)))


def test_needs_neither_jieba_nor_pypinyin_and_is_silent():
    code = (
        "import sys; from edge_tts.text.chinese import read; read('张三丰吃了100个苹果。');"
        "assert not {'jieba', 'pypinyin', 'cn2an', 'pkg_resources'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
