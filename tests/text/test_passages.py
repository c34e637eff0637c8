"""Where sentences of any script end, and where long ones are cut."""

import pytest

from edge_tts.text import passages


def split(text):
    return [text[start:end] for start, end in passages.sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好。再见！", ["你好。", "再见！"]),
        ("真的？！当然。", ["真的？！", "当然。"]),
        ("「はい。」と言った。", ["「はい。」", "と言った。"]),
        ("안녕하세요. 저는 학생입니다.", ["안녕하세요.", " 저는 학생입니다."]),
        ("안녕.반가워", ["안녕.", "반가워"]),
        ("今年3.5%增长。", ["今年3.5%增长。"]),
        ("Dr. Smith来了。", ["Dr. Smith来了。"]),
        ("来。J. K. 罗琳来。", ["来。", "J. K. 罗琳来。"]),
        ("我用Python. 很好", ["我用Python.", " 很好"]),
        ("访问example.com吧", ["访问example.com吧"]),
        ("我…我不知道。", ["我…我不知道。"]),
        ("这是一个很长很长的句子，说了很多话……然后呢？", ["这是一个很长很长的句子，说了很多话……", "然后呢？"]),
        ("春天花开得很好看；夏天的雨下得很大；秋天", ["春天花开得很好看；夏天的雨下得很大；", "秋天"]),
        ("第一行\n第二行", ["第一行", "\n", "第二行"]),
        ("。。。", ["。。。"]),
        ("", []),
        ("没有标点", ["没有标点"]),
    ],
)
def test_sentences(text, expected):
    found = split(text)
    assert "".join(found) == text
    if "\n" in text:
        assert [part.strip() for part in found] == [part.strip() for part in expected if part.strip()]
    else:
        assert found == expected


def test_a_short_sentence_is_one_piece():
    assert list(passages.pieces("今天天气很好，我们去公园吧。")) == ["今天天气很好，我们去公园吧。"]


def test_a_long_one_is_cut_after_commas():
    clause = "今天天气很好我们一起去公园散步吧，"
    pieces = list(passages.pieces(clause * 12))
    assert "".join(pieces) == clause * 12
    assert len(pieces) > 2
    assert all(piece.endswith("，") for piece in pieces)


@pytest.mark.parametrize("text", ["一" * 500, "あ" * 500, "가 " * 500, "a" * 2000, "1" * 700, "好a1" * 300, "，" * 900])
def test_pieces_hold_the_whole_text_and_are_short(text):
    pieces = list(passages.pieces(text))
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= 140 for piece in pieces)


def test_words_numbers_and_pronunciations_are_never_cut():
    assert passages.atoms("用{GIF|/JH IH1 F/}和word 3.14吧") == [
        "用", "{GIF|/JH IH1 F/}", "和", "word", " ", "3.14", "吧",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["一二三四", "ab", "好,好", "wordword"])
def test_halves(text):
    left, right = passages.halves(text)
    assert left + right == text
    assert left and right
