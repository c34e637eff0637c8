"""Numbers, dates and measures in Chinese, beyond the cases of the table."""

import pytest

from edge_tts.text.chinese import normalise
from edge_tts.text.chinese.numbers import cardinal, digits, is_round, number, telephone
from edge_tts.text.chinese.syllables import phones
from edge_tts.text.symbols import SYMBOLS_V2


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0", "零"),
        ("10", "十"),
        ("19", "十九"),
        ("20", "二十"),
        ("100", "一百"),
        ("101", "一百零一"),
        ("110", "一百一十"),
        ("1001", "一千零一"),
        ("1010", "一千零一十"),
        ("10000", "一万"),
        ("10010", "一万零一十"),
        ("100000", "十万"),
        ("110000", "十一万"),
        ("100008303", "一亿零八千三百零三"),
        ("10001000", "一千万一千"),
        ("100010000", "一亿零一万"),
        ("1,234,567", "一百二十三万四千五百六十七"),
        ("1000000000000", "一万亿"),
        ("1000100000000", "一万零一亿"),
        ("0000", "零零零零"),
        ("007", "零零七"),
        ("12345678901234567", "一二三四五六七八九零一二三四五六七"),
    ],
)
def test_cardinal(written, said):
    assert cardinal(written) == said


def test_cardinals_are_all_different_and_read_back():
    values = {"零": 0, "一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
    powers = {"十": 10, "百": 100, "千": 1000}

    def value(words):
        total = group = digit = 0
        for char in words:
            if char in values:
                digit = values[char]
            elif char in powers:
                group += (digit or 1) * powers[char]
                digit = 0
            else:
                total += (group + digit) * {"万": 10**4, "亿": 10**8}[char]
                group = digit = 0
        return total + group + digit

    assert all(value(cardinal(str(one))) == one for one in [*range(12000), *range(10**8 - 500, 10**8 + 12000, 7)])


def test_other_numbers():
    assert digits("2024") == "二零二四"
    assert telephone("119") == "幺幺九"
    assert [number(text) for text in ("3.14", ".5", "2.00", "10.50", "1,000.5")] == [
        "三点一四", "零点五", "二点零", "十点五零", "一千点五",
    ]  # fmt: skip
    assert [is_round(text) for text in ("100", "1500", "545500", "105", "00")] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("24:00", "二十四点"),
        ("比分21:15", "比分二十一比十五"),
        ("12:00:30", "十二点三十秒"),
        ("2024年2月", "二零二四年二月"),
        ("5000年文明", "五千年文明"),
        ("20年来", "二十年来"),
        ("612年", "六一二年"),
        ("150年历史", "一百五十年历史"),
        ("2023-2024赛季", "二零二三到二零二四赛季"),
        ("2024-10", "二零二四年十月"),
        ("3月-5月", "三月到五月"),
        ("2班", "二班"),
        ("2两酒", "二两酒"),
        ("2分之一", "二分之一"),
        ("2年级2班", "二年级二班"),
        ("第2-3页", "第二到三页"),
        ("3-1获胜", "三比一获胜"),
        ("1-12月", "一到十二月"),
        ("5-3", "五减三"),
        ("歼-20", "歼二十"),
        ("气温为-5度", "气温为零下五度"),
        ("-3~5℃", "零下三到五度"),
        ("3℃~5℃", "三度至五度"),
        ("100°F", "一百华氏度"),
        ("3%~5%", "百分之三到百分之五"),
        ("1:2:3", "一比二比三"),
        ("1920x1080", "一千九百二十乘一千零八十"),
        ("x²+y²", "x的二次方加y的二次方"),
        ("5×10³", "五乘十的三次方"),
        ("a>b", "a大于b"),
        ("±5", "正负五"),
        ("80km/h", "八十千米每小时"),
        ("200元/m²", "二百元每平方米"),
        ("5次/天", "五次每天"),
        ("1/2/3", "一,二,三"),
        ("12345678元", "一千二百三十四万五千六百七十八元"),
        ("12345678", "幺二三四五六七八"),
        ("138-1234-5678", "幺三八,幺二三四,五六七八"),
        ("+86 13812345678", "八六,幺三八幺二三四五六七八"),
        ("10.2.3版", "一零点二点三版"),
        ("500强", "五百强"),
        ("211工程", "二幺幺工程"),
        ("1998届", "一九九八届"),
        ("邮编545500", "邮编五四五五零零"),
        ("G1234次列车", "G幺二三四次列车"),
        ("350多", "三百五十多"),
        ("50kWh", "五十千瓦时"),
        ("3.5kg的米", "三点五千克的米"),
        ("8GB", "八GB"),
        ("$2-5", "二到五美元"),
        ("希腊语Τηθύς", "希腊语"),
        ("诗经．小雅", "诗经,小雅"),
        ("问:答;", "问,答,"),
        ("你...我", "你…我"),
        ("A&B", "A和B"),
        ("@小明", "艾特小明"),
    ],
)
def test_written(written, said):
    assert normalise(written) == said


@pytest.mark.parametrize("tone", "12345")
def test_every_syllable_has_phones(tone):
    """All syllables of Mandarin, from the table of initials and finals."""
    finals = {
        "": "a ai an ang ao e ei en eng er o ou",
        "b p m": "a ai an ang ao ei en eng i ian iao ie in ing o u",
        "f": "a an ang ei en eng o ou u",
        "d t": "a ai an ang ao e ei eng i ian iao ie ing ong ou u uan ui un uo",
        "n l": "a ai an ang ao e ei eng i ian iang iao ie in ing iu ong ou u uan uo v ve",
        "g k h": "a ai an ang ao e ei en eng ong ou u ua uai uan uang ui un uo",
        "j q x": "i ia ian iang iao ie in ing iong iu u uan ue un",
        "zh ch sh r z c s": "an ang ao e en eng i ou u uan ui un uo",
        "y": "a an ang ao e i in ing o ong ou u uan ue un",
        "w": "a ai an ang ei en eng o u",
    }
    pairs = {}
    for initials, endings in finals.items():
        for initial in initials.split() or [""]:
            for final in endings.split():
                pair = phones(initial + final + tone)
                assert set(pair) <= set(SYMBOLS_V2)
                assert pairs.setdefault(pair, initial + final) == initial + final


@pytest.mark.parametrize(
    ("syllable", "pair"),
    [
        ("zhi1", ("zh", "ir1")), ("zi2", ("z", "i02")), ("ji3", ("j", "i3")), ("ju4", ("j", "v4")),
        ("lv4", ("l", "v4")), ("lu4", ("l", "u4")), ("xue2", ("x", "ve2")), ("yuan2", ("y", "van2")),
        ("yan1", ("y", "En1")), ("ye4", ("y", "E4")), ("ya4", ("y", "a4")), ("wo3", ("w", "o3")),
        ("er2", ("EE", "er2")), ("ai4", ("AA", "ai4")), ("o1", ("OO", "o1")), ("de5", ("d", "e5")),
    ],
)  # fmt: skip
def test_phones_of_a_syllable(syllable, pair):
    assert phones(syllable) == pair


@pytest.mark.parametrize("wrong", ["", "zh", "zhong", "zhong6", "Zhong1", "中"])
def test_what_is_no_syllable(wrong):
    with pytest.raises(ValueError, match="no syllable"):
        phones(wrong)
