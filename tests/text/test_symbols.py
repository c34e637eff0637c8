"""The v2 phone table against facts read from the published table."""

import pytest

from edge_tts.errors import TextError
from edge_tts.text.cmudict import PHONES
from edge_tts.text.symbols import PUNCTUATION, SYMBOLS_V2, phone_ids

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


def test_every_dictionary_phone_and_pause_has_an_id():
    ids = phone_ids([*PHONES, *PUNCTUATION])
    assert len(set(ids)) == 69 + 6


def test_an_unknown_phone_is_named():
    with pytest.raises(TextError, match="'QQ'"):
        phone_ids(["HH", "QQ"])
