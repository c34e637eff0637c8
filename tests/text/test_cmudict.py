"""The packed dictionary: what goes in comes out, at the edges too."""

import zlib

import pytest

from edge_tts.text.cmudict import PackedDictionary, cmudict, pack, parse, pronunciations

SMALL = {"b": [("B", "IY1")], "a": [("AH0",), ("EY1",)], "bee": [("B", "IY1")], "a's": [("EY1", "Z")]}


def small() -> PackedDictionary:
    return PackedDictionary(zlib.decompress(pack(SMALL)))


@pytest.mark.parametrize("word", SMALL)
def test_round_trip(word):
    assert small().pronunciations(word) == SMALL[word]
    assert word in small()


@pytest.mark.parametrize("word", ["", "A", "aa", "be", "bees", "c", "a'", "\t", "\n", "é", "~", "\x80", "a\tb"])
def test_absent_words(word):
    assert small().pronunciations(word) == []
    assert word not in small()


def test_an_empty_dictionary_knows_nothing():
    assert "a" not in PackedDictionary(zlib.decompress(pack({})))


def test_parse_reads_variants_and_drops_comments():
    text = "aalen AE1 L AH0 N # place, german\naalen(2) AA1 L AH0 N\n\n# nothing\n"
    assert parse(text) == {"aalen": [("AE1", "L", "AH0", "N"), ("AA1", "L", "AH0", "N")]}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("hello", ["HH AH0 L OW1", "HH EH0 L OW1"]),
        ("READ", ["R EH1 D", "R IY1 D"]),
        ("'bout", ["B AW1 T"]),
        ("zywicki", ["Z IH0 W IH1 K IY0"]),
        ("blorf", []),
    ],
)
def test_vendored_data(word, expected):
    assert [" ".join(phones) for phones in pronunciations(word)] == expected


def test_the_whole_dictionary_is_there():
    assert sum(word in cmudict() for word in ("'cause", "aardvark", "moon", "speaker", "zurich", "zyuganov's")) == 6
