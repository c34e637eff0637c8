"""Mandarin: written Chinese comes in, the normalised text and its phones go out. Imports numpy only.

Both are those of GPT-SoVITS's front end as it is without its neural model (PaddleSpeech's normaliser, jieba's words,
pypinyin's readings, PaddleSpeech's tone sandhi), but for its errors. Other than there:

- numbers: 2月, 2日 and 第2 are 二; 3-5天 is a range, 3-1获胜 a score, 10年前 a time, 90年代 a decade; every measure
  word and Latin unit makes a cardinal (100公里, 101次, 8mm, 60km/h); `1,234`, `62％`, `5‰`, `3:2`, `$5`, `¥100` and
  `8：30` are read;
- signs: brackets, spaces and emoji keep numbers apart; a dash is a pause, not 减; a slash is 每 only before a unit;
  a line break ends a sentence; `: ;` are pauses; 〇, Ⅳ, ½, rare characters and letters are not lost;
- tones: 土地, 目的, 金额, 酒吧, 以上, 电子 keep the last one; only true reduplications lose it (看看, 妈妈; not 高高,
  nor 共和国国务院); 一 stays in 十一月, 一月一日, 1998年 and changes in 一百, 一千; 要不要 is neutral in the middle,
  想想 is 2-5; third tones meet in 湖北省, too;
- characters with several readings: `data/zh_polyphones.txt`.
"""

import re

from edge_tts.text.chinese.characters import as_text
from edge_tts.text.chinese.normalise import normalise
from edge_tts.text.chinese.pronounce import pronounce
from edge_tts.text.reading import Reading

__all__ = ["normalise", "read"]

_LONG_PAUSES = ((re.compile(r"￥(?! ?\d)"), "SP2"), (re.compile(r"(?<![\dA-Za-z)])\^|\^(?!\d)"), "SP3"))
"""As in GPT-SoVITS: with one of these signs in a run of text, all commas of the run are this symbol."""

_SAME_SOUND = str.maketrans("嗯呣", "恩母")
"""Syllables without a vowel have no symbols of their own."""


def read(text: str) -> Reading:
    """A run of Mandarin. Latin letters are read by their names, other scripts and characters nobody reads left out.

    Empty if nothing is left. Raises TextError for what is no string.
    """
    text, comma = as_text(text), ","
    for sign, pause in _LONG_PAUSES:
        if sign.search(text):
            text, comma = sign.sub("，", text), pause
            break
    said = normalise(text).translate(_SAME_SOUND)
    row = pronounce(said)
    return Reading(
        text=said,
        phones=tuple(comma if phone == "," else phone for phones in row for phone in phones),
        word_to_phone=tuple(map(len, row)),
    )
