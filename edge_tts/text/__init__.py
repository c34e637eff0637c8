"""Text to phones: written language comes in, sentences of phones go out. Imports text libraries and numpy only."""

from edge_tts.text.front_end import Sentence, front_end, split_sentences, to_phones
from edge_tts.text.lexicon import Lexicon

__all__ = ["Lexicon", "Sentence", "front_end", "split_sentences", "to_phones"]
