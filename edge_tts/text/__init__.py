"""Text to phones: written language comes in, sentences of phones go out. Imports text libraries and numpy only."""
