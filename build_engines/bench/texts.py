"""What is said: sentences of twelve words, each about four seconds of English speech. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_tts.synthesis import Utterance

__all__ = ["LANGUAGE", "PHONES_PER_SECOND", "SENTENCE_SECONDS", "joined", "text_of"]

LANGUAGE = "en"
SENTENCE_SECONDS = 4.0
PHONES_PER_SECOND = 11.5
"""What the sentences below have, at four seconds each."""

_THINGS = ("paper boat", "tin soldier", "green bottle", "wooden chair", "small parcel", "brown kettle")
_PLACES = ("river behind the mill", "garden near the school", "harbour below the town", "forest beside the lake")


def text_of(sentences: int) -> str:
    """So many different sentences of twelve words."""
    said = []
    for index in range(sentences):
        thing, place = _THINGS[index % len(_THINGS)], _PLACES[index % len(_PLACES)]
        said.append(f"Somebody left one {thing} in the {place} today.")
    return " ".join(said)


def joined(utterances: Sequence[Utterance], seconds: float) -> Utterance:
    """One sentence with as many phones as `seconds` of speech have, cut from the given ones, which must suffice."""
    phones = max(1, round(seconds * PHONES_PER_SECOND))
    ids = np.concatenate([utterance.ids for utterance in utterances])
    pauses = tuple(pause for utterance in utterances for pause in utterance.pauses)
    if len(ids) < phones:
        raise ValueError(f"{len(ids)} phones are too few for {seconds:g} s")
    return Utterance(" ".join(utterance.written for utterance in utterances), ids[:phones], pauses[:phones])
