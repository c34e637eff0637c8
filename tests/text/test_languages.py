"""Mixed sentences come apart by script."""

import random
from itertools import pairwise

import pytest

from edge_tts.errors import TextError
from edge_tts.text.languages import LANGUAGES, runs
from tests.text.tables import table


@pytest.mark.parametrize(("sentence", "language", "expected"), table("splitter_cases.tsv"))
def test_case(sentence, language, expected):
    shown = [f"{run.language}:{sentence[run.start : run.end]}" for run in runs(sentence, language)]
    assert "|".join(shown) == expected


def test_the_table_is_large():
    assert len(table("splitter_cases.tsv")) >= 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_has_no_runs(language):
    assert runs("", language) == []


def test_an_unknown_language_is_named():
    with pytest.raises(TextError, match=r"'klingon'.*en, zh, ja"):
        runs("nuqneH", "klingon")


ALPHABET = "你好這的日本語かなカナｶﾅ한국어abcÀＡ12.,:/-~%¥$ \n「」()“”'{}|/…！？\u0301\u3099\ud800😀мир"


@pytest.mark.parametrize("language", LANGUAGES)
def test_runs_cover_the_sentence_and_neighbours_differ(language):
    random.seed(language)
    for _ in range(100):
        sentence = "".join(random.choices(ALPHABET, k=random.randrange(1, 40)))
        row = runs(sentence, language)
        assert "".join(sentence[run.start : run.end] for run in row) == sentence
        assert all(run.start < run.end for run in row)
        assert all(a.language != b.language for a, b in pairwise(row))
        assert {run.language for run in row} <= {"en", "zh", "ja", "ko", "yue"}


def test_every_run_of_kana_hangul_and_letters_goes_to_its_language():
    row = runs("かな한글letters漢字", "auto")
    assert [run.language for run in row] == ["ja", "ko", "en", "ja"]


@pytest.mark.parametrize(
    ("sentence", "language"),
    [
        ("髙島屋で買う", "ja"),  # rare outside the oldest Japanese character set
        ("𠮟る", "ja"),
        ("人々は", "ja"),
    ],
)
def test_rare_characters_beside_kana_are_japanese(sentence, language):
    assert [run.language for run in runs(sentence, "auto")] == [language]
