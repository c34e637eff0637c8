"""Text to phones: written language comes in, sentences of phones go out. Imports text libraries and numpy only."""

from edge_tts.text.front_end import front_end, split_sentences, to_phones
from edge_tts.text.lexicon import Lexicon
from edge_tts.text.reading import Reading, Segment, Sentence

__all__ = ["Lexicon", "Reading", "Segment", "Sentence", "front_end", "split_sentences", "to_phones"]
