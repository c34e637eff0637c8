"""Korean: written text becomes letters as they are heard. Needs python-mecab-ko (the extra `ko`), no network."""

from edge_tts.text.korean.hangul import phones
from edge_tts.text.korean.morphology import analyse
from edge_tts.text.korean.pronunciation import heard
from edge_tts.text.korean.written import folded
from edge_tts.text.reading import Reading

__all__ = ["read"]


def read(text: str) -> Reading:
    """A run of Korean. Spaces are the phone 空, quotes and brackets 停, as in GPT-SoVITS.

    Raises TextError if python-mecab-ko is not installed.
    """
    line = folded(text)
    units = heard(analyse(line))
    return Reading(line, tuple(phone for unit in units for phone in phones(unit)))
