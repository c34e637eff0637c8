"""Words and tags as jieba cuts them, the dictionary of readings, and the trie that holds both."""

import pytest

from edge_tts.text.chinese.merging import merge
from edge_tts.text.chinese.readings import dictionary, syllables
from edge_tts.text.chinese.sandhi import seam
from edge_tts.text.chinese.tagger import tagger
from edge_tts.text.chinese.trie import Trie, pack
from edge_tts.text.chinese.words import word_list

RECORDED = [
    ("我爱北京天安门", "我/r 爱/v 北京/ns 天安门/ns"),
    ("他来到了网易杭研大厦", "他/r 来到/v 了/ul 网易/n 杭/j 研/vn 大厦/n"),
    ("小明硕士毕业于中国科学院计算所", "小明/nr 硕士/n 毕业/n 于/p 中国科学院/nt 计算所/n"),
    ("南京市长江大桥", "南京市/ns 长江大桥/ns"),
    ("结婚的和尚未结婚的", "结婚/v 的/uj 和/c 尚未/d 结婚/v 的/uj"),
    ("张三丰在武当山创立太极拳.", "张三丰/nr 在/p 武当山/ns 创立/v 太极拳/n ./x"),
    ("韩玉赏鉴,", "韩玉/nr 赏鉴/v ,/x"),
    ("这个门把手坏了", "这个/r 门把手/n 坏/a 了/ul"),
    ("T恤衫和A股", "T恤衫/n 和/c A股/n"),
    ("李小福是创新办主任", "李小福/nr 是/v 创新/v 办/v 主任/b"),
    ("乒乓球拍卖完了", "乒乓球/n 拍卖/v 完/v 了/ul"),
    ("他说的确实在理", "他/r 说/v 的/uj 确实/ad 在/p 理/n"),
    ("工信处女干事每月经过下属科室", "工信处/n 女干事/n 每月/r 经过/p 下属/v 科室/n"),
    ("一,二!", "一/m ,/x 二/m !/x"),
    ("不...", "不/c .../m"),
    ("鸤鸠鸤鸠", "鸤鸠鸤鸠/i"),
    ("1号店和3D电影", "1号店/n 和/c 3/m D/eng 电影/n"),
    ("永和服装饰品有限公司", "永和/nz 服装/vn 饰品/n 有限公司/n"),
    ("欧几里得是西元前三世纪的希腊数学家", "欧几里得/ns 是/v 西元前/t 三/m 世纪/n 的/uj 希腊/ns 数学家/n"),
    ("雷猴回归人间.", "雷猴/n 回归/v 人间/n ./x"),
]
"""What `jieba.posseg.lcut` of jieba 0.42.1 gives."""


@pytest.mark.parametrize(("text", "words"), RECORDED)
def test_cut_as_jieba(text, words):
    assert " ".join("/".join(word) for word in word_list().cut(text)) == words


@pytest.mark.parametrize(("text", "words"), RECORDED)
def test_tagger_cuts_and_loses_nothing(text, words):
    run = "".join(char for char in text if "一" <= char <= "龥")
    assert "".join(word for word, _ in tagger().cut(run)) == run


def test_tagger_survives_characters_it_never_saw():
    assert "".join(word for word, _ in tagger().cut("龘靐齉" * 500)) == "龘靐齉" * 500


def test_trie_finds_all_prefixes_and_nothing_else():
    words = ["一", "一心", "一心一意", "一意", "心", "龥"]
    characters, children, nodes = pack(words)
    trie = Trie(characters, children)
    assert [end for end, _ in trie.prefixes("一心一意孤行", 0)] == [1, 2, 3, 4]
    assert [node for _, node in trie.prefixes("x一心", 1)] == [nodes["一"], nodes["一心"]]
    assert all(trie.node(prefix) == node for prefix, node in nodes.items())
    for missing in ("二", "一二", "心一", "一心一意一", "𠮷", "龥龥"):
        assert trie.node(missing) is None


def test_trie_of_every_word_of_a_list():
    words = [f"{chr(0x4E00 + first)}{chr(0x9FA5 - second)}" for first in range(60) for second in range(0, 60, 7)]
    characters, children, nodes = pack(words)
    trie = Trie(characters, children)
    assert all(trie.node(word) == nodes[word] for word in words)
    assert len(characters) == len(nodes)


@pytest.mark.parametrize(
    ("word", "read", "alone"),
    [
        ("音乐", ["yin1", "yue4"], [False, False]),  # a phrase
        ("银行行长", ["yin2", "hang2", "hang2", "zhang3"], [False] * 4),
        ("马", ["ma3"], [True]),
        ("茄", ["qie2"], [True]),  # pypinyin's first reading is jia1
        ("朝鲜", ["chao2", "xian3"], [False, False]),  # missing from pypinyin's phrases
        ("一场", ["yi1", "chang3"], [True, True]),  # open: a context may say chang2
        ("後", ["hou4"], [True]),
        ("你，", ["ni3", ""], [True, True]),
    ],
)
def test_readings(word, read, alone):
    assert dictionary().read(word) == (read, alone)


def test_a_phrase_wins_over_the_beginning_of_a_longer_one():
    """pypinyin falls back to single characters here: 原子反应堆 is a phrase, 原子反应 is not."""
    assert syllables("原子反应") == ("yuan2", "zi3", "fan3", "ying4")


@pytest.mark.parametrize(
    ("words", "units"),
    [
        ([("看", "v"), ("一", "m"), ("看", "v")], ["看一看"]),
        ([("去", "v"), ("不", "d"), ("去", "v")], ["去不去"]),
        ([("我", "r"), ("不", "d"), ("是", "v")], ["我", "不是"]),
        ([("一", "m"), ("辆", "q"), ("车", "n")], ["一辆", "车"]),
        ([("看", "v"), ("看", "v")], ["看看"]),
        ([("我", "r"), ("很", "d"), ("好", "a")], ["我很好"]),  # third tones
        ([("桌子", "n"), ("小", "a")], ["桌子", "小"]),  # no third tone: 子 will be neutral
        ([("这", "r"), ("儿", "n")], ["这儿"]),
        ([(",", "x"), ("不", "d"), (",", "x")], [",", "不,"]),
    ],
)
def test_units(words, units):
    assert [unit.text for unit in merge(words)] == units


@pytest.mark.parametrize(("words", "place"), [([("展览馆", "n")], 2), ([("纸老虎", "n")], 1), ([("好", "a")], 0)])
def test_seam_inside_a_word(words, place):
    (unit,) = merge(words)
    assert seam(unit) == place


def test_seam_of_joined_words():
    (unit,) = merge([("很", "d"), ("好", "a")])
    assert seam(unit) == 1
