"""The phone tables against facts read from the published tables."""

import hashlib

import pytest

from edge_tts.errors import TextError
from edge_tts.text.cmudict import PHONES
from edge_tts.text.symbols import PUNCTUATION, SYMBOLS_V1, SYMBOLS_V2, TABLES, phone_ids

KNOWN = {
    "!": 0, ",": 1, "-": 2, ".": 3, "?": 4, "AA": 5, "AA0": 6, "B": 24, "E1": 28, "ER": 37, "HH": 51, "I": 52,
    "IH": 53, "SP3": 79, "UNK": 86, "ZH": 94, "_": 95, "a": 96, "a1": 97, "an3": 109, "zh": 320, "…": 321, "[": 322,
    "]": 323, "ㄱ": 324, "ㅣ": 350, "停": 351, "空": 352, "Ya": 353, "Ya1": 354, "Yz": 731,
}  # fmt: skip


def test_the_table_has_732_different_symbols():
    assert len(SYMBOLS_V2) == len(set(SYMBOLS_V2)) == 732


@pytest.mark.parametrize(("symbol", "index"), KNOWN.items())
def test_known_positions(symbol, index):
    assert SYMBOLS_V2[index] == symbol
    assert phone_ids([symbol]) == [index]


@pytest.mark.parametrize(
    ("table", "count", "digest"),
    [
        (SYMBOLS_V1, 322, "b85339cb1cfe2bb30312ee34f72930cada4d3272edf858a859ab4e6a24e50cb4"),
        (SYMBOLS_V2, 732, "a91aea0994bc55f1c93565f887b443c291d94e55240cc749bb67327b90103bf2"),
    ],
)
def test_the_whole_tables_are_the_published_ones(table, count, digest):
    assert len(set(table)) == len(table) == count
    assert hashlib.sha256(" ".join(table).encode()).hexdigest() == digest


def test_v1_has_the_first_ids_of_v2_and_no_others():
    assert phone_ids(["!", "UNK", "_", "zh", "…"], "gpt-sovits-v1") == [0, 86, 95, 320, 321]
    assert set(TABLES) == {"gpt-sovits-v1", "gpt-sovits-v2"}


def test_a_phone_that_only_v2_has_is_unknown_in_v1():
    assert phone_ids(["a", "[", "ㄱ", "Yaa1"], "gpt-sovits-v1") == [96, 86, 86, 86]


def test_an_unknown_table_is_named():
    with pytest.raises(TextError, match="'gpt-sovits-v9'"):
        phone_ids(["a"], "gpt-sovits-v9")


def test_every_dictionary_phone_and_pause_has_an_id():
    ids = phone_ids([*PHONES, *PUNCTUATION])
    assert len(set(ids)) == 69 + 6


def test_an_unknown_phone_is_named():
    with pytest.raises(TextError, match="'QQ'"):
        phone_ids(["HH", "QQ"])
