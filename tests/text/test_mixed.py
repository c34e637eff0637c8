"""The front end over all languages: nothing is lost, nothing is too long, hostile text is spoken or refused."""

import random
import sys

import pytest

from edge_tts.errors import TextError
from edge_tts.text import Lexicon, front_end, split_sentences
from edge_tts.text.optional import library
from edge_tts.text.sentences import LIMIT
from edge_tts.text.symbols import PUNCTUATION, phone_ids
from tests.text.tables import need

WORDS = {
    "zh": "今天天气很好，我们去公园。",
    "ja": "今日は良い天気ですね。",
    "ko": "오늘은 날씨가 좋네요. ",
    "yue": "今日天氣好好，我哋去飲茶。",
}
LANGUAGES = [*WORDS, "auto"]


@pytest.fixture(params=LANGUAGES)
def language(request):
    for code in ("ja", "ko") if request.param == "auto" else (request.param,):
        need(code)
    return request.param


def check(text, language):
    sentences = front_end(text, language)
    assert sentences
    for sentence in sentences:
        assert 0 < len(sentence.phones) <= LIMIT
        assert sentence.phones[-1] in PUNCTUATION
        assert len(phone_ids(sentence.phones)) == sum(sentence.word_to_phone) == len(sentence.phones)
        assert tuple(phone for segment in sentence.segments for phone in segment.phones) == sentence.phones
        for segment in sentence.segments:
            assert segment.phones
            assert segment.language in ("en", "zh", "ja", "ko", "yue")
            if segment.language in ("zh", "yue"):
                assert len(segment.word_to_phone) == len(segment.text)
                assert sum(segment.word_to_phone) == len(segment.phones)
            else:
                assert segment.word_to_phone == ()
    assert "".join("".join(sentence.written.split()) for sentence in sentences) == "".join(text.split())
    return sentences


@pytest.mark.parametrize(
    ("text", "language", "languages", "phones"),
    [
        ("こんにちは、world", "ja", "ja en", "k o [ N n i ch i w a , W ER1 L D ."),
        ("Hello", "ja", "en", "HH AH0 L OW1 ."),
        ("저는 Tom을 봐요", "ko", "ko en ko", "ㅈ ㅓ ㄴ ㅡ ㄴ 空 T AA1 M ㅇ ㅡ ㄹ 空 ㅂ ㅗ ㅏ ㅇ ㅣ ㅗ ."),
        ("我OK！", "yue", "yue en", "Yng Yo5 OW2 K EY1 !"),
        ("to the apple和", "yue", "en yue", "T UW1 DH AH0 AE1 P AH0 L Yw Yo4 ."),
        ("「はい」", "ja", "ja", "h a ] i ."),
        ("A餐", "yue", "en yue", "EY1 Yc Yaan1 ."),
        ("我喜欢iPhone手机。", "zh", "zh en zh", "w o2 x i3 h uan5 AY1 F OW2 N sh ou3 j i1 ."),
        ("はい、 안녕 hi", "auto", "ja ko en", "h a ] i , ㅇ ㅏ ㄴ ㄴ ㅣ ㅓ ㅇ 空 HH AY1 ."),
    ],
)
def test_segments(text, language, languages, phones):
    for code in languages.split():
        need(code)
    (sentence,) = check(text, language)
    assert " ".join(segment.language for segment in sentence.segments) == languages
    assert " ".join(sentence.phones) == phones


def test_ordinary_text(language):
    text = WORDS.get(language, "".join(WORDS.values()))
    sentences = check(text + "Hello, world! " + text * 3, language)
    assert {segment.language for sentence in sentences for segment in sentence.segments} == (
        {"zh", "ja", "ko", "en"} if language == "auto" else {language, "en"}
    )


def test_names_of_the_original_mean_the_same():
    need("yue")
    assert front_end(WORDS["yue"], "all_yue") == front_end(WORDS["yue"], "auto_yue") == front_end(WORDS["yue"], "yue")


def test_marks_without_a_word_belong_to_the_sentence_before_them():
    need("ja")
    assert split_sentences("……\nはい。！！\n「」\nいいえ", "ja") == ["……\nはい。！！\n「」", "いいえ"]


@pytest.mark.parametrize("unit", ["あ", "今", "가나 ", "1", "，今", "「あ」", "ab1가"])
def test_text_without_any_place_to_cut_stays_below_the_limit(unit, language):
    try:
        check(unit * (400 // len(unit)), language)
    except TextError as error:
        assert "nothing to speak" in str(error)


@pytest.mark.parametrize(
    "text", ["", " \n", "。。。", "「」", "……", "😀", "\ud800", "\u0301", "مرحبا", "\u202e", "---"]
)
def test_text_with_nothing_to_speak_is_refused(text, language, capfd):
    with pytest.raises(TextError, match="nothing to speak"):
        front_end(text, language)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("text", [None, 5, b"bytes"])
def test_what_is_no_text_is_refused(text):
    with pytest.raises(TextError, match="must be a string"):
        front_end(text, "ja")


ALPHABET = (
    "你好這的日本語かなカナっー々ｶﾅ한국어값 abcÀＡ12.,:/-~%¥$ \n「」()“”'{}|/…！？。；"
    "\u0301\u3099\ud800\u202e😀мирم\x00"
)


@pytest.mark.parametrize("seed", range(3))
def test_any_text_is_spoken_or_refused(seed, language, capfd):
    random.seed(seed)
    for _ in range(12):
        text = "".join(random.choices(ALPHABET, k=random.randrange(1, 60)))
        try:
            check(text, language)
        except TextError as error:
            assert "nothing to speak" in str(error)
    assert capfd.readouterr() == ("", "")


def test_any_code_points_are_spoken_or_refused(language):
    random.seed(language)
    for _ in range(12):
        text = "".join(chr(random.randrange(0x110000)) for _ in range(60))
        try:
            check(text, language)
        except TextError as error:
            assert "nothing to speak" in str(error)


def calls(text, language):
    """Function calls that reading `text` takes: a measure of work that no busy machine can spoil."""
    count = 0

    def profile(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(profile)
    try:
        front_end(text, language)
    except TextError:
        pass
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("unit", ["あ", "가", "1", "…", "\n", "{a|/", "好a", "( "])
def test_work_grows_with_the_text_and_not_with_its_square(unit, language):
    front_end("Hello", language)
    short, long = (calls(unit * (size // len(unit)) + "end", language) for size in (300, 1200))
    assert long <= 6 * short + 3000


def test_a_long_text_is_read_whole():
    need("yue")
    assert len(check(WORDS["yue"] * 700, "yue")) == 700


def test_inline_pronunciations_and_the_lexicon_hold_in_english_runs():
    need("yue")
    lexicon = Lexicon.parse("MTR EH1 M T IY1 AA1 R", "words")
    (sentence,) = front_end("搭MTR去{Sheung|/SH OW1 NG/}", "yue", lexicon)
    assert [segment.phones for segment in sentence.segments if segment.language == "en"] == [
        ("EH1", "M", "T", "IY1", "AA1", "R"),
        ("SH", "OW1", "NG", "."),
    ]


def test_dictionary_forms_are_for_voices_that_know_no_others():
    (plain,) = front_end("Go to the end and back.")
    (trained,) = front_end("Go to the end and back.", dictionary_forms=True)
    assert " ".join(plain.phones) == "G OW1 T AH0 DH IY0 EH1 N D AE1 N D B AE1 K ."
    assert " ".join(trained.phones) == "G OW1 T UW1 DH AH0 EH1 N D AH0 N D B AE1 K ."


@pytest.mark.parametrize(
    ("code", "module", "words"),
    [
        ("ja", "pyopenjtalk", "Japanese needs pyopenjtalk: run pip install 'edge-tts-jetson[ja]'"),
        ("yue", "ToJyutping", "Cantonese needs ToJyutping: run pip install 'edge-tts-jetson[yue]'"),
    ],
)
def test_a_missing_library_is_one_clear_line(code, module, words, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(TextError) as error:
        front_end(WORDS[code], code)
    assert str(error.value) == words


def test_a_missing_korean_library_is_one_clear_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "mecab", None)
    with pytest.raises(TextError, match=r"Korean needs python-mecab-ko: run pip install 'edge-tts-jetson\[ko\]'"):
        library("mecab", "python-mecab-ko", "Korean", "ko")
